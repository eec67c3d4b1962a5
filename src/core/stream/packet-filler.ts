import {VARINT_MAX} from '../../bytes/varint.ts';
import {MAX_PACKET_SIZE} from '../../wire/constants.ts';
import {
	type StreamData,
	streamAcceptFrame,
	streamFinFrame,
	streamFrame,
	streamOpenFrame,
	streamRejectFrame,
	streamResetFrame,
	streamStopFrame,
	streamWindowFrame,
} from '../../wire/frames/stream.ts';
import {Pending, type Stream} from './stream.ts';
import {DATA, type StreamPacket} from './stream-packet.ts';
import type {StreamScheduler} from './stream-scheduler.ts';

/** With less room than this a packet is full. */
const LEAST_ROOM = 24;
/** The longest STREAM_REJECT, STREAM_RESET, STREAM_WINDOW or STREAM_STOP. */
const LONGEST_CONTROL: number = streamWindowFrame.length({id: VARINT_MAX, offset: 0});

/** Writes what streams have to send into frames of packets, and takes back the fate of these. */
export class PacketFiller {
	readonly #scheduler: StreamScheduler;
	/** Action for a stream whose last frame arrived. */
	readonly #finish: (stream: Stream) => void;
	/** True when the packet filled last has something of a young stream. */
	urgent = false;
	/** Streams whose STREAM_OPEN or STREAM_ACCEPT the packet filled last has. */
	readonly begun: Stream[] = [];
	/** The bytes being written, without their memory. */
	readonly #data: StreamData = {id: 0, offset: 0, bytes: new Uint8Array(0), start: 0, end: 0};
	/** The stream whose STREAM_OPEN is in the packet being filled. */
	#opened: Stream | undefined;

	constructor(scheduler: StreamScheduler, finish: (stream: Stream) => void) {
		this.#scheduler = scheduler;
		this.#finish = finish;
	}

	/** True while some stream has something to send. */
	get hasWork(): boolean {
		return this.#scheduler.next() !== undefined;
	}

	/**
	 * Bytes that may be sent of the streams whose turn is next. Of many streams only the first are
	 * counted.
	 */
	get backlog(): number {
		return this.#scheduler.backlog;
	}

	/** Writes frames into bytes[at, end) and notes them in `packet`. Returns their end. */
	fill(packet: StreamPacket, bytes: Uint8Array, at: number, end: number): number {
		let position = at;
		this.#opened = undefined;
		this.urgent = false;
		this.begun.length = 0;
		while (end - position >= LEAST_ROOM) {
			const stream = this.#scheduler.next();
			if (stream === undefined) break;
			const before = position;
			if (stream.urgent || stream.pending !== 0) this.urgent = true;
			position = this.#fillFrom(stream, packet, bytes, position, end);
			if (position === before) break;
			this.#scheduler.served(stream);
		}
		return position;
	}

