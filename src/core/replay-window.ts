/** Verdict of a window on a number. */
export const Seen = {FRESH: 0, DUPLICATE: 1, TOO_OLD: 2} as const;

/**
 * Remembers the newest numbers that were accepted, as a ring of 32-bit words that is cleared
 * word by word while the newest number advances (RFC 6479). A number more than `span` behind the
 * newest is too old to be judged. Peek before authentication, accept after it: a forged number must
 * never move the window.
 *
 *     word:   ... | n-2 | n-1 |  n  | n-words+1 (= next to be cleared) | ...
 *     newest number lives in word n; one word is always partly ahead, hence span = 32 x (words - 1)
 *
 * The place of word n is kept, and the others are found by their distance from it: numbers go up to
 * 2^53, where `%` and `Math.floor` would be calls for each packet.
 */
export class ReplayWindow {
	readonly span: number;
	readonly #words: Uint32Array;
	/** Place of the word of the newest number. */
	#head = 0;
	#newest = -1;

	/** @param span least number of numbers remembered, a multiple of 32 */
	constructor(span: number) {
		if (!(span >= 32 && span % 32 === 0)) {
			throw new RangeError(`"span" expected a multiple of 32, got ${span}`);
		}
		this.span = span;
		this.#words = new Uint32Array(span / 32 + 1);
	}

	/** Returns the verdict on a number, one of Seen, and changes nothing. */
	peek(number: number): number {
		const newest = this.#newest;
		if (number > newest) return Seen.FRESH;
		const behind = wordsBetween(number, newest);
		if (behind >= this.#words.length) return Seen.TOO_OLD;
		const bits = this.#words[this.#placeOf(behind)]!;
		return (bits >>> (number & 31)) & 1 ? Seen.DUPLICATE : Seen.FRESH;
	}

	/** Marks a number. False: it was marked before, or is too old. */
	accept(number: number): boolean {
		if (number > this.#newest) {
			this.#advance(number);
			this.#words[this.#head]! |= 1 << (number & 31);
			return true;
		}
		if (this.peek(number) !== Seen.FRESH) return false;
		this.#words[this.#placeOf(wordsBetween(number, this.#newest))]! |= 1 << (number & 31);
		return true;
	}

	// Returns the place of the word so many behind the newest, fewer than there are.
	#placeOf(behind: number): number {
		const place = this.#head - behind;
		return place < 0 ? place + this.#words.length : place;
	}

	#advance(number: number): void {
		const words = this.#words;
		// Before the first number there is nothing to be kept.
		const steps = this.#newest < 0 ? words.length : wordsBetween(this.#newest, number);
		this.#newest = number;
		// A peer may leave out any amount of numbers, in each packet.
		if (steps >= words.length) {
			words.fill(0);
			return;
		}
		for (let i = steps; i > 0; i--) {
			this.#head = this.#head + 1 < words.length ? this.#head + 1 : 0;
			words[this.#head] = 0;
		}
	}
}

// Returns the number of words by which that of a number is behind that of a later one.
function wordsBetween(number: number, later: number): number {
	return (later - (later & 31) - (number - (number & 31))) / 32;
}
