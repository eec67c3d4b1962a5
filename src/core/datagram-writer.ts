import {copyBytes} from '../bytes/cursor.ts';
import {HEAD_ROOM} from '../bytes/slot-pool.ts';
import {varintLength, writeVarint} from '../bytes/varint.ts';
import {FrameType, PACKET_OVERHEAD} from '../wire/constants.ts';
import type {DropReason} from './drop-reason.ts';
import type {PacketSender} from './packet-sender.ts';
import {Sent} from './path/judge.ts';
import type {PathSet} from './path/path-set.ts';
import type {Millis} from './time.ts';

/** FRAGMENT in front of a piece: type, index, count. */
const FRAGMENT_HEADER = 3;

/** Puts datagrams into packets: one each, or equal parts over consecutive packets. */
export class DatagramWriter {
	readonly #sender: PacketSender;
	readonly #paths: PathSet;

	constructor(sender: PacketSender, paths: PathSet) {
		this.#sender = sender;
		this.#paths = paths;
	}

	/**
	 * Sends a datagram of a flow: `inline` is the encoded target, or undefined once it is known.
	 * `prefix` is frames that have to come before it. Splits what does not fit into equal parts.
	 */
	write(
		flow: number,
		reference: number,
		inline: Uint8Array | undefined,
		prefix: Uint8Array | undefined,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const head = 1 + varintLength(flow) + varintLength(reference) + (inline?.length ?? 0);
		const room = this.#paths.packetSize - PACKET_OVERHEAD - (prefix?.length ?? 0);
		if (head + end - start > room) {
			return this.#sendSplit(flow, reference, inline, prefix, bytes, start, end, now);
		}
		const slot = this.#sender.take();
		if (slot === undefined) return 'no-slot';
		const frame = HEAD_ROOM - head;
		this.#writeHead(slot.bytes, frame, flow, reference, inline);
		const last = copyBytes(slot.bytes, HEAD_ROOM, bytes, start, end);
		const first = frame - (prefix?.length ?? 0);
		if (prefix !== undefined) slot.bytes.set(prefix, first);
		return this.#sender.sendCopies(slot, first, last, now, Sent.DATA) ? undefined : 'saturated';
	}

	#writeHead(
		bytes: Uint8Array,
		start: number,
		flow: number,
		reference: number,
		inline: Uint8Array | undefined,
	): void {
		bytes[start] = inline === undefined ? FrameType.DATAGRAM : FrameType.DATAGRAM_TO;
		const at = writeVarint(bytes, writeVarint(bytes, start + 1, flow), reference);
		if (inline !== undefined) bytes.set(inline, at);
	}

	#sendSplit(
		flow: number,
		reference: number,
		inline: Uint8Array | undefined,
		prefix: Uint8Array | undefined,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const head = 1 + varintLength(flow) + varintLength(reference) + (inline?.length ?? 0);
		const whole = new Uint8Array(head + end - start);
		this.#writeHead(whole, 0, flow, reference, inline);
		copyBytes(whole, head, bytes, start, end);
		const extra = prefix?.length ?? 0;
		const room = this.#paths.packetSize - PACKET_OVERHEAD - FRAGMENT_HEADER - extra;
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
			if (!this.#sender.sendCopies(slot, HEAD_ROOM, at, now, Sent.DATA)) return 'saturated';
		}
		return undefined;
	}
}
