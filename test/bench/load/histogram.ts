/** Steps in an octave: a value is told to within 1.6 %. */
const STEPS = 64;
const OCTAVES = 40;

/** Counts of times, each step a fixed part wider than the one before. */
export class Histogram {
	count = 0;
	readonly #counts = new Uint32Array(STEPS * OCTAVES);

	/** Adds a time in microseconds. */
	add(micros: number): void {
		const value = Math.max(micros, 1);
		const step = Math.floor(Math.log2(value) * STEPS);
		this.#counts[Math.min(step, this.#counts.length - 1)]!++;
		this.count++;
	}

	/** The time that this part of all is below, in microseconds; NaN without any. */
	quantile(part: number): number {
		if (this.count === 0) return Number.NaN;
		let left = Math.min(Math.floor(part * this.count), this.count - 1);
		let step = 0;
		while (left >= this.#counts[step]!) left -= this.#counts[step++]!;
		return 2 ** ((step + 0.5) / STEPS);
	}

	clear(): void {
		this.#counts.fill(0);
		this.count = 0;
	}
}
