/** A median with what it was taken from. */
export interface Spread {
	readonly median: number;
	readonly low: number;
	readonly high: number;
}

/** The median and the extremes; NaN without a value. */
export function spread(values: readonly number[]): Spread {
	const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
	const middle = sorted.length / 2;
	const upper = sorted[Math.floor(middle)] ?? Number.NaN;
	const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
	return {
		median: (lower + upper) / 2,
		low: sorted[0] ?? Number.NaN,
		high: sorted.at(-1) ?? Number.NaN,
	};
}
