import type {Millis} from '../../bytes/time.ts';

const WINDOW: Millis = 10_000;
const BUCKETS = 10;

/**
 * One-way delay of one direction relative to its own smallest of the last 10 s. The two ends'
 * clocks have an unknown offset, which the difference removes. Times are microseconds modulo 2^32.
 */
export class DelayMeter {
	readonly #minima: Float64Array = new Float64Array(BUCKETS).fill(Number.POSITIVE_INFINITY);
	#bucket = -1;
	#first = 0;
	#samples = 0;
	#last: Millis = 0;
	#previous: Millis = 0;

	/** Takes one sample: sent at `sent` on one clock, arrived at `arrived` on the other. */
	sample(sent: number, arrived: number, now: Millis): void {
		// Relative to the first sample, so that the unknown offset does not wrap.
		const raw = (arrived - sent) | 0;
		if (this.#samples === 0) this.#first = raw;
		const delay = ((raw - this.#first) | 0) / 1000;
		const bucket = Math.floor(now / (WINDOW / BUCKETS));
		if (bucket !== this.#bucket) this.#rotate(bucket);
		const index = bucket % BUCKETS;
		this.#minima[index] = Math.min(this.#minima[index]!, delay);
		this.#previous = this.#samples === 0 ? delay : this.#last;
		this.#last = delay;
		this.#samples++;
	}

	#rotate(bucket: number): void {
		const steps = this.#bucket < 0 ? BUCKETS : Math.min(BUCKETS, bucket - this.#bucket);
		for (let i = 0; i < steps; i++) {
			this.#minima[(bucket - i) % BUCKETS] = Number.POSITIVE_INFINITY;
		}
		this.#bucket = bucket;
	}

	/** Starts again, because the route or the clocks are others now. */
	reset(): void {
		this.#samples = 0;
		this.#bucket = -1;
	}

	/**
	 * Smallest delay of the last 10 s in microseconds modulo 2^32, with the offset of the clocks in
	 * it: only differences between paths mean something. `undefined`: no sample yet.
	 */
	get floor(): number | undefined {
		return this.#samples === 0 ? undefined : (this.#first + 1000 * this.#smallest()) | 0;
	}

	#smallest(): Millis {
		let smallest = Number.POSITIVE_INFINITY;
		for (let i = 0; i < BUCKETS; i++) smallest = Math.min(smallest, this.#minima[i]!);
		return smallest;
	}

	/**
	 * Delay above the smallest of the last 10 s, the smaller of the last two samples, so that one
	 * jittered probe does not look like a queue. `undefined`: no sample yet.
	 */
	get queueing(): Millis | undefined {
		if (this.#samples === 0) return undefined;
		return Math.max(0, Math.min(this.#last, this.#previous) - this.#smallest());
	}
}
