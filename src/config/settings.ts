import type {Millis} from '../bytes/time.ts';
import {CONGESTION_CONTROLS, type CongestionControl} from '../core/congestion-control.ts';
import {AEAD_BACK_ENDS, type AeadName} from '../crypto/aead.ts';
import {quoteText} from '../text/escape-text.ts';
import {IO_BACK_ENDS, type IoName} from './io-name.ts';
import {LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel} from './logging.ts';
import {type MetricsSettings, metricsTable} from './metrics.ts';
import type {Table, Type} from './option.ts';
import {type PageSettings, pageTable} from './page.ts';
import {readHold, readInterval, readMemory} from './quantities.ts';
import type {EnvironmentVariables} from './sources.ts';
import {choice, FILE_PATH, quantity, SWITCH} from './types.ts';

export type {EnvironmentVariables} from './sources.ts';

/** The surroundings that a program was started in. */
export interface ProcessContext {
	readonly env: EnvironmentVariables;
	/** Absolute; relative paths on the command line start here. */
	readonly cwd: string;
}

/** Options, and warnings for the user: sentences, escaped. */
export interface Resolved<T> {
	readonly options: T;
	readonly warnings: readonly string[];
}

/** The options that both programs have. */
export interface SharedOptions extends PageSettings, MetricsSettings {
	/** Absolute path of the state folder; `undefined`: the default one of this configuration. */
	readonly state: string | undefined;
	/** False: authenticated but readable packets (`MPTUNNEL_ENCRYPT=0`); equal at both ends. */
	readonly encrypt: boolean;
	/** The AEAD back end to force; `undefined`: the fastest that loads. */
	readonly crypto: AeadName | undefined;
	/** The socket back end to force; `undefined`: the fastest that works. */
	readonly io: IoName | undefined;
	/** True: never waits for a datagram, which takes a core for the lowest latency. */
	readonly busyPoll: boolean;
	/** The most bytes that streams and waiting datagrams may keep. */
	readonly streamMemory: number;
	/** The most bytes that coded lanes may keep. */
	readonly laneMemory: number;
	/** The longest time that datagrams wait for a session or a path. */
	readonly hold: Millis;
	readonly congestionControl: CongestionControl;
	/** The time between two lines of statistics in the log; `undefined`: there are none. */
	readonly stats: Millis | undefined;
	readonly logLevel: LogLevel;
	readonly logFormat: LogFormat;
}

const ZERO_OR_ONE: Type<boolean> = {
	read(value, place) {
		// An empty variable is what scripts leave behind: it says nothing, and nothing means on.
		if (value === '') return undefined;
		if (value === '0' || value === '1') return value === '1';
		place.report(`not 0 (off) or 1 (on): ${quoteText(String(value))}`);
		return undefined;
	},
	schema: {enum: ['0', '1']},
};

/** The ports of a client's page and metrics. */
const CLIENT_PAGE = 9479;
const CLIENT_METRICS = 9481;

/** The descriptors of {@link SharedOptions}. */
export const SHARED: Table<SharedOptions> = {
	state: {
		type: FILE_PATH,
		value: 'FOLDER',
		variable: {
			name: 'XDG_STATE_HOME',
			help: 'where the default state folders lie',
			otherwise: '`~/.local/state`',
		},
		help: 'keep state in this folder',
		otherwise: 'one per configuration',
	},
	encrypt: {
		type: SWITCH,
		only: 'files',
		variable: {
			name: 'MPTUNNEL_ENCRYPT',
			value: '0',
			help: 'authenticate but do not encrypt, for speed; must be the same on both ends',
			type: ZERO_OR_ONE,
		},
		help: '`false` as `MPTUNNEL_ENCRYPT=0`',
		default: true,
	},
	crypto: {
		type: choice(AEAD_BACK_ENDS),
		value: 'NAME',
		help: 'force a cipher back end',
		otherwise: 'the fastest that works',
		more: '`openssl` needs the optional package koffi',
	},
	io: {
		type: choice(IO_BACK_ENDS),
		value: 'NAME',
		help: 'force a socket back end',
		otherwise: 'the fastest that works',
		more: '`batch` needs Linux and the optional package koffi',
	},
	busyPoll: {
		type: SWITCH,
		help: 'never sleep: lower latency for a whole core (with `batch`)',
		default: false,
	},
	streamMemory: {
		type: quantity(readMemory),
		value: 'SIZE',
		help: 'the most memory for TCP connections and waiting datagrams',
		default: '256MiB',
	},
	laneMemory: {
		type: quantity(readMemory),
		value: 'SIZE',
		help: 'the most memory for flows with a `fec` policy',
		default: '256MiB',
	},
	hold: {
		type: quantity(readHold),
		value: 'TIME',
		help: 'how long datagrams wait for a session or a path, 10ms to 10s',
		default: '500ms',
	},
	congestionControl: {
		type: choice(CONGESTION_CONTROLS),
		value: 'NAME',
		help: 'how fast TCP data is sent on a path',
		default: 'bbr',
		more: 'Loss at random does not slow `bbr` down; `newreno` yields to other TCP and is slow on lossy paths',
	},
	stats: {
		type: quantity(readInterval),
		value: 'TIME',
		help: 'log a line of statistics every so often, such as `10s`',
	},
	...pageTable(CLIENT_PAGE),
	...metricsTable(CLIENT_METRICS),
	logLevel: {
		type: choice(LOG_LEVELS),
		value: 'LEVEL',
		help: 'the least important lines that are logged',
		default: 'info',
	},
	logFormat: {
		type: choice(LOG_FORMATS),
		value: 'FORMAT',
		help: 'lines for people or for scripts',
		default: 'text',
	},
};
