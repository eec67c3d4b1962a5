/*
 * Frames of streams:
 *
 *   STREAM_OPEN    30 | id varint | window varint | target (IPv4, domain or IPv6)
 *   STREAM_ACCEPT  31 | id varint | window varint | address (IPv4 or IPv6)
 *   STREAM_REJECT  32 | id varint | code 1
 *   STREAM_RESET   33 | id varint | code 1
 *   STREAM         34 | id varint | offset 6 | length varint | bytes
 *   STREAM_FIN     35 | the same, and the stream ends behind these bytes
 *   STREAM_WINDOW  36 | id varint | offset 6
 *   STREAM_STOP    37 | id varint
 */
import {copyBytes, writeUint48} from '../../bytes/cursor.ts';
import {varintLength, writeVarint} from '../../bytes/varint.ts';
import {decodeHostTarget, TargetKind} from '../address.ts';
import type {FrameCodec, Payload, PayloadCodec} from './codec.ts';
import {takePayload} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** A stream by its number. */
export interface StreamId {
	id: number;
}

/** The beginning of a stream at one end. */
export interface StreamBegin extends StreamId {
	/** The offset below which the peer may send. */
	window: number;
	/** Target of STREAM_OPEN, address of STREAM_ACCEPT, as it travels; the receiver's own copy. */
	address: Uint8Array;
}

/** The end of a stream. */
export interface StreamEnd extends StreamId {
	/** One of RefusalCode or StreamCode. */
	code: number;
}

/** A stream up to an offset. */
export interface StreamOffset extends StreamId {
	offset: number;
}

/** Bytes of a stream, in the memory of the packet that carries them. */
export interface StreamData extends StreamOffset, Payload {}

function beginCodec(type: number, domains: boolean): FrameCodec<StreamBegin> {
	return {
		type,
		length: ({id, window, address}) => 1 + varintLength(id) + varintLength(window) + address.length,
		encode(bytes, at, {id, window, address}) {
			bytes[at] = type;
			const behind = writeVarint(bytes, writeVarint(bytes, at + 1, id), window);
			return copyBytes(bytes, behind, address, 0, address.length);
		},
		decode(cursor, frame) {
			frame.id = cursor.varint();
			frame.window = cursor.varint();
			const host = decodeHostTarget(cursor);
			if (host === undefined || (host.kind === TargetKind.DOMAIN && !domains)) return false;
			frame.address = host.encoded;
			return true;
		},
	};
}

function endCodec(type: number): FrameCodec<StreamEnd> {
	return {
		type,
		length: ({id}) => 2 + varintLength(id),
		encode(bytes, at, {id, code}) {
			bytes[at] = type;
			const behind = writeVarint(bytes, at + 1, id);
			bytes[behind] = code;
			return behind + 1;
		},
		decode(cursor, frame) {
			frame.id = cursor.varint();
			frame.code = cursor.uint8();
			return !cursor.failed;
		},
	};
}

function dataCodec(type: number): PayloadCodec<StreamData> {
	return {
		type,
		length(frame) {
			return this.headLength(frame) + frame.end - frame.start;
		},
		encode(bytes, at, frame) {
			const behind = this.encodeHead(bytes, at, frame);
			return copyBytes(bytes, behind, frame.bytes, frame.start, frame.end);
		},
		decode(cursor, frame) {
			frame.id = cursor.varint();
			frame.offset = cursor.uint48();
			return takePayload(cursor, frame, cursor.varint());
		},
		headLength: ({id, start, end}) => 7 + varintLength(id) + varintLength(end - start),
		encodeHead(bytes, at, {id, offset, start, end}) {
			bytes[at] = type;
			const behind = writeUint48(bytes, writeVarint(bytes, at + 1, id), offset);
			return writeVarint(bytes, behind, end - start);
		},
	};
}

/** STREAM_OPEN: from the client, with the target of the stream. */
export const streamOpenFrame: FrameCodec<StreamBegin> = beginCodec(FrameType.STREAM_OPEN, true);

/** STREAM_ACCEPT: the server is connected. */
export const streamAcceptFrame: FrameCodec<StreamBegin> = beginCodec(
	FrameType.STREAM_ACCEPT,
	false,
);

/** STREAM_REJECT: the server is not connected, for a reason of RefusalCode. */
export const streamRejectFrame: FrameCodec<StreamEnd> = endCodec(FrameType.STREAM_REJECT);

/** STREAM_RESET: both directions end at once, for a reason of StreamCode. */
export const streamResetFrame: FrameCodec<StreamEnd> = endCodec(FrameType.STREAM_RESET);

/** STREAM: bytes. */
export const streamFrame: PayloadCodec<StreamData> = dataCodec(FrameType.STREAM);

/** STREAM_FIN: the last bytes of a direction, or none. */
export const streamFinFrame: PayloadCodec<StreamData> = dataCodec(FrameType.STREAM_FIN);

/** STREAM_WINDOW: the peer may send bytes below `offset`. */
export const streamWindowFrame: FrameCodec<StreamOffset> = {
	type: FrameType.STREAM_WINDOW,
	length: ({id}) => 7 + varintLength(id),
	encode(bytes, at, {id, offset}) {
		bytes[at] = FrameType.STREAM_WINDOW;
		return writeUint48(bytes, writeVarint(bytes, at + 1, id), offset);
	},
	decode(cursor, frame) {
		frame.id = cursor.varint();
		frame.offset = cursor.uint48();
		return !cursor.failed;
	},
};

/** STREAM_STOP: no more bytes are taken. */
export const streamStopFrame: FrameCodec<StreamId> = {
	type: FrameType.STREAM_STOP,
	length: ({id}) => 1 + varintLength(id),
	encode(bytes, at, {id}) {
		bytes[at] = FrameType.STREAM_STOP;
		return writeVarint(bytes, at + 1, id);
	},
	decode(cursor, frame) {
		frame.id = cursor.varint();
		return !cursor.failed;
	},
};
