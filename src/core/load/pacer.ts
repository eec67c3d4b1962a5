import type {Millis} from '../../bytes/time.ts';

/** A sender that wakes late may make up for so much at once. */
const BURST: Millis = 4;
/** Longest time for which packets that left ahead of theirs put off the next one. */
const MOST_DEBT: Millis = 20;

/** Spaces packets evenly. */
export class Pacer {
	#nextAt: Millis = Number.NEGATIVE_INFINITY;

	/** Counts a packet of `bytes` that leaves at `now`; `rate` is in bytes per millisecond. */
	onSent(now: Millis, bytes: number, rate: number): void {
		if (this.#nextAt > now + MOST_DEBT) return;
		this.#nextAt = Math.max(this.#nextAt, now - BURST) + bytes / rate;
	}

	/** Returns the milliseconds until the next packet is due. `0`: now. */
	delay(now: Millis): Millis {
		return Math.max(0, this.#nextAt - now);
	}
}
