import type {Millis} from '../../core/time.ts';

/** What a late timer may send at once; the rest is forgiven, a burst would fill socket buffers. */
const BURST: Millis = 20;

/** How often the rate is looked at. */
const WINDOW: Millis = 250;

/** More than this share forgiven in a window: the machine does not keep up. */
const TOLERANCE = 0.1;

/** The first rate, and what a good window makes of it: the full rate after 1.5 s. */
const FIRST_SHARE = 0.25;
const FASTER = 1.3;

/** After a bad window: the new rate and the most that is tried from then on, which recovers slowly. */
const SLOWER = 0.75;
const CEILING = 0.95;
const RECOVERY = 1.02;

/** Below it a machine is not slow but stalled now and then, and a lower rate does not help. */
const LEAST_RATE = 500;

/**
 * Says how many datagrams are due. A machine that is too busy for the rate gets a lower one: queues
 * that overflow in it would look like loss on the paths.
 */
export class Pace {
	readonly #wanted: number;
	#rate: number;
	#ceiling: number;
	#at: Millis;
	#owed = 0;
	#windowEnd: Millis;
	#forgiven = 0;
	#sent = 0;

	/** @param rate datagrams per second */
	constructor(rate: number, now: Millis) {
		this.#wanted = rate;
		this.#rate = rate * FIRST_SHARE;
		this.#ceiling = rate;
		this.#at = now;
		this.#windowEnd = now + WINDOW;
	}

	/** Datagrams per second at present. */
	get rate(): number {
		return this.#rate;
	}

	/** How many datagrams are to be sent now. */
	due(now: Millis): number {
		this.#owed += ((now - this.#at) / 1000) * this.#rate;
		this.#at = now;
		const most = Math.max(1, (this.#rate * BURST) / 1000);
		this.#forgiven += Math.max(0, this.#owed - most);
		this.#owed = Math.min(this.#owed, most);
		const due = Math.floor(this.#owed);
		this.#owed -= due;
		this.#sent += due;
		if (now >= this.#windowEnd) this.#adapt(now);
		return due;
	}

	/** Somebody saw another sign that the machine does not keep up. */
	strained(): void {
		const least = Math.min(LEAST_RATE, this.#wanted);
		this.#ceiling = Math.max(least, this.#rate * CEILING);
		this.#rate = Math.max(least, this.#rate * SLOWER);
	}

	#adapt(now: Millis): void {
		const share = this.#forgiven / Math.max(1, this.#forgiven + this.#sent);
		if (share > TOLERANCE) this.strained();
		else this.#rate = Math.min(this.#ceiling, this.#rate * FASTER);
		this.#ceiling = Math.min(this.#wanted, this.#ceiling * RECOVERY);
		this.#windowEnd = now + WINDOW;
		this.#forgiven = 0;
		this.#sent = 0;
	}
}
