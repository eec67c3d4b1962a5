import type {Millis} from '../bytes/time.ts';

/**
 * Limit of events a second for each key; the table of keys is bounded and starts anew each second.
 */
export class RateLimit {
	readonly #perSecond: number;
	#keys: number;
	readonly #counts = new Map<string, number>();
	#since: Millis = Number.NEGATIVE_INFINITY;

	/** @param keys number of keys counted apart in a second; further ones are refused */
	constructor(perSecond: number, keys: number) {
		this.#perSecond = perSecond;
		this.#keys = keys;
	}

	/** Counts another number of keys apart from now on. */
	resize(keys: number): void {
		this.#keys = keys;
	}

	/** Counts one event. False: it is one too many. */
	allow(key: string, now: Millis): boolean {
		if (now - this.#since >= 1000) {
			this.#since = now;
			this.#counts.clear();
		}
		const count = this.#counts.get(key) ?? 0;
		if (count >= this.#perSecond) return false;
		if (count === 0 && this.#counts.size >= this.#keys) return false;
		this.#counts.set(key, count + 1);
		return true;
	}
}
