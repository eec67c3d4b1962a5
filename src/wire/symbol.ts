/*
 * The symbol of a source in a coded lane, and of what its repairs are made:
 *
 *   check 4 | length 2 | content | zeros up to the longest symbol of the window
 *
 * The content is all that is behind LANE in the packet. The check is the CRC-32 (ISO 3309) of the
 * sequence (4 bytes), the length (2 bytes) and the content: without the length some symbols of
 * zeros would be right with any. It guards against faults of the programs, as the packets are
 * authenticated.
 */
import {readUint32, writeUint16, writeUint32} from '../bytes/cursor.ts';

/** Bytes in front of the content. */
export const SYMBOL_HEAD_LENGTH = 6;

/** CRC-32 of bytes. */
export type Crc32 = (bytes: Uint8Array) => number;

/**
 * Writes and checks the heads of symbols. The sequence is written where the check will be, so that
 * all that the check covers lies together and takes one call.
 */
export class SymbolHead {
	readonly headLength: number = SYMBOL_HEAD_LENGTH;
	readonly #crc32: Crc32;

	constructor(crc32: Crc32) {
		this.#crc32 = crc32;
	}

	/** Writes the head of the symbol bytes[start, end), whose content is there. */
	writeHead(sequence: number, bytes: Uint8Array, start: number, end: number): void {
		writeUint16(bytes, start + 4, end - start - SYMBOL_HEAD_LENGTH);
		writeUint32(bytes, start, this.#check(sequence, bytes, start, end));
	}

	/**
	 * Returns the end of the content of the symbol bytes[start, end). -1: it does not agree with its
	 * head, or is padded with other bytes than zeros.
	 */
	contentEnd(sequence: number, bytes: Uint8Array, start: number, end: number): number {
		const content = start + SYMBOL_HEAD_LENGTH;
		if (end < content) return -1;
		const last = content + ((bytes[start + 4]! << 8) | bytes[start + 5]!);
		if (last > end) return -1;
		for (let at = last; at < end; at++) if (bytes[at] !== 0) return -1;
		const check = readUint32(bytes, start);
		const isRight = check === this.#check(sequence, bytes, start, last);
		writeUint32(bytes, start, check);
		return isRight ? last : -1;
	}

	/** Check of the symbol bytes[start, end), whose length is there; overwrites the one that is. */
	#check(sequence: number, bytes: Uint8Array, start: number, end: number): number {
		writeUint32(bytes, start, sequence);
		return this.#crc32(bytes.subarray(start, end));
	}
}
