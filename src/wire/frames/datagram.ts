/*
 * Frames that carry datagrams:
 *
 *   DATAGRAM      10 | flow varint | reference varint | payload
 *   DATAGRAM_TO   11 | flow varint | reference varint | target | payload
 *   FRAGMENT      12 | index 1 | count 1 | piece
 *   DATAGRAM_LEN  50 | flow varint | reference varint | length varint | payload
 *
 * The first three take the rest of the packet.
 */
import {type Cursor, copyBytes} from '../../bytes/cursor.ts';
import {varintLength, writeVarint} from '../../bytes/varint.ts';
import {decodeTarget, type Target} from '../address.ts';
import {MAX_DATAGRAM} from '../constants.ts';
import {type Payload, type PayloadCodec, takePayload} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** A datagram of a flow. Its payload is in the memory of the packet that carries it. */
export interface Datagram extends Payload {
	flow: number;
	/** Number of the target inside the flow. */
	reference: number;
}

/** A datagram with its target. */
export interface DatagramTo extends Datagram {
	/** The target as it travels. */
	target: Uint8Array | undefined;
	/** The target as it is read; `encode` needs none. */
	decoded?: Target | undefined;
}

/** A piece of a DATAGRAM or DATAGRAM_TO that no packet holds. */
export interface Fragment extends Payload {
	index: number;
	count: number;
}

const EMPTY = new Uint8Array(0);

/** Returns a record for any frame that carries a datagram. */
export function createDatagram(): DatagramTo {
	return {
		flow: 0,
		reference: 0,
		bytes: EMPTY,
		start: 0,
		end: 0,
		target: undefined,
		decoded: undefined,
	};
}

/** Returns a record for FRAGMENT. */
export function createFragment(): Fragment {
	return {index: 0, count: 0, bytes: EMPTY, start: 0, end: 0};
}

function flowLength({flow, reference}: Readonly<Datagram>): number {
	return 1 + varintLength(flow) + varintLength(reference);
}

function writeFlow(
	bytes: Uint8Array,
	at: number,
	type: number,
	{flow, reference}: Readonly<Datagram>,
): number {
	bytes[at] = type;
	return writeVarint(bytes, writeVarint(bytes, at + 1, flow), reference);
}

function readFlow(cursor: Cursor, frame: Datagram): void {
	frame.flow = cursor.varint();
	frame.reference = cursor.varint();
}

function takeRest(cursor: Cursor, frame: Datagram): boolean {
	return takePayload(cursor, frame, cursor.remaining) && frame.end - frame.start <= MAX_DATAGRAM;
}

/** DATAGRAM: to a target that the peer knows by its reference. */
export const datagramFrame: PayloadCodec<Datagram> = {
	type: FrameType.DATAGRAM,
	length: (frame) => flowLength(frame) + frame.end - frame.start,
	encode(bytes, at, frame) {
		const behind = writeFlow(bytes, at, FrameType.DATAGRAM, frame);
		return copyBytes(bytes, behind, frame.bytes, frame.start, frame.end);
	},
	decode(cursor, frame) {
		readFlow(cursor, frame);
		return takeRest(cursor, frame);
	},
	headLength: flowLength,
	encodeHead: (bytes, at, frame) => writeFlow(bytes, at, FrameType.DATAGRAM, frame),
};

/** DATAGRAM_TO: with its target. */
export const datagramToFrame: PayloadCodec<DatagramTo> = {
	type: FrameType.DATAGRAM_TO,
	length(frame) {
		return this.headLength(frame) + frame.end - frame.start;
	},
	encode(bytes, at, frame) {
		return copyBytes(bytes, this.encodeHead(bytes, at, frame), frame.bytes, frame.start, frame.end);
	},
	decode(cursor, frame) {
		readFlow(cursor, frame);
		const start = cursor.position;
		frame.decoded = decodeTarget(cursor);
		if (frame.decoded === undefined) return false;
		frame.target = cursor.bytes.subarray(start, cursor.position);
		return takeRest(cursor, frame);
	},
	headLength: (frame) => flowLength(frame) + (frame.target?.length ?? 0),
	encodeHead(bytes, at, frame) {
		const behind = writeFlow(bytes, at, FrameType.DATAGRAM_TO, frame);
		const {target} = frame;
		return target === undefined ? behind : copyBytes(bytes, behind, target, 0, target.length);
	},
};

/** DATAGRAM_LEN: with its length, so that another frame may follow. */
export const datagramLenFrame: PayloadCodec<Datagram> = {
	type: FrameType.DATAGRAM_LEN,
	length(frame) {
		return this.headLength(frame) + frame.end - frame.start;
	},
	encode(bytes, at, frame) {
		return copyBytes(bytes, this.encodeHead(bytes, at, frame), frame.bytes, frame.start, frame.end);
	},
	decode(cursor, frame) {
		readFlow(cursor, frame);
		return takePayload(cursor, frame, cursor.varint());
	},
	headLength: (frame) => flowLength(frame) + varintLength(frame.end - frame.start),
	encodeHead(bytes, at, frame) {
		const behind = writeFlow(bytes, at, FrameType.DATAGRAM_LEN, frame);
		return writeVarint(bytes, behind, frame.end - frame.start);
	},
};

/** FRAGMENT. The packet's number less the index names the whole. */
export const fragmentFrame: PayloadCodec<Fragment> = {
	type: FrameType.FRAGMENT,
	length(frame) {
		return this.headLength(frame) + frame.end - frame.start;
	},
	encode(bytes, at, frame) {
		return copyBytes(bytes, this.encodeHead(bytes, at, frame), frame.bytes, frame.start, frame.end);
	},
	decode(cursor, frame) {
		frame.index = cursor.uint8();
		frame.count = cursor.uint8();
		return takePayload(cursor, frame, cursor.remaining);
	},
	headLength: () => 3,
	encodeHead(bytes, at, {index, count}) {
		bytes[at] = FrameType.FRAGMENT;
		bytes[at + 1] = index;
		bytes[at + 2] = count;
		return at + 3;
	},
};
