import {parseArgs} from 'node:util';
import {readNumber} from '../support/machine/flags.ts';
import {PEER_HELP} from './systems/peers.ts';

/** What a run of the benchmark does. */
export interface BenchOptions {
	/** Only cases whose measurement or name has one of these texts in it; all when there is none. */
	readonly only: readonly string[];
	readonly repeats: number;
	/** Of one run of load. */
	readonly millis: number;
	/** Whether the generator sends runs and the sink receives them. */
	readonly isPlain: boolean;
}

export const HELP: string = `npm run bench -- [--quick] [--only TEXT]... [--repeats N] [--seconds N] [--plain]

--only TEXT   only rows with TEXT in the name of the measurement or case; repeatable; --list has them
--list        print the names of all measurements and cases
--repeats N   interleaved runs of everything (3; with --quick 1)
--seconds N   of one run of load (1; with --quick 0.5)
--quick       one repetition of short runs, for a first look
--plain       the load is sent and received datagram by datagram, without UDP_SEGMENT and UDP_GRO

The table goes to standard output, and with every single run to bench.json in the working folder. It
takes an hour; nothing else should be at work on the machine. The exit code says only
whether everything ran, not whether a limit was missed.

What is measured beside: socat, ss-tunnel and ss-server, danted, openvpn, each where it is installed.
As root also over a veth cable between network namespaces.

${PEER_HELP}`;

/** What `--list` asks for. */
export const LIST = 'list';

const DEFAULTS = {repeats: 3, seconds: 1};
const QUICK = {repeats: 1, seconds: 0.5};
const REPEATS = {least: 1, most: 1000, isWhole: true};
const SECONDS = {least: 0.1, most: 1000, isWhole: false};

/** Parses the arguments; a string is what to tell the user instead of running. */
export function parseOptions(argv: readonly string[]): BenchOptions | string {
	try {
		const {values} = parseArgs({
			args: [...argv],
			options: {
				only: {type: 'string', multiple: true, default: []},
				repeats: {type: 'string'},
				seconds: {type: 'string'},
				quick: {type: 'boolean', default: false},
				plain: {type: 'boolean', default: false},
				list: {type: 'boolean', default: false},
				help: {type: 'boolean', default: false},
			},
		});
		if (values.help) return HELP;
		if (values.list) return LIST;
		const usual = values.quick ? QUICK : DEFAULTS;
		return {
			only: values.only,
			repeats: readNumber('--repeats', values.repeats ?? `${usual.repeats}`, REPEATS),
			millis: readNumber('--seconds', values.seconds ?? `${usual.seconds}`, SECONDS) * 1000,
			isPlain: values.plain,
		};
	} catch (error) {
		return `${error instanceof Error ? error.message : error}\n\n${HELP}`;
	}
}
