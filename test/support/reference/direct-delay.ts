/** The slow twin of `DelayMeter`: keeps every sample, in exact milliseconds. */
export class DirectDelay {
	readonly #samples: {readonly delay: number; readonly second: number}[] = [];

	sample(delay: number, now: number): void {
		this.#samples.push({delay, second: Math.floor(now / 1000)});
	}

	/** The smaller of the last two above the smallest of the last ten started seconds. */
	get queueing(): number | undefined {
		const last = this.#samples.at(-1);
		if (last === undefined) return undefined;
		const recent = this.#samples.filter(({second}) => second > last.second - 10);
		const smallest = Math.min(...recent.map(({delay}) => delay));
		const previous = this.#samples.at(-2) ?? last;
		return Math.max(0, Math.min(last.delay, previous.delay) - smallest);
	}
}
