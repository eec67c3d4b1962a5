import type {Millis} from '../../bytes/time.ts';

/** Lets so many events a second pass in the long run, and `burst` of them at once after a pause. */
export class TokenBucket {
	readonly #perSecond: number;
	readonly #burst: number;
	#tokens: number;
	#at: Millis = 0;

	constructor(perSecond: number, burst: number) {
		this.#perSecond = perSecond;
		this.#burst = burst;
		this.#tokens = burst;
	}

	/** Counts one event. False: it is one too many. */
	allow(now: Millis): boolean {
		const elapsed = Math.max(0, now - this.#at);
		this.#at = Math.max(this.#at, now);
		this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * this.#perSecond) / 1000);
		if (this.#tokens < 1) return false;
		this.#tokens--;
		return true;
	}
}
