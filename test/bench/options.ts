import {parseArgs} from 'node:util';
import {SYSTEM_KINDS} from './systems.ts';

/** What can be measured. */
export const MEASUREMENTS = ['goodput', 'cpu', 'latency', 'recovery', 'flows', 'streams'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** What a run of the benchmark does. */
export interface BenchOptions {
	readonly measurements: ReadonlySet<Measurement>;
	readonly systems: ReadonlySet<string>;
	readonly sizes: readonly number[];
	readonly repetitions: number;
	/** Of one run of load. */
	readonly millis: number;
}

export const HELP: string = `npm run bench -- [--quick] [--only NAME]...

--quick       one repetition of shorter runs, 1200-byte datagrams only: less than a minute
--only NAME   ${MEASUREMENTS.join(', ')}: only this measurement;
              ${SYSTEM_KINDS.map(({name}) => name).join(', ')}: only this system; repeatable
`;

/** Parses the arguments; a string is what to tell the user instead of running. */
export function parseOptions(argv: readonly string[]): BenchOptions | string {
	let values: {quick?: boolean; only?: string[]; help?: boolean};
	try {
		({values} = parseArgs({
			args: [...argv],
			options: {
				quick: {type: 'boolean'},
				only: {type: 'string', multiple: true},
				help: {type: 'boolean'},
			},
		}));
	} catch (error) {
		return `${error instanceof Error ? error.message : error}\n\n${HELP}`;
	}
	const {quick = false, only = [], help = false} = values;
	if (help) return HELP;
	const kinds = SYSTEM_KINDS.map(({name}) => name);
	const unknown = only.find((name) => ![...MEASUREMENTS, ...kinds].includes(name));
	if (unknown !== undefined) return `nothing is called "${unknown}"\n\n${HELP}`;
	const measurements = MEASUREMENTS.filter((name) => only.includes(name));
	const systems = kinds.filter((name) => only.includes(name));
	return {
		measurements: new Set(measurements.length > 0 ? measurements : MEASUREMENTS),
		systems: new Set(systems.length > 0 ? systems : kinds),
		sizes: quick ? [1200] : [100, 1200],
		repetitions: quick ? 1 : 3,
		millis: quick ? 500 : 600,
	};
}
