/** What a window knows of a number. */
export const Seen = {FRESH: 0, DUPLICATE: 1, TOO_OLD: 2} as const;

/**
 * Remembers which of the newest numbers were accepted, as a ring of 32-bit words that is cleared
 * word by word while the newest number advances (RFC 6479). A number more than `span` behind the
 * newest is too old to tell. Peek before authentication, accept after it: a forged number must
 * never move the window.
 *
 *     word:   ... | n-2 | n-1 |  n  | n-words+1 (= next to be cleared) | ...
 *     newest number lives in word n; one word is always partly ahead, hence span = 32 x (words - 1)
 *
 * The ring may be larger than that, a power of two: a number up to 2^53 finds its place with whole
 * numbers of 32 bits (the operator `&` takes what lies left of the point modulo 2^32), where `%`
 * and `Math.floor` would be calls for each packet.
 */
export class ReplayWindow {
	readonly span: number;
	/** How many words are looked at: a number in an older one is too old. */
	readonly #reach: number;
	readonly #words: Uint32Array;
	readonly #mask: number;
	#newest = -1;

	/** @param span how many numbers are remembered at least: a multiple of 32 */
	constructor(span: number) {
		if (!(span >= 32 && span % 32 === 0)) {
			throw new RangeError(`"span" expected a multiple of 32, got ${span}`);
		}
		this.span = span;
		this.#reach = span / 32 + 1;
		const words = 2 ** Math.ceil(Math.log2(this.#reach));
		this.#words = new Uint32Array(words);
		this.#mask = words - 1;
	}

	/** The largest number accepted, -1 before the first. */
	get newest(): number {
		return this.#newest;
	}

	/** Looks a number up without changing anything: one of Seen. */
	peek(number: number): number {
		if (number > this.#newest) return Seen.FRESH;
		// Below the beginning of the oldest word that is looked at.
		const behind = this.#newest - (this.#newest & 31) - (number - (number & 31));
		if (behind >= 32 * this.#reach) return Seen.TOO_OLD;
		const bits = this.#words[(number / 32) & this.#mask]!;
		return (bits >>> (number & 31)) & 1 ? Seen.DUPLICATE : Seen.FRESH;
	}

	/** Marks a number; false when it was marked before or is too old. */
	accept(number: number): boolean {
		if (number <= this.#newest) {
			if (this.peek(number) !== Seen.FRESH) return false;
		} else this.#advance(number);
		const index = (number / 32) & this.#mask;
		this.#words[index] = this.#words[index]! | (1 << (number & 31));
		return true;
	}

	#advance(number: number): void {
		const newest = this.#newest;
		this.#newest = number;
		// The word that -1 would lie in has nothing to be kept.
		const steps = newest < 0 ? this.#reach : (number - (number & 31) - newest + (newest & 31)) / 32;
		const last = (number / 32) & this.#mask;
		for (let i = Math.min(steps, this.#words.length) - 1; i >= 0; i--) {
			this.#words[(last - i) & this.#mask] = 0;
		}
	}
}
