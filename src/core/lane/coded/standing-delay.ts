import type {Millis} from '../../../bytes/time.ts';

/** Time for which a delay lasts before it is one that stands. */
const WINDOW: Millis = 300;

/**
 * Delay of a path above its smallest that stands, because of a queue or a way that has become
 * longer: the least of the last 300 to 600 ms, so that jitter is none.
 */
export class StandingDelay {
	#least: Millis = 0;
	#leastBefore: Millis = 0;
	#since: Millis = Number.NEGATIVE_INFINITY;

	/** Takes the delay as it is now; returns the one that stands. */
	update(delay: Millis, now: Millis): Millis {
		if (now - this.#since >= WINDOW) {
			// After a pause nothing is known to stand.
			this.#leastBefore = now - this.#since >= 2 * WINDOW ? 0 : this.#least;
			this.#least = delay;
			this.#since = now;
		} else if (delay < this.#least) this.#least = delay;
		return Math.min(this.#least, this.#leastBefore);
	}
}
