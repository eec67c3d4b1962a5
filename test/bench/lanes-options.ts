import {parseArgs} from 'node:util';
import {HELP_WANTED} from '../support/machine/flags.ts';

/** Stands for the table of what traffic buys, beside the letters of rows. */
export const TABLE = 'table';

export const LANES_HELP: string = `npm run bench:lanes -- [--only LETTERS] [--short]

--only a,b    only the rows with these letters; "table" is that of what traffic buys
--short       a thirtieth of each row's length

The figures of coded lanes over simulated links on a virtual clock, the same on every machine. Fails when
a row misses its limit.
`;

/** What a run of the lanes' figures does. */
export interface LanesOptions {
	/** Letters of the rows that run; all when empty. */
	readonly only: readonly string[];
	readonly short: boolean;
}

/** Parses the arguments, given the letters of all rows; throws an error with one line for the user. */
export function parseLanesOptions(
	argv: readonly string[],
	letters: readonly string[],
): LanesOptions | typeof HELP_WANTED {
	const {values} = parseArgs({
		args: [...argv],
		options: {
			only: {type: 'string', default: ''},
			short: {type: 'boolean', default: false},
			help: {type: 'boolean', default: false},
		},
	});
	if (values.help) return HELP_WANTED;
	const only = values.only === '' ? [] : values.only.split(',');
	for (const letter of only) {
		if (letter !== TABLE && !letters.includes(letter))
			throw new Error(`--only: no row is "${letter}"`);
	}
	return {only, short: values.short};
}
