import type {Millis} from '../../../src/bytes/time.ts';

/** Sources that are remembered, at most: a power of two. */
const REMEMBERED = 2 ** 20;

/** How a source got there. */
const How = {ARRIVED: 0, RECOVERED: 1, NEEDLESS: 2} as const;

/** What became of the last sources of a run, by their index. */
export class Ledger {
	readonly #mask: number;
	readonly #sentAt: Float64Array;
	/** NaN: not there yet. */
	readonly #gotAt: Float64Array;
	readonly #how: Uint8Array;
	/** Delay that a source has without loss. */
	readonly #best: Millis;

	constructor(sources: number, best: Millis) {
		let size = 1024;
		while (size < Math.min(sources, REMEMBERED)) size *= 2;
		this.#mask = size - 1;
		this.#sentAt = new Float64Array(size);
		this.#gotAt = new Float64Array(size).fill(Number.NaN);
		this.#how = new Uint8Array(size);
		this.#best = best;
	}

	/** Oldest of so many sources that is remembered. */
	oldest(sources: number): number {
		return Math.max(0, sources - this.#mask - 1);
	}

	sent(index: number, now: Millis): void {
		this.#sentAt[index & this.#mask] = now;
		this.#gotAt[index & this.#mask] = Number.NaN;
	}

	/** True when it was there before. */
	has(index: number): boolean {
		return !Number.isNaN(this.#gotAt[index & this.#mask]!);
	}

	arrived(index: number, now: Millis): void {
		const cell = index & this.#mask;
		if (Number.isNaN(this.#gotAt[cell]!)) {
			this.#gotAt[cell] = now;
			this.#how[cell] = How.ARRIVED;
		} else if (this.#how[cell] === How.RECOVERED) this.#how[cell] = How.NEEDLESS;
	}

	recovered(index: number, now: Millis): void {
		this.#gotAt[index & this.#mask] = now;
		this.#how[index & this.#mask] = How.RECOVERED;
	}

	/** Counts of the sources from one to before another, of which those late took longer. */
	between(from: number, to: number, within: Millis): {lost: number; late: number} {
		let lost = 0;
		let late = 0;
		for (let index = from; index < to; index++) {
			const delay = this.#delay(index);
			if (Number.isNaN(delay)) lost++;
			else if (delay > within + 1e-6) late++;
		}
		return {lost, late};
	}

	/** Delays of the recovered ones beyond the best, in their order. */
	recoveries(from: number, to: number): Float64Array {
		const delays: number[] = [];
		for (let index = from; index < to; index++) {
			const isThere = this.#how[index & this.#mask] !== How.ARRIVED && this.has(index);
			if (isThere) delays.push(this.#delay(index));
		}
		return Float64Array.from(delays).sort();
	}

	/** Recovered ones whose original came all the same. */
	needless(from: number, to: number): number {
		let found = 0;
		for (let index = from; index < to; index++) {
			if (this.#how[index & this.#mask] === How.NEEDLESS && this.has(index)) found++;
		}
		return found;
	}

	#delay(index: number): Millis {
		const cell = index & this.#mask;
		return this.#gotAt[cell]! - this.#sentAt[cell]! - this.#best;
	}
}
