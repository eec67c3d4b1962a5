import type {Millis} from '../../bytes/time.ts';

const ENTRIES = 64;
const STEP: Millis = 100;

/** The next packet numbers of the last 6 s, to a tenth of a second. */
export class SentTimes {
	readonly #times: Float64Array = new Float64Array(ENTRIES);
	readonly #numbers: Float64Array = new Float64Array(ENTRIES);
	#count = 0;

	/** Notes that packets up to `next` - 1 have been sent by `now`. */
	note(next: number, now: Millis): void {
		const last = (this.#count + ENTRIES - 1) % ENTRIES;
		if (this.#count > 0 && now - this.#times[last]! < STEP) return;
		this.#times[this.#count % ENTRIES] = now;
		this.#numbers[this.#count % ENTRIES] = next;
		this.#count++;
	}

	/** Returns a number that all packets sent since `time` reach. */
	numberAt(time: Millis): number {
		const oldest = Math.max(0, this.#count - ENTRIES);
		for (let i = this.#count - 1; i >= oldest; i--) {
			if (this.#times[i % ENTRIES]! <= time) return this.#numbers[i % ENTRIES]!;
		}
		return this.#count > ENTRIES ? this.#numbers[oldest % ENTRIES]! : 0;
	}
}