	#fillFrom(
		stream: Stream,
		packet: StreamPacket,
		bytes: Uint8Array,
		start: number,
		end: number,
	): number {
		let at = start;
		if (stream.pending !== 0) {
			at = this.#fillControl(stream, packet, bytes, at, end);
			if (stream.pending !== 0) return at;
		}
		if (stream.state === 'closed') return at;
		return this.#fillData(stream, packet, bytes, at, end);
	}

	#fillControl(
		stream: Stream,
		packet: StreamPacket,
		bytes: Uint8Array,
		start: number,
		end: number,
	): number {
		let at = start;
		if (stream.pending & Pending.OPEN) at = this.#fillOpen(stream, packet, bytes, at, end);
		if (stream.pending & Pending.ACCEPT) {
			const frame = {id: stream.id, window: stream.receiveLimit, address: stream.bound};
			if (end - at < streamAcceptFrame.length(frame)) return at;
			at = streamAcceptFrame.encode(bytes, at, frame);
			this.#note(stream, packet, Pending.ACCEPT);
		}
		if (end - at < LONGEST_CONTROL) return at;
		const {id, code} = stream;
		if (stream.pending & Pending.REJECT) {
			at = streamRejectFrame.encode(bytes, at, {id, code});
			this.#note(stream, packet, Pending.REJECT);
		}
		if (stream.pending & Pending.RESET) {
			at = streamResetFrame.encode(bytes, at, {id, code});
			this.#note(stream, packet, Pending.RESET);
		}
		if (stream.pending & Pending.WINDOW && end - at >= LONGEST_CONTROL) {
			at = streamWindowFrame.encode(bytes, at, {id, offset: stream.receiveLimit});
			this.#note(stream, packet, Pending.WINDOW);
		}
		if (stream.pending & Pending.STOP) at = this.#fillStop(stream, packet, bytes, at, end);
		return at;
	}

	#fillOpen(
		stream: Stream,
		packet: StreamPacket,
		bytes: Uint8Array,
		at: number,
		end: number,
	): number {
		const frame = {id: stream.id, window: stream.firstLimit, address: stream.target};
		if (end - at < streamOpenFrame.length(frame)) return at;
		this.#note(stream, packet, Pending.OPEN);
		stream.announced = true;
		this.#opened = stream;
		return streamOpenFrame.encode(bytes, at, frame);
	}

	#fillStop(
		stream: Stream,
		packet: StreamPacket,
		bytes: Uint8Array,
		start: number,
		end: number,
	): number {
		const at = this.#introduce(stream, packet, bytes, start, end);
		if (end - at < LONGEST_CONTROL || this.#isUnknown(stream)) return at;
		this.#note(stream, packet, Pending.STOP);
		return streamStopFrame.encode(bytes, at, stream);
	}

	#isUnknown(stream: Stream): boolean {
		return stream.opener && !stream.known && this.#opened !== stream;
	}

	/** Announces the stream in each packet of it until the peer surely has its beginning. */
	#introduce(
		stream: Stream,
		packet: StreamPacket,
		bytes: Uint8Array,
		at: number,
		end: number,
	): number {
		return this.#isUnknown(stream) ? this.#fillOpen(stream, packet, bytes, at, end) : at;
	}

	#note(stream: Stream, packet: StreamPacket, kind: number): void {
		stream.pending &= ~kind;
		packet.add(stream, kind, 0, 0, false);
		if (kind === Pending.OPEN || kind === Pending.ACCEPT) this.begun.push(stream);
	}

	#fillData(
		stream: Stream,
		packet: StreamPacket,
		bytes: Uint8Array,
		start: number,
		end: number,
	): number {
		let at = start;
		if (stream.hasWork) at = this.#introduce(stream, packet, bytes, at, end);
		if (this.#isUnknown(stream)) return at;
		const frame = this.#data;
		frame.id = stream.id;
		// The length of the bytes is not known yet: room for any that a packet holds.
		frame.end = MAX_PACKET_SIZE;
		const room = end - at - streamFrame.headLength(frame);
		const {out} = stream;
		const again = out.lost.size > 0;
		const offset = again ? out.lost.firstStart : out.next;
		const last = again ? out.lost.firstEnd : Math.min(out.end, stream.sendLimit);
		const length = Math.min(last - offset, room);
		const behind = offset + length;
		const fin = stream.finQueued && !stream.finSent && behind === out.end;
		if (room < 0 || length < 0 || (length === 0 && !fin)) return at;
		frame.offset = offset;
		frame.end = length;
		at = (fin ? streamFinFrame : streamFrame).encodeHead(bytes, at, frame);
		if (length > 0) out.copy(offset, length, bytes, at);
		if (again) out.lost.remove(offset, behind);
		else out.next = behind;
		if (fin) stream.finSent = true;
		packet.add(stream, DATA, offset, length, fin);
		return at + length;
	}

	/** Takes the arrival of a packet's first copy. */
	received(packet: StreamPacket): void {
		for (let i = 0; i < packet.count; i++) {
			const {stream, kind, offset, length, fin} = packet.frames[i]!;
			if (stream.removed) continue;
			if (kind === DATA) stream.acknowledged(offset, length, fin);
			else if (kind === Pending.REJECT || kind === Pending.RESET) this.#finish(stream);
			else if (kind === Pending.STOP) stream.stopAcknowledged();
			else if (kind !== Pending.WINDOW) {
				stream.known = true;
				stream.settle();
			}
		}
	}

	/** Takes the loss of a packet: its frames are sent again. */
	lost(packet: StreamPacket): void {
		for (let i = 0; i < packet.count; i++) {
			const {stream, kind, offset, length, fin} = packet.frames[i]!;
			if (stream.removed) continue;
			if (kind === DATA) stream.lost(offset, length, fin);
			else stream.resend(kind);
		}
	}
}
