/** One number of a case, with its limit. */
export interface LimitedNumber {
	readonly name: string;
	/** NaN = the run failed. */
	readonly value: number;
	readonly limit: number;
	/** Whether the value has to be at least (else at most) the limit. */
	readonly isLeast: boolean;
}

/** A simulated world and the numbers that have to hold in it, whatever the seed. */
export interface NumberedCase {
	readonly name: string;
	readonly run: (seed: number) => readonly LimitedNumber[];
}

/** A number that has to be at least `limit`. */
export function least(name: string, value: number, limit: number): LimitedNumber {
	return {name, value, limit, isLeast: true};
}

/** A number that has to be at most `limit`. */
export function most(name: string, value: number, limit: number): LimitedNumber {
	return {name, value, limit, isLeast: false};
}

/** Whether a value keeps the number's limit. */
export function holds({value, limit, isLeast}: LimitedNumber): boolean {
	return isLeast ? value >= limit : value <= limit;
}
