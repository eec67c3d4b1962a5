/*
 * Frames of the session itself:
 *
 *   PADDING  00 | anything, to the end of the packet
 *   CLIENT   2a | client id 16
 *   CLOSE    2b | code 1 | quiet varint
 */
import {copyBytes} from '../../bytes/cursor.ts';
import {varintLength, writeVarint} from '../../bytes/varint.ts';
import {CLIENT_ID_LENGTH} from '../constants.ts';
import type {FrameCodec} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** Bytes without meaning. */
export interface Padding {
	/** Bytes behind the type byte. */
	size: number;
}

/** A client without a key. */
export interface ClientIdentity {
	/** CLIENT_ID_LENGTH bytes. */
	clientId: Uint8Array;
}

/** The end of a session. */
export interface Close {
	/** One of CloseCode. */
	code: number;
	/** Silence asked for, in ms; more than MAX_QUIET counts as MAX_QUIET. */
	quiet: number;
}

/** The longest silence that CLOSE can ask for, in ms. */
export const MAX_QUIET = 5000;

/**
 * PADDING: makes a packet longer. Its bytes are zeros, because slots carried other packets before.
 */
export const paddingFrame: FrameCodec<Padding> = {
	type: FrameType.PADDING,
	length: ({size}) => 1 + size,
	encode(bytes, at, {size}) {
		const end = at + 1 + size;
		bytes.fill(FrameType.PADDING, at, end);
		return end;
	},
	decode(cursor, frame) {
		frame.size = cursor.remaining;
		return cursor.skip(frame.size) >= 0;
	},
};

/** CLIENT: the id of a client without a key, whose INIT could be read. */
export const clientFrame: FrameCodec<ClientIdentity> = {
	type: FrameType.CLIENT,
	length: () => 1 + CLIENT_ID_LENGTH,
	encode(bytes, at, {clientId}) {
		bytes[at] = FrameType.CLIENT;
		return copyBytes(bytes, at + 1, clientId, 0, CLIENT_ID_LENGTH);
	},
	decode(cursor, frame) {
		frame.clientId = cursor.copy(CLIENT_ID_LENGTH);
		return !cursor.failed;
	},
};

/** CLOSE: ends the session where it stands. */
export const closeFrame: FrameCodec<Close> = {
	type: FrameType.CLOSE,
	length: ({quiet}) => 2 + varintLength(quiet),
	encode(bytes, at, {code, quiet}) {
		bytes[at] = FrameType.CLOSE;
		bytes[at + 1] = code;
		return writeVarint(bytes, at + 2, quiet);
	},
	decode(cursor, frame) {
		frame.code = cursor.uint8();
		frame.quiet = cursor.varint();
		return !cursor.failed;
	},
};
