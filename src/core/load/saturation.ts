import {type Millis, NEVER} from '../../bytes/time.ts';

/** A queue longer than this is the tunnel's own, when another path has none. */
const QUEUE_LIMIT: Millis = 100;
/** Queue that counts where all paths are late, of which a busy machine may be the cause. */
const QUEUE_LIMIT_ALONE: Millis = 400;
/** A limit that leaves no queue grows by its own size in about this time. */
const GROWTH: Millis = 4000;
/**
 * After this long without a queue the limit is too low, and grows by its own size in the time
 * below.
 */
const DOUBTED_AFTER: Millis = 2000;
const DOUBTED_GROWTH: Millis = 1500;
/** Below this the queue is gone and the rate may grow. */
const QUEUE_EMPTY: Millis = 50;
/** Without a drop for this long the limit is lifted. */
const CALM: Millis = 3000;
/**
 * Bytes per millisecond (half a Mbit/s) that no measurement takes away: a small flow is what copies
 * are for, and on a busy machine its paths are late for reasons that no limit mends.
 */
const SMALLEST_RATE = 64;
/** Longest burst that the limit lets through at once. */
const BURST: Millis = 20;
const SMALLEST_BURST = 4 * 1500;
/** The part of it for packets that can wait, and what these leave for copies. */
const WAITING_BURST: Millis = 8;
const KEPT_BURST = 2 * 1500;
/** A report over fewer packets does not show a rate. */
const FEWEST_PACKETS = 60;
/** Fewer than this part of the packets due hint at a queue before its delay is measured... */
const COLLAPSE = 0.5;
/** ...when the missing ones were sent over more than this, within the span compared. */
const COLLAPSE_TIME: Millis = 50;
const LONGEST_SPAN: Millis = 300;
/** A limited path is emptied so often, so that its delay without a queue stays known. */
const DRAIN_EVERY: Millis = 5000;
const DRAIN_FOR: Millis = 250;
const DRAIN_RATE = 0.4;

/** Counts of a path in a report, and the limits of their accuracy. */
export interface Report {
	/** Packets ever sent on the path until a round trip ago, and those that arrived. */
	readonly sent: number;
	readonly arrived: number;
	/** Mean size of the packets, headers included. */
	readonly bytes: number;
	/** Loss of the path itself, 0 to 1. */
	readonly loss: number;
	/** Error of times, for instance through jitter. */
	readonly blur: Millis;
}

/** A measurement of a path's queue by one of its own probes. */
export interface QueueSample {
	/** Delay above the smallest of the last 10 s. */
	readonly queue: Millis;
	/** The smallest such delay of the other paths that are up. `Infinity`: there are none. */
	readonly others: Millis;
	/** Time at which the probe went out: one from before the limit does not show its effect. */
	readonly sentAt: Millis;
	/** Longest time that evidence takes on the path. */
	readonly patience: Millis;
}

/**
 * Keeps a path from being sent more than it carries: a copy that would only wait in a queue is
 * dropped here, so that neither the path's other users nor this path's latency suffer. Random loss
 * never limits anything (the product law needs every copy); a standing queue does.
 */
export class Saturation {
	/** Bytes per millisecond. `Infinity`: not limited by measurement. */
	#rate = Number.POSITIVE_INFINITY;
	/** Bytes per millisecond that the user allows. */
	#configured = Number.POSITIVE_INFINITY;
	#tokens = SMALLEST_BURST;
	#filled: Millis = 0;
	#delivered = 0;
	#lastDrop: Millis = 0;
	#lastCut: Millis = Number.NEGATIVE_INFINITY;
	#lastUpdate: Millis = 0;
	#tentative = false;
	#emptySince: Millis = NEVER;
	#limitedSince: Millis = 0;
	#drainedUntil: Millis = Number.NEGATIVE_INFINITY;
	#reportSent = 0;
	#reportArrived = 0;
	#reportAt: Millis = Number.NEGATIVE_INFINITY;
	/** Copies dropped so far. */
	dropped = 0;
	/** True when the last copy was dropped. */
	#hasRefused = false;

	/** Sets the user's own limit, in kbit/s of UDP payload + 28 bytes. `0`: none. */
	configure(kilobits: number): void {
		this.#configured = kilobits > 0 ? kilobits / 8 : Number.POSITIVE_INFINITY;
	}

	/** True while the path is limited because it could not keep up. */
	get saturated(): boolean {
		return this.#rate !== Number.POSITIVE_INFINITY;
	}

	/**
	 * Takes the bytes of one packet from the allowance. False: this copy is to be dropped.
	 * @param kept bytes that must be left in it for others
	 */
	allow(bytes: number, now: Millis, kept = 0): boolean {
		this.#hasRefused = false;
		const rate = this.#rateAt(now);
		if (rate === Number.POSITIVE_INFINITY) return true;
		this.#fill(rate, now);
		if (this.#tokens < bytes + kept) {
			this.dropped++;
			this.#hasRefused = true;
			this.#lastDrop = now;
			return false;
		}
		this.#tokens -= bytes;
		return true;
	}

	#rateAt(now: Millis): number {
		const draining = now < this.#drainedUntil ? DRAIN_RATE : 1;
		const measured = Math.max(SMALLEST_RATE, draining * this.#rate);
		return Math.min(measured, this.#configured);
	}

	#fill(rate: number, now: Millis): void {
		this.#tokens = Math.min(burstOf(rate), this.#tokens + (now - this.#filled) * rate);
		this.#filled = now;
	}

