import {copyBytes} from '../../bytes/cursor.ts';
import {HEAD_ROOM, type Slot} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import {DATA_OVERHEAD, MAX_DATAGRAMS} from '../../wire/constants.ts';
import {encodeFrame, type PayloadCodec} from '../../wire/frames/codec.ts';
import {
	createFragment,
	type DatagramTo,
	datagramFrame,
	datagramLenFrame,
	datagramToFrame,
	fragmentFrame,
} from '../../wire/frames/datagram.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {LaneOutput} from './lane-output.ts';
import {Outgoing} from './outgoing.ts';

/**
 * Time for which datagrams are split before an event reports it: the sizes of paths are found by
 * then.
 */
const SPLIT_FOR: Millis = 5000;
const REPORT_AGAIN: Millis = 60_000;

/**
 * Puts datagrams into packets: one or, of a batch, as many as fit into one; equal parts over
 * consecutive packets where one does not fit. What comes in behind another goes out behind it.
 */
export class DatagramWriter {
	readonly #context: EndpointContext;
	readonly #sender: LaneOutput;
	readonly #joining: boolean;
	readonly #session: number;
	/** Datagrams that went out in parts. */
	split = 0;
	/**
	 * Packet size at which they do; below, the time since which it is so, and that of the last event.
	 */
	#splitSize = 0;
	#splitSince: Millis = 0;
	#reportedAt: Millis = Number.NEGATIVE_INFINITY;
	/** The packet that more datagrams may join: frames from #start to #end. */
	#open: Slot | undefined;
	#start = 0;
	#end = 0;
	#count = 0;
	/** The first datagram in it, whose frame is DATAGRAM until a second one joins. */
	readonly #first = new Outgoing();
	readonly #fragment = createFragment();

	/**
	 * @param joining true when the peer understands DATAGRAM_LEN
	 * @param session its number for events
	 */
	constructor(context: EndpointContext, sender: LaneOutput, joining: boolean, session: number) {
		this.#session = session;
		this.#context = context;
		this.#sender = sender;
		this.#joining = joining;
	}

	/** Sends a datagram, or keeps it in the open packet until `flush`. */
	write(datagram: Outgoing, now: Millis): DropReason | undefined {
		const {target, prefix} = datagram;
		const joins = this.#joining && target === undefined && prefix === undefined;
		if (joins && this.#join(datagram)) return undefined;
		this.flush(now);
		const room = this.#sender.packetSize - DATA_OVERHEAD - (prefix?.length ?? 0);
		const head = headLength(datagram);
		if (head + datagram.end - datagram.start > room) return this.#sendSplit(datagram, now);
		const slot = this.#sender.take();
		if (slot === undefined) return 'no-slot';
		const at = HEAD_ROOM - head;
		const last = encode(slot.bytes, at, datagram);
		if (joins) {
			this.#open = slot;
			this.#start = at;
			this.#end = last;
			this.#count = 1;
			this.#first.flow = datagram.flow;
			this.#first.reference = datagram.reference;
			return undefined;
		}
		const first = at - (prefix?.length ?? 0);
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

	/** Puts a datagram behind those of the open packet. False: there is no room. */
	#join(datagram: Outgoing): boolean {
		const slot = this.#open;
		if (slot === undefined || this.#count === MAX_DATAGRAMS) return false;
		// The first frame grows, as it no longer takes the rest of the packet.
		const growth = this.#count === 1 ? this.#growth() : 0;
		const size = this.#end - this.#start + growth + datagramLenFrame.length(datagram);
		if (size > this.#sender.packetSize - DATA_OVERHEAD) return false;
		if (growth > 0) {
			this.#start -= growth;
			datagramLenFrame.encodeHead(slot.bytes, this.#start, this.#first);
		}
		this.#end = datagramLenFrame.encode(slot.bytes, this.#end, datagram);
		this.#count++;
		return true;
	}

	/** Returns the bytes by which the frame of the first datagram grows when it states its length. */
	#growth(): number {
		const first = this.#first;
		first.start = HEAD_ROOM;
		first.end = this.#end;
		return datagramLenFrame.headLength(first) - datagramFrame.headLength(first);
	}

	#noteSplit(size: number, head: number, now: Millis): void {
		const {packetSize} = this.#sender;
		if (packetSize !== this.#splitSize) {
			this.#splitSize = packetSize;
			this.#splitSince = now;
		}
		if (now - this.#splitSince < SPLIT_FOR || now - this.#reportedAt < REPORT_AGAIN) return;
		this.#reportedAt = now;
		const fits = packetSize - DATA_OVERHEAD - head;
		this.#context.emit({type: 'datagrams-split', session: this.#session, size, fits});
	}

	#sendSplit(datagram: Outgoing, now: Millis): DropReason | undefined {
		const {target, prefix, start, end} = datagram;
		const codec = codecOf(datagram);
		this.split++;
		// The first of a flow have less room than all that follow.
		if (target === undefined) this.#noteSplit(end - start, codec.headLength(datagram), now);
		const whole = encodeFrame(codec, datagram);
		const piece = this.#fragment;
		const extra = prefix?.length ?? 0;
		const room = this.#sender.packetSize - DATA_OVERHEAD - fragmentFrame.headLength(piece) - extra;
		const count = Math.max(2, Math.ceil(whole.length / room));
		const size = Math.ceil(whole.length / count);
		piece.bytes = whole;
		piece.count = count;
		for (let index = 0; index < count; index++) {
			const slot = this.#sender.take();
			if (slot === undefined) return 'no-slot';
			let at = HEAD_ROOM;
			if (prefix !== undefined) at = copyBytes(slot.bytes, at, prefix, 0, extra);
			piece.index = index;
			piece.start = index * size;
			piece.end = Math.min(piece.start + size, whole.length);
			at = fragmentFrame.encode(slot.bytes, at, piece);
			slot.start = HEAD_ROOM;
			slot.end = at;
			if (!this.#sender.sendData(slot, now)) return 'saturated';
		}
		return undefined;
	}
}

/** Returns the layout of a datagram that has a packet of its own. */
function codecOf({target}: Outgoing): PayloadCodec<DatagramTo> {
	return target === undefined ? datagramFrame : datagramToFrame;
}

// Both are as with `codecOf`. That is a call through a table, for every datagram; these can be
// compiled into their caller.

function headLength(datagram: Outgoing): number {
	return datagram.target === undefined
		? datagramFrame.headLength(datagram)
		: datagramToFrame.headLength(datagram);
}

function encode(bytes: Uint8Array, at: number, datagram: Outgoing): number {
	return datagram.target === undefined
		? datagramFrame.encode(bytes, at, datagram)
		: datagramToFrame.encode(bytes, at, datagram);
}
