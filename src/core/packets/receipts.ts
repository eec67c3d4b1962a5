import type {Millis} from '../../bytes/time.ts';
import {FEEDBACK_SPAN} from '../../wire/constants.ts';
import {BITMAP_BYTES, type PathReport} from '../../wire/frames/feedback.ts';

/** Reports that carry each receipt, because reports get lost too. */
const REPEATS = 8;

/** The newest packets to be reported that came over one path. */
export class Receipts {
	largest = -1;
	/** Time of arrival of the largest. */
	arrival: Millis = 0;
	readonly #words: Uint32Array = new Uint32Array(FEEDBACK_SPAN / 32);
	/** The smallest number that was new in each of the last reports, and since then. */
	readonly #smallest: Float64Array = new Float64Array(REPEATS).fill(Number.POSITIVE_INFINITY);
	#smallestNow: number = Number.POSITIVE_INFINITY;
	#reports = 0;

	/** Notes a packet that came. True: numbers before it are missing. */
	add(number: number, now: Millis): boolean {
		let gap = false;
		if (number > this.largest) {
			gap = this.largest >= 0 && number > this.largest + 1;
			if (number - this.largest >= FEEDBACK_SPAN) this.#words.fill(0);
			else for (let i = this.largest + 1; i <= number; i++) this.#mark(i, false);
			this.largest = number;
			this.arrival = now;
		} else if (number <= this.largest - FEEDBACK_SPAN) return false;
		this.#mark(number, true);
		this.#smallestNow = Math.min(this.#smallestNow, number);
		return gap;
	}

	#mark(number: number, received: boolean): void {
		const bit = number % FEEDBACK_SPAN;
		const word = bit >>> 5;
		const mask = 1 << (bit & 31);
		this.#words[word] = received ? this.#words[word]! | mask : this.#words[word]! & ~mask;
	}

	#has(number: number): boolean {
		const bit = number % FEEDBACK_SPAN;
		return ((this.#words[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
	}

	/** Fills in the next report on the path. False: nothing came yet. */
	report(report: PathReport): boolean {
		if (this.largest < 0) return false;
		this.#smallest[this.#reports++ % REPEATS] = this.#smallestNow;
		this.#smallestNow = Number.POSITIVE_INFINITY;
		let from = this.largest;
		for (const smallest of this.#smallest) from = Math.min(from, smallest);
		const bits = Math.min(this.largest - from, FEEDBACK_SPAN - 1);
		report.largest = this.largest;
		report.arrival = Math.floor(this.arrival * 1000) >>> 0;
		report.length = Math.min(BITMAP_BYTES, (bits + 7) >> 3);
		report.bitmap.fill(0, 0, report.length);
		for (let i = 0; i < bits; i++) {
			if (this.#has(this.largest - 1 - i)) report.bitmap[i >> 3]! |= 1 << (i & 7);
		}
		return true;
	}
}
