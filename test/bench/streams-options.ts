import {parseArgs} from 'node:util';
import {HELP_WANTED, readNumber} from '../support/machine/flags.ts';

export const STREAMS_HELP: string = `npm run bench:streams -- [--seeds N] [--only TEXT]

--seeds N     every world with the seeds 1 to N (20)
--only TEXT   only worlds with TEXT in their name

The numbers of streams over simulated links on a virtual clock, the same on every machine. Fails when a
number misses its limit with any seed.
`;

/** What a run over simulated links does. */
export interface StreamsOptions {
	/** Seeds of each world, from 1 on. */
	readonly seeds: number;
	/** Text in the names of the worlds that run; all when empty. */
	readonly only: string;
}

/** Parses the arguments, given the names of all worlds; throws an error with one line for the user. */
export function parseStreamsOptions(
	argv: readonly string[],
	names: readonly string[],
): StreamsOptions | typeof HELP_WANTED {
	const {values} = parseArgs({
		args: [...argv],
		options: {
			seeds: {type: 'string', default: '20'},
			only: {type: 'string', default: ''},
			help: {type: 'boolean', default: false},
		},
	});
	if (values.help) return HELP_WANTED;
	const {only} = values;
	const seeds = readNumber('--seeds', values.seeds, {least: 1, most: 10_000, isWhole: true});
	if (!names.some((name) => name.includes(only))) {
		throw new Error(`--only: no world has "${only}" in its name`);
	}
	return {seeds, only};
}
