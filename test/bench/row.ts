import type {Limit} from './limits.ts';
import {type Spread, spread} from './spread.ts';

/** What was measured in one figure: a line of the results. */
export interface Row {
	readonly measurement: string;
	/** Under which conditions; the lines of a table with the same case belong together. */
	readonly case: string;
	/** The system, and the part of it. */
	readonly system: string;
	readonly unit: string;
	/** Every run, in order. */
	readonly runs: readonly number[];
	readonly spread: Spread;
	/** The medians, divided by that of the reference of the same case. */
	readonly ratio: number | undefined;
	readonly verdicts: readonly Verdict[];
	/** Why it does not count; undefined = it does. */
	readonly invalid: string | undefined;
	readonly note: string;
}

/** Whether a limit is kept. */
export interface Verdict {
	readonly limit: string;
	readonly isMet: boolean;
}

/** What a row is made of. */
export interface RowParts {
	readonly measurement: string;
	readonly case: string;
	readonly system: string;
	readonly unit: string;
	readonly runs: readonly number[];
	/** What the medians are held against. */
	readonly reference?: Row | undefined;
	readonly limit?: Limit | undefined;
	/** For the multiple of the reference. */
	readonly ratioLimit?: Limit | undefined;
	readonly invalid?: string | undefined;
	readonly note?: string;
}

/** A row with its median, its ratio and its verdicts; what was not measured keeps no limit. */
export function makeRow(parts: RowParts): Row {
	const {reference, limit, ratioLimit, invalid, note = '', runs, unit, system} = parts;
	const found = spread(runs);
	const base = reference?.spread.median;
	// Of nothing there is no ratio: a link that lost no packet.
	const ratio = base === undefined || base === 0 ? undefined : found.median / base;
	const verdicts: Verdict[] = [];
	if (limit !== undefined) verdicts.push({limit: limit.text, isMet: limit.isMet(found.median)});
	if (ratioLimit !== undefined && ratio !== undefined) {
		verdicts.push({limit: ratioLimit.text, isMet: ratioLimit.isMet(ratio)});
	}
	return {
		measurement: parts.measurement,
		case: parts.case,
		system,
		unit,
		runs,
		spread: found,
		ratio,
		verdicts,
		invalid,
		note,
	};
}
