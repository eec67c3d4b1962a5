/*
 * The clear header of a DATA packet, 11 bytes, associated data of its AEAD:
 *
 *   0        1               5                       11
 *   +--------+---------------+-----------------------+
 *   | 4 | ep | session id    | packet number         |
 *   +--------+---------------+-----------------------+
 */
import {readUint32, readUint48, writeUint32, writeUint48} from '../bytes/cursor.ts';
import {PacketType} from './constants.ts';

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
