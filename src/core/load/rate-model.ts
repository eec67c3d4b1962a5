import type {Millis} from '../../bytes/time.ts';

/**
 * Bytes of a full packet of 1,200 bytes with its IP and UDP headers, in which windows are counted.
 */
export const REFERENCE_PACKET = 1228;

/**
 * State of a model at the moment a packet was sent. Made by `createSnapshot` of the model that uses
 * it, kept by the caller beside the packet, opaque to it, and reused for a later packet.
 */
export interface SendSnapshot {
	/** Bytes delivered in all when the packet was sent. */
	delivered: number;
	/** Time of the report of the last of them. */
	deliveredAt: Millis;
	/** The same moment on the peer's clock. `NaN`: unknown. */
	receivedAt: Millis;
	/** Time of sending of the newest packet whose delivery was known. */
	firstSentAt: Millis;
	/** Bytes sent of other packets and, with it, of the model's own... */
	beside: number;
	own: number;
	/** ...and those of them after the newest packet of which delivery was known. */
	besideSpan: number;
	ownSpan: number;
	/** Set when the sender lacked data, so that the packet does not measure what the path carries. */
	appLimited: boolean;
	/**
	 * Set when the packet was sent at less than the path carries, so that its loss has another cause.
	 */
	unhurried: boolean;
}

/**
 * Estimates the rate at which one path may be used in one direction. Counts only the packets that
 * are passed to it; the rest appears to it as traffic of others. All bytes are those on the wire:
 * UDP payload + 28.
 *
 * For each report of the peer the caller passes first every packet newly known to be received, then
 * every packet judged lost, then calls `onFeedback`. Each packet sent is passed at most once: one
 * that arrives after it was judged lost is not passed again.
 */
export interface RateModel {
	/** Returns a snapshot to be filled by `onSent`. */
	createSnapshot(): SendSnapshot;
	/** Counts a packet of `bytes` that leaves now, and fills `snapshot`, which stays the caller's. */
	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void;
	/**
	 * Counts another packet that leaves, on which nothing is reported: it never waits, and the
	 * model's yield to it.
	 */
	onBeside(now: Millis, bytes: number): void;
	/** Takes the receipt of a packet sent at `sentAt`. */
	onAcknowledged(now: Millis, bytes: number, sentAt: Millis, snapshot: SendSnapshot): void;
	/** Takes the loss of a packet sent at `sentAt`. */
	onLost(now: Millis, bytes: number, sentAt: Millis, snapshot: SendSnapshot): void;
	/**
	 * Takes a packet that is given up because the path does not answer at all, which is no evidence
	 * of its rate.
	 */
	onAbandoned(now: Millis, bytes: number): void;
	/**
	 * Ends a report.
	 * @param largestSentAt time at which the newest packet that it covers was sent
	 * @param largestReceivedAt arrival of that packet, in milliseconds (fraction allowed) of the
	 * peer's clock, whose zero is unknown
	 */
	onFeedback(now: Millis, largestSentAt: Millis, largestReceivedAt: Millis): void;
	/** Notes that the sender has nothing to send although it might. */
	setApplicationLimited(now: Millis): void;
	/** Bytes per millisecond at which all packets of the path are spaced. */
	readonly pacingRate: number;
	/** Bytes that may be in flight, those of other packets included. */
	readonly window: number;
	/** Bytes sent, but neither acknowledged nor judged lost. */
	readonly inFlight: number;
	/** Bytes of other packets that may be on their way. */
	readonly besideInFlight: number;
	/**
	 * Returns the milliseconds until a packet of `bytes` may go. `0`: now. `Infinity`: the window is
	 * full, so only the next report helps (or a probe that the caller sends on its own account).
	 */
	delayUntilSend(now: Millis, bytes: number): Millis;
	/** One-way delay above its smallest of the last 10 s, at the last report. */
	readonly queueingDelay: Millis;
	/** Smoothed round trip time; an assumption before the first report. */
	readonly srtt: Millis;
	/** False while the rate still doubles in every round trip. */
	readonly settled: boolean;
}

/** Returns the snapshot of a packet that was not sent yet. */
export function createSnapshot(): SendSnapshot {
	return {
		delivered: 0,
		deliveredAt: 0,
		receivedAt: Number.NaN,
		firstSentAt: 0,
		beside: 0,
		own: 0,
		besideSpan: 0,
		ownSpan: 0,
		appLimited: false,
		unhurried: false,
	};
}
