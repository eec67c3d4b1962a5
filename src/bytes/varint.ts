/**
 * Variable-length integers as in RFC 9000, section 16: the two highest bits of the first byte
 * give the length, 1, 2, 4 or 8 bytes. Only the forms up to 4 bytes are used.
 */

/** The largest value a varint carries here: 2^30 - 1. */
export const VARINT_MAX = 0x3fff_ffff;

/** Returns the bytes that `value` takes: 1, 2 or 4. */
export function varintLength(value: number): number {
	if (value < 0x40) return 1;
	return value < 0x4000 ? 2 : 4;
}

/** Writes `value` (0 to VARINT_MAX) at `at` and returns the offset behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
	if (value < 0x40) {
		bytes[at] = value;
		return at + 1;
	}
	if (value < 0x4000) {
		bytes[at] = 0x40 | (value >> 8);
		bytes[at + 1] = value & 0xff;
		return at + 2;
	}
	bytes[at] = 0x80 | (value >>> 24);
	bytes[at + 1] = (value >>> 16) & 0xff;
	bytes[at + 2] = (value >>> 8) & 0xff;
	bytes[at + 3] = value & 0xff;
	return at + 4;
}
