import type {Millis} from '../../bytes/time.ts';
import {WindowedMinimum} from './windowed-minimum.ts';

/**
 * One-way delay above its own smallest of the last 10 s; the clocks' unknown offset cancels out.
 */
export class DelayFloor {
	readonly #floor = new WindowedMinimum();
	/** Delay at the last sample. `0`: no sample yet. */
	queueing: Millis = 0;
	/** Time of the last sample about as small as the floor. */
	touchedAt: Millis = Number.NEGATIVE_INFINITY;

	/**
	 * Takes a delay, in which any constant may be; NaN and infinite ones are ignored.
	 * @param slack distance from the floor that counts as about as small
	 */
	sample(delay: Millis, now: Millis, slack: Millis = 0): void {
		if (!Number.isFinite(delay)) return;
		this.#floor.sample(delay, now);
		this.queueing = delay - this.#floor.value;
		if (this.queueing <= slack) this.touchedAt = now;
	}
}
