import type {Millis} from '../bytes/time.ts';

/** Most that a late timer sends at once, as time at the rate: a burst would fill socket buffers. */
const BURST: Millis = 8;

/** Most that is made up for, a little at each tick; the rest is forgiven. */
const DEBT: Millis = 60;

/** Interval at which the rate is adjusted. */
const WINDOW: Millis = 250;

/** More than this share forgiven in two windows in a row: it is no mere hiccup. */
const TOLERANCE = 0.3;

/** The first rate, and what a good window makes of it: the full rate after 1.5 s. */
const FIRST_SHARE = 0.25;
const FASTER = 1.3;

/**
 * After a bad window: the new rate and the most that is tried from then on, which recovers slowly.
 */
const SLOWER = 0.75;
const CEILING = 0.95;
const RECOVERY = 1.05;

/** Below it a machine is not slow but stalled now and then, and a lower rate does not help. */
const LEAST_RATE = 500;

/**
 * Counts the datagrams that are due. On a machine that is too busy for the rate it lowers the rate:
 * queues that overflow there would look like loss on the paths.
 */
export class Pace {
	readonly #requested: number;
	#rate: number;
	#ceiling: number;
	#at: Millis;
	#owed = 0;
	#windowEnd: Millis;
	#forgiven = 0;
	#sent = 0;
	#wasLate = false;

	/** @param rate datagrams per second */
	constructor(rate: number, now: Millis) {
		this.#requested = rate;
		this.#rate = rate * FIRST_SHARE;
		this.#ceiling = rate;
		this.#at = now;
		this.#windowEnd = now + WINDOW;
	}

	/** Datagrams per second at present. */
	get rate(): number {
		return this.#rate;
	}

	/** True while the rate is below the requested one because the machine does not keep up. */
	get limited(): boolean {
		return this.#ceiling < this.#requested;
	}

	/** Returns the datagrams that are due now. */
	due(now: Millis): number {
		this.#owed += ((now - this.#at) / 1000) * this.#rate;
		this.#at = now;
		const debt = Math.max(1, (this.#rate * DEBT) / 1000);
		this.#forgiven += Math.max(0, this.#owed - debt);
		this.#owed = Math.min(this.#owed, debt);
		const due = Math.floor(Math.min(this.#owed, Math.max(1, (this.#rate * BURST) / 1000)));
		this.#owed -= due;
		this.#sent += due;
		if (now >= this.#windowEnd) this.#adapt(now);
		return due;
	}

	/** Reports another sign that the machine does not keep up. */
	strained(): void {
		const least = Math.min(LEAST_RATE, this.#requested);
		this.#ceiling = Math.max(least, this.#rate * CEILING);
		this.#rate = Math.max(least, this.#rate * SLOWER);
	}

	#adapt(now: Millis): void {
		const share = this.#forgiven / Math.max(1, this.#forgiven + this.#sent);
		const isLate = share > TOLERANCE;
		if (isLate && this.#wasLate) this.strained();
		else if (!isLate) this.#rate = Math.min(this.#ceiling, this.#rate * FASTER);
		this.#ceiling = Math.min(this.#requested, this.#ceiling * RECOVERY);
		this.#wasLate = isLate;
		this.#windowEnd = now + WINDOW;
		this.#forgiven = 0;
		this.#sent = 0;
	}
}
