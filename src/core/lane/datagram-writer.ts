import {copyBytes} from '../../bytes/cursor.ts';
import {HEAD_ROOM, type Slot} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import {varintLength, writeVarint} from '../../bytes/varint.ts';
import {FrameType, MAX_DATAGRAMS, PACKET_OVERHEAD} from '../../wire/constants.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {Outgoing} from './outgoing.ts';
import type {RoutedSender} from './routed-sender.ts';

/** Datagrams that are split for so long are worth a word: sizes of paths are found by then. */
const SPLIT_FOR: Millis = 5000;
const SAY_AGAIN: Millis = 60_000;

/** FRAGMENT in front of a piece: type, index, count. */
const FRAGMENT_HEADER = 3;

/**
 * Puts datagrams into packets: one or, of a batch, as many as fit into one; equal parts over
 * consecutive packets where one does not fit. What comes in behind another goes out behind it.
 */
export class DatagramWriter {
	readonly #context: EndpointContext;
	readonly #sender: RoutedSender;
	readonly #joining: boolean;
	readonly #session: number;
	/** Datagrams that went out in parts. */
	split = 0;
	/** For what packet size they do, since when, and when that was said last. */
	#splitSize = 0;
	#splitSince: Millis = 0;
	#saidAt: Millis = Number.NEGATIVE_INFINITY;
	/** The packet that more datagrams may join: frames from #start to #end. */
	#open: Slot | undefined;
	#start = 0;
	#end = 0;
	#count = 0;
	/** Of the first datagram in it, whose frame is DATAGRAM until a second one joins. */
	#flow = 0;
	#reference = 0;

	/** @param joining true when the peer understands DATAGRAM_LEN @param session its number for events */
	constructor(context: EndpointContext, sender: RoutedSender, joining: boolean, session: number) {
		this.#session = session;
		this.#context = context;
		this.#sender = sender;
		this.#joining = joining;
	}

