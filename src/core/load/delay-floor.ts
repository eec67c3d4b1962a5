import type {Millis} from '../../bytes/time.ts';
import {WindowedMinimum} from './windowed-minimum.ts';

/**
 * One-way delay above its own smallest of the last 10 s; the clocks' unknown offset cancels out.
 */
export class DelayFloor {
	readonly #floor = new WindowedMinimum();
	/** At the last sample; 0 before the first. */
	queueing: Millis = 0;
	/** Time of the last sample about as small as the floor. */
	touchedAt: Millis = Number.NEGATIVE_INFINITY;

	/**
	 * Takes a delay with any constant in it; what is not a number is ignored. `slack` as for
	 * touching.
	 */
	sample(delay: Millis, now: Millis, slack: Millis = 0): void {
		if (!Number.isFinite(delay)) return;
		this.#floor.sample(delay, now);
		this.queueing = delay - this.#floor.value;
		if (this.queueing <= slack) this.touchedAt = now;
	}
}
