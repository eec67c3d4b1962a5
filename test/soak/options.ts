import {parseArgs} from 'node:util';
import {HELP_WANTED, readNumber} from '../support/machine/flags.ts';

/** Datagrams a second, by back end: what each is made for. */
const RATES: ReadonlyMap<string, number> = new Map([
	['batch', 80_000],
	['dgram', 8000],
]);
/** With --gc, where most of the time goes to the collector. */
const GC_RATE = 5000;

export const HELP: string = `npm run soak -- [--seconds N] [--rate N] [--io NAME]... [--gc]

--seconds N   how long each back end runs (600)
--rate N      datagrams a second (batch 80000, dgram 8000, with --gc 5000)
--io NAME     only this back end, batch or dgram; repeatable (both)
--gc          collect garbage ten times a second and compact each time; losses of a busy machine pass

A client and a server under load with each back end, while paths and flows come and go; both ends are
killed and started again in the first fifth. Fails when datagrams are lost beside that or changed,
memory grows, or a process dies.
`;

/** What a soak does. */
export interface SoakOptions {
	/** Length of the run of each back end, in seconds. */
	readonly seconds: number;
	/** Back ends, each with its datagrams a second. */
	readonly runs: readonly {readonly io: string; readonly rate: number}[];
	/** True when garbage is collected all the time. */
	readonly gc: boolean;
}

/** Parses the arguments; throws an error with one line for the user. */
export function parseSoakOptions(argv: readonly string[]): SoakOptions | typeof HELP_WANTED {
	const {values} = parseArgs({
		args: [...argv],
		options: {
			seconds: {type: 'string', default: '600'},
			rate: {type: 'string'},
			io: {type: 'string', multiple: true, default: [...RATES.keys()]},
			gc: {type: 'boolean', default: false},
			help: {type: 'boolean', default: false},
		},
	});
	if (values.help) return HELP_WANTED;
	const {gc, rate} = values;
	const seconds = readNumber('--seconds', values.seconds, {least: 1, most: 1e6, isWhole: true});
	const given =
		rate === undefined
			? undefined
			: readNumber('--rate', rate, {least: 1, most: 1e7, isWhole: false});
	const runs = values.io.map((io) => {
		const usual = RATES.get(io);
		if (usual === undefined) throw new Error(`--io: expected batch or dgram, got "${io}"`);
		return {io, rate: given ?? (gc ? GC_RATE : usual)};
	});
	return {seconds, runs, gc};
}