	/** Sends a datagram, or keeps it in the open packet until `flush`. */
	write(datagram: Outgoing, now: Millis): DropReason | undefined {
		const {target, prefix, bytes, start, end} = datagram;
		const joins = this.#joining && target === undefined && prefix === undefined;
		if (joins && this.#join(datagram)) return undefined;
		this.flush(now);
		const head = headLength(datagram);
		const room = this.#sender.packetSize - PACKET_OVERHEAD - (prefix?.length ?? 0);
		if (head + end - start > room) return this.#sendSplit(datagram, now);
		const slot = this.#sender.take();
		if (slot === undefined) return 'no-slot';
		const frame = HEAD_ROOM - head;
		writeHead(slot.bytes, frame, datagram);
		const last = copyBytes(slot.bytes, HEAD_ROOM, bytes, start, end);
		if (joins) {
			this.#open = slot;
			this.#start = frame;
			this.#end = last;
			this.#count = 1;
			this.#flow = datagram.flow;
			this.#reference = datagram.reference;
			return undefined;
		}
		const first = frame - (prefix?.length ?? 0);
		if (prefix !== undefined) slot.bytes.set(prefix, first);
		slot.start = first;
		slot.end = last;
		return this.#sender.sendData(slot, now) ? undefined : 'saturated';
	}

	/** Sends the open packet, if there is one. */
	flush(now: Millis): void {
		const slot = this.#open;
		if (slot === undefined) return;
		this.#open = undefined;
		slot.start = this.#start;
		slot.end = this.#end;
		const sent = this.#sender.sendData(slot, now);
		// The packet itself is counted, the datagrams that joined its first one are not.
		if (!sent && this.#count > 1) this.#context.drops.count('saturated', this.#count - 1);
	}

	/** Drops the open packet, if there is one. */
	abandon(): void {
		if (this.#open === undefined) return;
		this.#sender.giveBack(this.#open);
		this.#open = undefined;
		this.#context.drops.count('no-session', this.#count);
	}

	/** Puts a datagram behind those of the open packet; false when there is no room. */
	#join({flow, reference, bytes, start, end}: Outgoing): boolean {
		const slot = this.#open;
		if (slot === undefined || this.#count === MAX_DATAGRAMS) return false;
		const length = end - start;
		const head = 1 + varintLength(flow) + varintLength(reference) + varintLength(length);
		const first = this.#count === 1 ? this.#end - HEAD_ROOM : 0;
		// What the first frame grows by, now that it no longer takes the rest of the packet.
		const growth = this.#count === 1 ? varintLength(first) : 0;
		const size = this.#end - this.#start + growth + head + length;
		if (size > this.#sender.packetSize - PACKET_OVERHEAD) return false;
		if (growth > 0) {
			this.#start -= growth;
			writeJoinedHead(slot.bytes, this.#start, this.#flow, this.#reference, first);
		}
		const at = writeJoinedHead(slot.bytes, this.#end, flow, reference, length);
		this.#end = copyBytes(slot.bytes, at, bytes, start, end);
		this.#count++;
		return true;
	}

	#noteSplit(size: number, head: number, now: Millis): void {
		const {packetSize} = this.#sender;
		if (packetSize !== this.#splitSize) {
			this.#splitSize = packetSize;
			this.#splitSince = now;
		}
		if (now - this.#splitSince < SPLIT_FOR || now - this.#saidAt < SAY_AGAIN) return;
		this.#saidAt = now;
		const fits = packetSize - PACKET_OVERHEAD - head;
		this.#context.emit({type: 'datagrams-split', session: this.#session, size, fits});
	}

	#sendSplit(datagram: Outgoing, now: Millis): DropReason | undefined {
		const {target, prefix, bytes, start, end} = datagram;
		const head = headLength(datagram);
		this.split++;
		// The first of a flow have less room than all that follow.
		if (target === undefined) this.#noteSplit(end - start, head, now);
		const whole = new Uint8Array(head + end - start);
		writeHead(whole, 0, datagram);
		copyBytes(whole, head, bytes, start, end);
		const extra = prefix?.length ?? 0;
		const room = this.#sender.packetSize - PACKET_OVERHEAD - FRAGMENT_HEADER - extra;
		const count = Math.max(2, Math.ceil(whole.length / room));
		const piece = Math.ceil(whole.length / count);
		for (let index = 0; index < count; index++) {
			const slot = this.#sender.take();
			if (slot === undefined) return 'no-slot';
			let at = HEAD_ROOM;
			if (prefix !== undefined) at = copyBytes(slot.bytes, at, prefix, 0, extra);
			slot.bytes[at++] = FrameType.FRAGMENT;
			slot.bytes[at++] = index;
			slot.bytes[at++] = count;
			const from = index * piece;
			at = copyBytes(slot.bytes, at, whole, from, Math.min(from + piece, whole.length));
			slot.start = HEAD_ROOM;
			slot.end = at;
			if (!this.#sender.sendData(slot, now)) return 'saturated';
		}
		return undefined;
	}
}

/** Bytes of DATAGRAM or DATAGRAM_TO up to its payload. */
function headLength({flow, reference, target}: Outgoing): number {
	return 1 + varintLength(flow) + varintLength(reference) + (target?.length ?? 0);
}

/** Writes DATAGRAM or DATAGRAM_TO up to its payload. */
function writeHead(bytes: Uint8Array, start: number, {flow, reference, target}: Outgoing): void {
	bytes[start] = target === undefined ? FrameType.DATAGRAM : FrameType.DATAGRAM_TO;
	const at = writeVarint(bytes, writeVarint(bytes, start + 1, flow), reference);
	if (target !== undefined) bytes.set(target, at);
}

/** Writes DATAGRAM_LEN up to its payload; returns the offset behind it. */
function writeJoinedHead(
	bytes: Uint8Array,
	at: number,
	flow: number,
	reference: number,
	length: number,
): number {
	bytes[at] = FrameType.DATAGRAM_LEN;
	const behind = writeVarint(bytes, writeVarint(bytes, at + 1, flow), reference);
	return writeVarint(bytes, behind, length);
}
