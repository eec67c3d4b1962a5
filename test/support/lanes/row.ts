/** What a case shows, in the words of its row. */
export interface LaneRow {
	readonly name: string;
	readonly figure: string;
	readonly limit: string;
	readonly holds: boolean;
}

/** A row of the table of figures: `share` of its full length is run. */
export interface LaneRowCase {
	readonly name: string;
	run(share: number): LaneRow;
}

/** A count with what it is of, and the bound that 95 of 100 keep to where there was none. */
export function counted(count: number, of: number): string {
	const share = count === 0 ? `< ${(3 / of).toExponential(0)}` : (count / of).toExponential(1);
	return `${thousands(count)} of ${thousands(of)} (${share})`;
}

/** A whole number with its thousands apart. */
export function thousands(count: number): string {
	return count.toLocaleString('en');
}
