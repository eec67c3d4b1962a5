import type {Random} from '../bytes/random.ts';

const TWO_32 = 2 ** 32;

/** Murmur3's finaliser: every bit of the argument moves about half of the result's bits. */
function scramble(word: number): number {
	let x = word;
	x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
	x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
	return x ^ (x >>> 16);
}

/** A 128-bit state made of a parent's key and a label; near labels give unrelated states. */
function derive(key: Int32Array, label: string): Int32Array {
	const state = Int32Array.from(key);
	// The length first, so that no label is a prefix of another.
	for (let index = -1; index < label.length; index++) {
		let carry = index < 0 ? label.length : label.charCodeAt(index);
		for (let lane = 0; lane < 4; lane++) {
			carry = scramble(state[lane]! + carry + Math.imul(lane + 1, 0x9e3779b9));
			state[lane] = carry;
		}
		state[0]! ^= carry;
	}
	// All zero is the one state that xoshiro never leaves.
	if (state.every((word) => word === 0)) state[0] = 1;
	return state;
}

/**
 * A seeded generator (xoshiro128**, Blackman and Vigna 2018): the same seed gives the same numbers
 * on every machine. Good for simulations, worthless for secrets.
 */
export class Prng implements Random {
	readonly #key: Int32Array;
	readonly #state: Int32Array;

	/** Equal seeds give equal generators; the number 7 and the string '7' are the same seed. */
	constructor(seed: number | string | Int32Array) {
		this.#key = seed instanceof Int32Array ? seed : derive(new Int32Array(4), String(seed));
		this.#state = Int32Array.from(this.#key);
	}

	/**
	 * An independent generator for `label`. It depends on the seed and the label only, not on how
	 * many numbers were drawn before, so a new consumer of randomness shifts no other.
	 */
	fork(label: string): Prng {
		return new Prng(derive(this.#key, label));
	}

	/** A uniform integer, 0 to 2^32 - 1. */
	uint32(): number {
		const s = this.#state;
		const s1 = s[1]!;
		const product = Math.imul(s1, 5);
		const result = Math.imul((product << 7) | (product >>> 25), 9);
		const s2 = s[2]! ^ s[0]!;
		const s3 = s[3]! ^ s1;
		s[1] = s1 ^ s2;
		s[0]! ^= s3;
		s[2] = s2 ^ (s1 << 9);
		s[3] = (s3 << 11) | (s3 >>> 21);
		return result >>> 0;
	}

	/** A uniform number, 0 to below 1, in steps of 2^-32. */
	uniform(): number {
		return this.uint32() / TWO_32;
	}

	/** A uniform integer, 0 to `count` - 1; `count` is 1 to 2^32. */
	integer(count: number): number {
		if (!(Number.isInteger(count) && count >= 1 && count <= TWO_32)) {
			throw new RangeError(`"count" expected 1 to 2^32, got ${count}`);
		}
		// The remainder of the uneven rest would favour small results.
		const limit = TWO_32 - (TWO_32 % count);
		let value = this.uint32();
		while (value >= limit) value = this.uint32();
		return value % count;
	}

	/** Fills `bytes` with uniform bytes. */
	fill(bytes: Uint8Array): void {
		for (let index = 0; index < bytes.length; index += 4) {
			const word = this.uint32();
			for (let byte = index; byte < index + 4 && byte < bytes.length; byte++) {
				bytes[byte] = word >>> (8 * (byte - index));
			}
		}
	}
}
