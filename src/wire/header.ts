/*
 * The clear header of a DATA packet, 11 bytes:
 *
 *   0        1               5                       11
 *   +--------+---------------+-----------------------+
 *   | 4 | ep | session id    | packet number         |
 *   +--------+---------------+-----------------------+
 */
import {readUint32, readUint48, writeUint32, writeUint48} from '../bytes/cursor.ts';
import {HEADER_LENGTH, PacketType} from './constants.ts';

/** The packet type in the high nibble of the first byte. */
export function packetType(bytes: Uint8Array, start: number): number {
	return bytes[start]! >> 4;
}

/** Writes the header at `at`; `sessionId` is the one the receiver chose. */
export function encodeHeader(
	bytes: Uint8Array,
	at: number,
	epoch: number,
	sessionId: number,
	packetNumber: number,
): void {
	bytes[at] = (PacketType.DATA << 4) | epoch;
	writeUint48(bytes, writeUint32(bytes, at + 1, sessionId), packetNumber);
}

/** The epoch nibble of a DATA packet. */
export function headerEpoch(bytes: Uint8Array, start: number): number {
	return bytes[start]! & 15;
}

/** The receiver's session id of a DATA packet. */
export function headerSessionId(bytes: Uint8Array, start: number): number {
	return readUint32(bytes, start + 1);
}

/** The packet number of a DATA packet. */
export function headerPacketNumber(bytes: Uint8Array, start: number): number {
	return readUint48(bytes, start + 5);
}

/*
 * With encryption the associated data have the form of a TLS 1.2 record's (RFC 5246, section
 * 6.2.3.3), for which libraries have a faster way:
 *
 *   0                                8        9        11       13
 *   +--------------------------------+--------+--------+--------+
 *   | packet number, little-endian   | 4 | ep | 0    0 | length |
 *   +--------------------------------+--------+--------+--------+
 *
 * The session id is not in it: it says which session's key the packet opens with.
 */
const record = new Uint8Array(13);

/**
 * The associated data of the packet whose header begins at `at` and whose frames end at `end`;
 * valid until the next call. Without encryption they are all that is readable.
 */
export function associatedData(
	bytes: Uint8Array,
	at: number,
	end: number,
	encrypt: boolean,
): Uint8Array {
	if (!encrypt) return bytes.subarray(at, end);
	for (let i = 0; i < 6; i++) record[i] = bytes[at + 10 - i]!;
	record[8] = bytes[at]!;
	const length = end - at - HEADER_LENGTH;
	record[11] = length >>> 8;
	record[12] = length;
	return record;
}
