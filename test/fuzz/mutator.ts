import type {Prng} from '../../src/sim/prng.ts';

/** Bytes at which lengths, varints and kinds change their meaning. */
const EDGES = [
	0, 1, 2, 3, 4, 15, 16, 31, 32, 63, 64, 65, 127, 128, 191, 192, 253, 254, 255,
] as const;

/** Longest input that is made: the largest UDP payload. */
const LONGEST = 65_507;

/** Makes inputs from others: the operations of mutation-based fuzzers, seeded. */
export class Mutator {
	readonly #random: Prng;

	constructor(random: Prng) {
		this.#random = random;
	}

	/** One of the entries. */
	pick<T>(entries: readonly T[]): T {
		return entries[this.#random.integer(entries.length)]!;
	}

	/** Random bytes, mostly few. */
	bytes(longest = 64): Uint8Array {
		const bytes = new Uint8Array(this.#random.integer(1 + this.#random.integer(longest + 1)));
		this.#random.fill(bytes);
		return bytes;
	}

	/** An unsigned varint (RFC 9000, section 16) of a small, an edge or a random value. */
	varint(): Uint8Array {
		const value = this.#random.integer(3) === 0 ? this.#random.integer(2 ** 30) : this.edge();
		if (value < 64 && this.#random.integer(8) > 0) return Uint8Array.of(value);
		if (value < 16_384 && this.#random.integer(8) > 0) {
			return Uint8Array.of(0x40 | (value >> 8), value & 255);
		}
		return Uint8Array.of(
			0x80 | (value >>> 24),
			(value >> 16) & 255,
			(value >> 8) & 255,
			value & 255,
		);
	}

	/** A byte at which something may change. */
	edge(): number {
		return this.pick(EDGES);
	}

	/** A copy of `input` with one to four changes; `other` may lend a part. The result is its caller's. */
	mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
		let bytes: Uint8Array = input.slice();
		const changes = 1 + this.#random.integer(4);
		for (let change = 0; change < changes; change++) bytes = this.#change(bytes, other);
		return bytes.subarray(0, LONGEST);
	}

	#change(bytes: Uint8Array, other: Uint8Array): Uint8Array {
		const random = this.#random;
		const at = random.integer(bytes.length + 1);
		const length = random.integer(1 + Math.min(32, bytes.length - at));
		switch (random.integer(8)) {
			case 0:
				if (at < bytes.length) bytes[at]! ^= 1 << random.integer(8);
				return bytes;
			case 1:
				if (at < bytes.length) bytes[at] = this.edge();
				return bytes;
			case 2:
				if (at < bytes.length) bytes[at] = random.integer(256);
				return bytes;
			case 3:
				return join(bytes.subarray(0, at), bytes.subarray(at + length));
			case 4:
				return join(bytes.subarray(0, at), this.bytes(), bytes.subarray(at));
			case 5:
				return join(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at));
			case 6:
				return bytes.slice(0, at);
			default:
				return join(bytes.subarray(0, at), other.subarray(random.integer(other.length + 1)));
		}
	}
}

/** The parts one behind the other. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
	const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		bytes.set(part, at);
		at += part.length;
	}
	return bytes;
}
