const ROUNDS = 10;

/** The largest delivery rate of the last 10 round trips, in bytes per millisecond. */
export class BandwidthFilter {
	readonly #maxima: Float64Array = new Float64Array(ROUNDS);
	#index = 0;
	/** The largest rate. `0`: no sample yet. */
	value = 0;

	/** Takes a sample of the round trip under way. */
	sample(rate: number): void {
		if (rate > this.#maxima[this.#index]!) this.#maxima[this.#index] = rate;
		if (rate > this.value) this.value = rate;
	}

	/** Begins a round trip. */
	advance(): void {
		this.#index = (this.#index + 1) % ROUNDS;
		this.#maxima[this.#index] = 0;
		let largest = 0;
		for (let i = 0; i < ROUNDS; i++) largest = Math.max(largest, this.#maxima[i]!);
		// A sender that fell silent delivers nothing, which is no evidence of the path's rate.
		if (largest > 0) this.value = largest;
		else this.#maxima[this.#index] = this.value;
	}

	/** Forgets samples above `rate`. */
	lower(rate: number): void {
		for (let i = 0; i < ROUNDS; i++) {
			if (this.#maxima[i]! > rate) this.#maxima[i] = rate;
		}
		if (this.value > rate) this.value = rate;
	}
}
