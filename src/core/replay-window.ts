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
 */
export class ReplayWindow {
	readonly span: number;
	readonly #words: Uint32Array;
	#newest = -1;

	/** @param span how many numbers are remembered at least: a multiple of 32 */
	constructor(span: number) {
		if (!(span >= 32 && span % 32 === 0)) {
			throw new RangeError(`"span" expected a multiple of 32, got ${span}`);
		}
		this.span = span;
		this.#words = new Uint32Array(span / 32 + 1);
	}

	/** The largest number accepted, -1 before the first. */
	get newest(): number {
		return this.#newest;
	}

	/** Looks a number up without changing anything: one of Seen. */
	peek(number: number): number {
		if (number > this.#newest) return Seen.FRESH;
		const word = Math.floor(number / 32);
		if (word + this.#words.length <= Math.floor(this.#newest / 32)) return Seen.TOO_OLD;
		const bits = this.#words[word % this.#words.length]!;
		return (bits >>> (number % 32)) & 1 ? Seen.DUPLICATE : Seen.FRESH;
	}

	/** Marks a number; false when it was marked before or is too old. */
	accept(number: number): boolean {
		if (number <= this.#newest) {
			if (this.peek(number) !== Seen.FRESH) return false;
		} else this.#advance(number);
		const index = Math.floor(number / 32) % this.#words.length;
		this.#words[index] = this.#words[index]! | (1 << (number % 32));
		return true;
	}

	#advance(number: number): void {
		const length = this.#words.length;
		const from = Math.floor(this.#newest / 32);
		const to = Math.floor(number / 32);
		const steps = Math.min(to - from, length);
		for (let i = 1; i <= steps; i++) this.#words[(to - steps + i) % length] = 0;
		this.#newest = number;
	}
}
