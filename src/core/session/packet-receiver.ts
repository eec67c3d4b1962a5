import {type Millis, NEVER} from '../../bytes/time.ts';
import {TAG_LENGTH} from '../../crypto/aead.ts';
import {HEADER_LENGTH, MIN_DATA_LENGTH} from '../../wire/constants.ts';
import {isInSymbol} from '../../wire/frames/frame-type.ts';
import {associatedData, headerEpoch, headerPacketNumber} from '../../wire/header.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import {FrameTable, MALFORMED} from '../packets/frame-table.ts';
import type {KeySchedule} from '../packets/key-schedule.ts';
import type {PacketSender} from '../packets/packet-sender.ts';
import type {ReceivedPacket} from '../packets/received-packet.ts';
import type {PathSet} from '../path/path-set.ts';
import {ReplayWindow, Seen} from '../replay-window.ts';

/** Packet numbers remembered: 40,000 packets/s with 1.6 s of skew between paths. */
const WINDOW = 65_536;
/** Least time for which an old epoch is accepted after a newer one is confirmed. */
const EPOCH_GRACE: Millis = 10_000;

/** Inputs of a receiver. */
export interface PacketReceiverInit {
	readonly context: EndpointContext;
	readonly keys: KeySchedule;
	readonly paths: PathSet;
	readonly sender: PacketSender;
	readonly events: ReceiverEvents;
	readonly now: Millis;
}

/** Receives the events of packets beside their frames. */
export interface ReceiverEvents {
	/** Another copy of a packet came over a validated address of its path. */
	copied(packet: ReceivedPacket, now: Millis): void;
	/** A packet that asks for FEEDBACK was read. */
	eliciting(packet: ReceivedPacket, now: Millis): void;
	/** A frame of that type broke the rules. */
	breach(type: number): void;
}

/**
 * Opens the packets of one session in the order of checks that the protocol prescribes, and has
 * their frames read.
 */
export class PacketReceiver {
	/** Handlers of the frames. */
	readonly frames: FrameTable = new FrameTable();
	/** Time of the last genuine packet. */
	lastReceived: Millis;
	/** Packets that proved genuine. */
	opened = 0;
	readonly #context: EndpointContext;
	readonly #keys: KeySchedule;
	readonly #paths: PathSet;
	readonly #sender: PacketSender;
	readonly #events: ReceiverEvents;
	readonly #window = new ReplayWindow(WINDOW);

	constructor(init: PacketReceiverInit) {
		this.#context = init.context;
		this.#keys = init.keys;
		this.#paths = init.paths;
		this.#sender = init.sender;
		this.#events = init.events;
		this.lastReceived = init.now;
	}

	/** Reads a DATA packet that names this session; returns why it is dropped, if it is. */
	receive(packet: ReceivedPacket, now: Millis): DropReason | undefined {
		if (this.#sender.ended) return 'unknown-session';
		if (packet.size < MIN_DATA_LENGTH) return 'short';
		const number = headerPacketNumber(packet.bytes, packet.start);
		packet.number = number;
		const seen = this.#window.peek(number);
		if (seen === Seen.FRESH) return this.#readFirst(packet, now);
		if (seen === Seen.TOO_OLD) return 'too-old';
		this.#countCopy(packet, now);
		return 'duplicate';
	}

	/** Reads the first copy of a packet. Most packets are other ones, and end before. */
	#readFirst(packet: ReceivedPacket, now: Millis): DropReason | undefined {
		const failure = this.#open(packet, now);
		if (failure !== undefined) return failure;
		this.opened++;
		this.lastReceived = now;
		this.#sender.unansweredSince = NEVER;
		packet.address?.received(packet.size, now);
		packet.path?.received(packet.number, packet.size, now);
		packet.cursor.reset(packet.bytes, packet.start + HEADER_LENGTH, packet.end - TAG_LENGTH);
		const reason = this.readFrames(packet, now);
		if (packet.elicits && !this.#sender.ended) this.#events.eliciting(packet, now);
		return reason;
	}

	/**
	 * Counts a copy. It is not opened, so nothing in it is proven: it counts only for the validated
	 * address that it may have come from, and does nothing else.
	 */
	#countCopy(packet: ReceivedPacket, now: Millis): void {
		const {path, address} = packet;
		if (path === undefined || !address?.validated) return;
		path.received(packet.number, packet.size, now);
		this.#events.copied(packet, now);
	}

	/** Decrypts a packet in place; returns why that fails. `undefined`: it is genuine. */
	#open(packet: ReceivedPacket, now: Millis): DropReason | undefined {
		const {bytes, start, end, number, remote, address} = packet;
		const {encrypt, failedOpens} = this.#context;
		const keys = this.#keys;
		const epoch = headerEpoch(bytes, start);
		const key = keys.opening(epoch, number, now);
		if (key === undefined) return 'unknown-epoch';
		const stranger = address === undefined ? remote : undefined;
		if (stranger !== undefined && !failedOpens.mayOpen(stranger, now)) return 'flood';
		const framesEnd = end - TAG_LENGTH;
		const ad = associatedData(bytes, start, framesEnd, encrypt);
		if (!key.open(number, ad, bytes, encrypt ? start + HEADER_LENGTH : framesEnd, framesEnd)) {
			if (stranger !== undefined) failedOpens.failed(stranger);
			return 'bad-tag';
		}
		this.#window.accept(number);
		if (keys.opened(epoch, number, now)) keys.retire(now + this.#grace());
		return undefined;
	}

	#grace(): Millis {
		let longest = 0;
		for (const path of this.#paths.all) longest = Math.max(longest, path.rtt.probeTimeout);
		return Math.max(EPOCH_GRACE, 3 * longest);
	}

	/**
	 * Reads the frames that the packet's cursor spans, until one is dropped with the rest or ends the
	 * session.
	 */
	readFrames(packet: ReceivedPacket, now: Millis): DropReason | undefined {
		const {cursor} = packet;
		const sender = this.#sender;
		while (cursor.remaining > 0 && !sender.ended) {
			const type = cursor.uint8();
			const isAllowed = !packet.isSource || isInSymbol(type);
			const reason = isAllowed ? this.frames.read(type, packet, now) : MALFORMED;
			if (reason === MALFORMED) this.#events.breach(type);
			if (reason !== undefined) return reason;
		}
		return undefined;
	}
}
