/**
 * Reads big-endian fields from a span of bytes, which it does not own. A read past the end never
 * throws: it returns 0, moves nothing and sets `failed`, so a decoder checks once at the end. One
 * cursor is reused for many spans.
 */
export class Cursor {
	bytes: Uint8Array = new Uint8Array(0);
	position = 0;
	end = 0;
	failed = false;

	/** Points the cursor at bytes[start, end). */
	reset(bytes: Uint8Array, start: number, end: number): void {
		this.bytes = bytes;
		this.position = start;
		this.end = end;
		this.failed = false;
	}

	/** Bytes left in the span. */
	get remaining(): number {
		return this.end - this.position;
	}

	/** Reserves `length` bytes and returns their offset, or -1 when they are not there. */
	skip(length: number): number {
		const at = this.position;
		if (this.failed || length > this.end - at) {
			this.failed = true;
			return -1;
		}
		this.position = at + length;
		return at;
	}

	/** Reads one byte. */
	uint8(): number {
		const at = this.skip(1);
		return at < 0 ? 0 : this.bytes[at]!;
	}

	/** Reads a 16-bit integer. */
	uint16(): number {
		const at = this.skip(2);
		return at < 0 ? 0 : (this.bytes[at]! << 8) | this.bytes[at + 1]!;
	}

	/** Reads a 32-bit integer. */
	uint32(): number {
		const at = this.skip(4);
		return at < 0 ? 0 : readUint32(this.bytes, at);
	}

	/** Reads a 48-bit integer, exact in a number. */
	uint48(): number {
		const at = this.skip(6);
		return at < 0 ? 0 : readUint48(this.bytes, at);
	}

	/** Reads a varint of 1, 2 or 4 bytes; the 8-byte form counts as malformed. */
	varint(): number {
		if (this.failed || this.position >= this.end) {
			this.failed = true;
			return 0;
		}
		const first = this.bytes[this.position]!;
		switch (first >> 6) {
			case 0:
				this.position++;
				return first;
			case 1:
				return this.uint16() & 0x3fff;
			case 2:
				return this.uint32() & 0x3fff_ffff;
			default:
				this.failed = true;
				return 0;
		}
	}

	/** Copies the next `length` bytes out; an empty array when they are not there. */
	copy(length: number): Uint8Array {
		const at = this.skip(length);
		return at < 0 ? new Uint8Array(0) : this.bytes.slice(at, at + length);
	}
}

/** Reads a big-endian 32-bit integer at `at`; the caller has checked the bounds. */
export function readUint32(bytes: Uint8Array, at: number): number {
	return (
		((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
	);
}

/** Reads a big-endian 48-bit integer at `at`; the caller has checked the bounds. */
export function readUint48(bytes: Uint8Array, at: number): number {
	return ((bytes[at]! << 8) | bytes[at + 1]!) * 0x1_0000_0000 + readUint32(bytes, at + 2);
}

/** Writes a big-endian 16-bit integer and returns the offset behind it. */
export function writeUint16(bytes: Uint8Array, at: number, value: number): number {
	bytes[at] = (value >>> 8) & 0xff;
	bytes[at + 1] = value & 0xff;
	return at + 2;
}

/** Writes a big-endian 32-bit integer and returns the offset behind it. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): number {
	bytes[at] = (value >>> 24) & 0xff;
	bytes[at + 1] = (value >>> 16) & 0xff;
	bytes[at + 2] = (value >>> 8) & 0xff;
	bytes[at + 3] = value & 0xff;
	return at + 4;
}

/** Writes a big-endian 48-bit integer and returns the offset behind it. */
export function writeUint48(bytes: Uint8Array, at: number, value: number): number {
	const high = Math.floor(value / 0x1_0000_0000);
	bytes[at] = (high >>> 8) & 0xff;
	bytes[at + 1] = high & 0xff;
	return writeUint32(bytes, at + 2, value % 0x1_0000_0000);
}

/** Copies source[start, end) to target at `at` and returns the offset behind it. */
export function copyBytes(
	target: Uint8Array,
	at: number,
	source: Uint8Array,
	start: number,
	end: number,
): number {
	target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
	return at + (end - start);
}
