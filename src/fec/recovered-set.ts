/** Sequences that are remembered: as many as packet numbers, so that what is older is no packet. */
const SPAN = 65_536;

/**
 * The sequences recovered lately. Originals may come long after the decoder gave their symbols up,
 * and are not to be delivered again.
 */
export class RecoveredSet {
	/** Bits by sequence modulo the span; made with the first one. */
	#words: Uint32Array | undefined;
	#newest = 0;

	/** Adds a sequence; those that lie `SPAN` or more behind the newest one are forgotten. */
	add(sequence: number): void {
		if (this.#words === undefined) {
			this.#words = new Uint32Array(SPAN / 32);
			this.#newest = sequence;
		}
		const ahead = (sequence - this.#newest) | 0;
		if (ahead > 0) this.#advance(this.#words, sequence, Math.min(ahead, SPAN));
		else if (-ahead >= SPAN) return;
		this.#words[wordOf(sequence)]! |= 1 << (sequence & 31);
	}

	/** True for sequences that were added and are not forgotten. */
	has(sequence: number): boolean {
		if (this.#words === undefined || (this.#newest - sequence) >>> 0 >= SPAN) return false;
		return ((this.#words[wordOf(sequence)]! >>> (sequence & 31)) & 1) === 1;
	}

	/** Clears the bits of the `count` sequences up to `newest`. */
	#advance(words: Uint32Array, newest: number, count: number): void {
		if (count === SPAN) words.fill(0);
		else {
			for (let left = count; left > 0; ) {
				const last = (newest - count + left) >>> 0;
				const bits = Math.min(left, (last & 31) + 1);
				const mask = bits === 32 ? 0 : ~(((1 << bits) - 1) << ((last & 31) - bits + 1));
				words[wordOf(last)]! &= mask;
				left -= bits;
			}
		}
		this.#newest = newest;
	}
}

function wordOf(sequence: number): number {
	return (sequence & (SPAN - 1)) >>> 5;
}
