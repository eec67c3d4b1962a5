import type {Millis} from '../../bytes/time.ts';

const BUCKETS = 10;
const BUCKET: Millis = 1000;

/** The smallest of the samples of the last 10 s, to a second. */
export class WindowedMinimum {
	readonly #minima: Float64Array = new Float64Array(BUCKETS).fill(Number.POSITIVE_INFINITY);
	#bucket = -1;
	/** The smallest sample. `Infinity`: none yet. */
	value: number = Number.POSITIVE_INFINITY;

	/** Takes a sample; `now` never goes back. */
	sample(value: number, now: Millis): void {
		const bucket = Math.floor(now / BUCKET);
		if (bucket !== this.#bucket) this.#rotate(bucket);
		const index = bucket % BUCKETS;
		if (value < this.#minima[index]!) this.#minima[index] = value;
		if (value < this.value) this.value = value;
	}

	#rotate(bucket: number): void {
		const steps = this.#bucket < 0 ? BUCKETS : Math.min(BUCKETS, bucket - this.#bucket);
		for (let i = 0; i < steps; i++) {
			this.#minima[(bucket + BUCKETS - i) % BUCKETS] = Number.POSITIVE_INFINITY;
		}
		this.#bucket = bucket;
		let smallest = Number.POSITIVE_INFINITY;
		for (let i = 0; i < BUCKETS; i++) smallest = Math.min(smallest, this.#minima[i]!);
		this.value = smallest;
	}
}