	/**
	 * Returns the milliseconds until a packet that can wait may go: it gets what is left of the
	 * user's limit when copies have enough for a burst. `0`: now. A measured limit is one for copies;
	 * others have a rate model.
	 */
	delayUntilSend(now: Millis, bytes: number): Millis {
		if (this.#configured === Number.POSITIVE_INFINITY) return 0;
		const rate = this.#rateAt(now);
		this.#fill(rate, now);
		const waiting = Math.max(2 * bytes, rate * WAITING_BURST);
		const missing = burstOf(rate) - waiting + bytes - this.#tokens;
		// Rounding must not leave a time to wait that no clock can show.
		return missing < 1 ? 0 : missing / rate;
	}

	/** Counts a packet that could wait and leaves: it never takes what copies need for a burst. */
	chargeWaiting(bytes: number): void {
		this.#tokens = Math.max(Math.min(this.#tokens, KEPT_BURST), this.#tokens - bytes);
	}

	/**
	 * Admits a copy that `allow` may have just refused, because no other path carries one: only the
	 * user's own limit drops the last copy. True: it is to be sent.
	 */
	allowLast(): boolean {
		if (this.#configured !== Number.POSITIVE_INFINITY) return false;
		// The copy may have been refused for another reason, which counts nothing here.
		if (this.#hasRefused) this.dropped--;
		this.#hasRefused = false;
		return true;
	}

	/** Counts bytes that go out at any limit (probes). */
	charge(bytes: number): void {
		this.#tokens -= bytes;
	}

	/**
	 * Takes an echo of the path's own probe: `arrived` packets came in `span` ms of the peer's clock.
	 * @param bytes mean size of the packets sent, headers included
	 */
	delivered(arrived: number, span: Millis, bytes: number, now: Millis): void {
		// While the path is emptied on purpose, arrivals do not show what it could carry.
		if (span < 5 || arrived <= 0 || now < this.#drainedUntil + DRAIN_FOR) return;
		const rate = (arrived * bytes) / span;
		this.#delivered =
			this.#delivered === 0 || this.#tentative ? rate : this.#delivered * 0.7 + rate * 0.3;
	}

	/**
	 * Takes a report over any path: of `sent` packets ever sent on this one until a round trip ago
	 * the peer has the part that arrived. A queue shows here long before a probe that waits in it is
	 * back.
	 */
	reported(report: Report, now: Millis): void {
		const span = now - this.#reportAt;
		const sent = report.sent - this.#reportSent;
		const expected = sent * (1 - report.loss);
		const arrived = report.arrived - this.#reportArrived;
		const missing = ((expected - arrived) * span) / Math.max(1, sent);
		if (!this.saturated && span <= LONGEST_SPAN && sent >= FEWEST_PACKETS && arrived > 0) {
			if (arrived < COLLAPSE * expected && missing > COLLAPSE_TIME + report.blur) {
				this.#delivered = (arrived * report.bytes) / span;
				this.#limit(0.5 * this.#delivered, now);
				this.#tentative = true;
			}
		}
		if (span < LONGEST_SPAN && !this.saturated) return;
		this.#reportAt = now;
		this.#reportSent = report.sent;
		this.#reportArrived = report.arrived;
	}

	/** Takes a measurement of the delay above the path's minimum. */
	queueing({queue, others, sentAt, patience}: QueueSample, now: Millis): void {
		const step = Math.min(1000, now - this.#lastUpdate);
		this.#lastUpdate = now;
		if (this.saturated && now > this.#drainedUntil + DRAIN_EVERY) {
			this.#drainedUntil = now + DRAIN_FOR;
		}
		const limit = queue - others > QUEUE_LIMIT ? QUEUE_LIMIT : QUEUE_LIMIT_ALONE;
		if (queue > (this.saturated ? QUEUE_LIMIT : limit)) {
			this.#tentative = false;
			if (this.#delivered > 0 && now - this.#lastCut > Math.min(patience, 300)) {
				this.#limit(drainRate(queue) * this.#delivered, now);
			}
		} else if (this.saturated && sentAt >= this.#limitedSince) this.#relax(queue, step, now);
	}

	#relax(queue: Millis, step: Millis, now: Millis): void {
		// The collapse was loss, not a queue: random loss must not cost copies.
		if (this.#tentative && queue < QUEUE_EMPTY) this.#rate = Number.POSITIVE_INFINITY;
		else if (now - this.#lastDrop > CALM) this.#rate = Number.POSITIVE_INFINITY;
		else if (queue < QUEUE_EMPTY / 2) {
			this.#emptySince = Math.min(this.#emptySince, now);
			const growth = now - this.#emptySince > DOUBTED_AFTER ? DOUBTED_GROWTH : GROWTH;
			this.#rate = Math.max(this.#rate, 0.95 * this.#delivered) * (1 + step / growth);
			return;
		} else if (queue > QUEUE_EMPTY) {
			this.#rate = Math.min(this.#rate, 0.95 * this.#delivered);
		}
		this.#emptySince = NEVER;
	}

	#limit(rate: number, now: Millis): void {
		if (!this.saturated) {
			this.#tokens = SMALLEST_BURST;
			this.#filled = now;
			this.#lastDrop = now;
			this.#limitedSince = now;
		}
		this.#rate = rate;
		this.#lastCut = now;
		this.#emptySince = NEVER;
	}
}

/** Returns the longest burst at that rate, in bytes. */
function burstOf(rate: number): number {
	return Math.max(SMALLEST_BURST, rate * BURST);
}

/** Returns the part of the path's rate that may be sent while a queue of that length drains. */
function drainRate(queue: Millis): number {
	if (queue > 4 * QUEUE_LIMIT) return 0.2;
	return queue > 2 * QUEUE_LIMIT ? 0.5 : 0.8;
}
