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
import {writeUint48} from '../bytes/cursor.ts';
import {varintLength, writeVarint} from '../bytes/varint.ts';
import {FrameType} from './constants.ts';

/** Writes STREAM_OPEN or STREAM_ACCEPT; the offset behind it. */
export function encodeStreamBegin(
	bytes: Uint8Array,
	at: number,
	type: typeof FrameType.STREAM_OPEN | typeof FrameType.STREAM_ACCEPT,
	id: number,
	window: number,
	address: Uint8Array,
): number {
	bytes[at] = type;
	const end = writeVarint(bytes, writeVarint(bytes, at + 1, id), window);
	bytes.set(address, end);
	return end + address.length;
}

/** Bytes of such a frame. */
export function streamBeginLength(id: number, window: number, address: Uint8Array): number {
	return 1 + varintLength(id) + varintLength(window) + address.length;
}

/** Writes STREAM_REJECT or STREAM_RESET; the offset behind it. */
export function encodeStreamCode(
	bytes: Uint8Array,
	at: number,
	type: typeof FrameType.STREAM_REJECT | typeof FrameType.STREAM_RESET,
	id: number,
	code: number,
): number {
	bytes[at] = type;
	const end = writeVarint(bytes, at + 1, id);
	bytes[end] = code;
	return end + 1;
}

/** Writes STREAM_WINDOW: the peer may send bytes below `offset`. The offset behind the frame. */
export function encodeStreamWindow(
	bytes: Uint8Array,
	at: number,
	id: number,
	offset: number,
): number {
	bytes[at] = FrameType.STREAM_WINDOW;
	return writeUint48(bytes, writeVarint(bytes, at + 1, id), offset);
}

/** Writes STREAM_STOP: no more bytes are wanted. The offset behind the frame. */
export function encodeStreamStop(bytes: Uint8Array, at: number, id: number): number {
	bytes[at] = FrameType.STREAM_STOP;
	return writeVarint(bytes, at + 1, id);
}

/** Writes STREAM or STREAM_FIN up to where its `length` bytes belong; the offset of those. */
export function encodeStreamHead(
	bytes: Uint8Array,
	at: number,
	fin: boolean,
	id: number,
	offset: number,
	length: number,
): number {
	bytes[at] = fin ? FrameType.STREAM_FIN : FrameType.STREAM;
	const end = writeUint48(bytes, writeVarint(bytes, at + 1, id), offset);
	return writeVarint(bytes, end, length);
}

/** Bytes of such a head at most. */
export function streamHeadLength(id: number): number {
	return 9 + varintLength(id);
}
