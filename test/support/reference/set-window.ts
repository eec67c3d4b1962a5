import {Seen} from '../../../src/core/replay-window.ts';

/** The slow twin of `ReplayWindow`: a set of all numbers ever accepted. */
export class SetWindow {
	readonly #accepted = new Set<number>();
	readonly #span: number;
	newest = -1;

	constructor(span: number) {
		this.#span = span;
	}

	peek(number: number): number {
		// Numbers are forgotten 32 at a time, so up to 31 below the span are still remembered.
		const oldest = (Math.floor(this.newest / 32) - this.#span / 32) * 32;
		if (number < oldest) return Seen.TOO_OLD;
		return this.#accepted.has(number) ? Seen.DUPLICATE : Seen.FRESH;
	}

	accept(number: number): boolean {
		if (this.peek(number) !== Seen.FRESH) return false;
		this.#accepted.add(number);
		this.newest = Math.max(this.newest, number);
		return true;
	}
}
