import {dirname, resolve} from 'node:path';
import type {Millis} from '../bytes/time.ts';
import type {CongestionControl} from '../core/congestion-control.ts';
import type {AeadName} from '../crypto/aead.ts';
import {escapeText, quoteText} from '../text/escape-text.ts';
import {readClassicFile} from './classic-file.ts';
import {type Endpoint, LOCALHOST} from './endpoint.ts';
import {ProblemList} from './errors.ts';
import {
	checkForwards,
	type ForwardOptions,
	type ForwardSettings,
	readForwardField,
	readForwardFlags,
} from './forwards.ts';
import type {IoName} from './io-name.ts';
import {type KeyOptions, readKeys} from './keys.ts';
import type {LogFormat, LogLevel} from './logging.ts';
import {readPathItem} from './path-item.ts';
import {PATH_LIMIT, type PathDraft, type PathOptions, resolvePaths} from './paths.ts';
import {FieldReader, type Place} from './place.ts';
import {
	inlineKeyWarnings,
	type Resolved,
	readEnvironment,
	readFlag,
	readSharedFields,
	readSharedFlags,
	SHARED_DEFAULTS,
	type SharedFlags,
	type SharedSettings,
	type Surroundings,
} from './settings.ts';
import {
	NO_SOCKS_SETTINGS,
	readSocksFields,
	readSocksFlags,
	resolveSocks,
	type SocksFlags,
	type SocksOptions,
	type SocksSettings,
} from './socks.ts';
import {readTextFile} from './text-file.ts';
import {readListenAddress, readWholeNumber} from './values.ts';
import {isYamlName, parseYamlFile} from './yaml-file.ts';

export type {PathOptions, RateOptions} from './paths.ts';

/** Everything that mpclient can be told, resolved and validated. */
export interface ClientOptions {
	/** Absolute path of the configuration file that was read. */
	readonly configFile: string;
	/** 1 to 16 paths in the order of the file, names unique. */
	readonly paths: readonly PathOptions[];
	/** Where the classic UDP port listens, see `readListenAddress`; undefined = it is not opened. */
	readonly listen: Endpoint | undefined;
	/**
	 * The SOCKS5 listener; false = it is not wanted; undefined = nothing was said and it stays shut,
	 * because there is no key or no encryption.
	 */
	readonly socks: SocksOptions | false | undefined;
	/** Further ports, each with a target of its own; none listens where another does. */
	readonly forwards: readonly ForwardOptions[];
	/** Whether TCP applications are told of success before the server has reached their target. */
	readonly optimisticConnect: boolean;
	/** On how many paths each datagram goes, 1 to 16; undefined = on all. */
	readonly copies: number | undefined;
	/** Keyless, or exactly one user. */
	readonly keys: KeyOptions;
	/** False = authenticated but readable packets (`MPTUNNEL_ENCRYPT=0`); must match the server. */
	readonly encrypt: boolean;
	/** Absolute path of the state folder; undefined = the default one of this configuration. */
	readonly state: string | undefined;
	/** The AEAD back end to force; undefined = the fastest that loads. */
	readonly crypto: AeadName | undefined;
	/** The socket back end to force; undefined = the fastest that works. */
	readonly io: IoName | undefined;
	/** True = never waits for a datagram: a core for the lowest latency. */
	readonly busyPoll: boolean;
	/** The most bytes that streams may keep. */
	readonly streamMemory: number;
	/** How long datagrams wait for a session or a path. */
	readonly hold: Millis;
	readonly congestionControl: CongestionControl;
	/** How often a statistics line is logged, in milliseconds; undefined = never. */
	readonly stats: Millis | undefined;
	readonly logLevel: LogLevel;
	readonly logFormat: LogFormat;
}

/** mpclient's flags as text, without defaults; `false` stands for `--no-listen` and `--no-socks`. */
export interface ClientFlags extends SharedFlags, SocksFlags {
	readonly listen?: string | false | undefined;
	readonly forward?: readonly string[] | undefined;
	readonly forwardOpen?: boolean | undefined;
	readonly optimisticConnect?: boolean | undefined;
	readonly copies?: string | undefined;
}

/** What one source says; undefined = it says nothing. */
interface ClientSettings extends SharedSettings {
	readonly listen: Endpoint | false | undefined;
	readonly socks: SocksSettings;
	readonly forwards: ForwardSettings | undefined;
	readonly forwardOpen: boolean | undefined;
	readonly optimisticConnect: boolean | undefined;
	readonly copies: number | undefined;
}

interface ClientFile extends ClientSettings {
	readonly paths: readonly PathOptions[];
	readonly warnings: readonly string[];
}

/** What mpclient does where nothing is said. */
export const CLIENT_DEFAULTS: typeof SHARED_DEFAULTS & {readonly listen: Endpoint} = {
	...SHARED_DEFAULTS,
	listen: {host: LOCALHOST, port: 3000},
};

/**
 * Resolves mpclient's options from its flags, the environment and the configuration file that
 * `flags.config` names. Throws a ConfigError with every problem of all of them.
 */
export function resolveClientOptions(
	flags: ClientFlags,
	surroundings: Surroundings,
): Resolved<ClientOptions> {
	const problems = new ProblemList();
	const fromFlags = readClientFlags(flags, surroundings.cwd, problems);
	const fromEnvironment = readEnvironment(surroundings.env, problems);
	const configFile = resolve(surroundings.cwd, flags.config ?? '');
	const fromFile = readClientFile(flags.config, configFile, problems);
	const merged = merge(fromFile, fromEnvironment, fromFlags);
	const {keys, warnings} = readKeys(merged.keys, 'one', problems);
	const {encrypt} = merged;
	// Without keys because of a problem that was told, nothing more is to be said of them.
	const security = {keyless: keys?.keyless ?? false, encrypt};
	const socks = resolveSocks(fromFile.socks, fromFlags.socks, security, problems);
	const forwards = checkForwards(
		fromFlags.forwards ?? fromFile.forwards,
		{...security, open: fromFlags.forwardOpen ?? fromFile.forwardOpen ?? false},
		problems,
	);
	checkInterfaces(fromFile, merged.io, problems);
	problems.throwIfAny();
	// readKeys gives no keys only together with a problem; running keyless instead must be impossible.
	if (keys === undefined) throw new TypeError('keys are missing');
	const {paths} = fromFile;
	return {
		options: {...merged, configFile, paths, keys, socks, forwards},
		warnings: [
			...fromFile.warnings,
			...warnings,
			...fromFile.socks.warnings,
			...fromFlags.socks.warnings,
		],
	};
}

// Which back end there will be is only known when it runs, but this one never can.
function checkInterfaces({paths}: ClientFile, io: IoName | undefined, problems: ProblemList): void {
	for (const {name, device, mark} of io === 'dgram' ? paths : []) {
		if (mark !== undefined) problems.add(mark.place, '', `mark=${mark.value} ${MARK_NEEDS}`);
		if (device === undefined) continue;
		const reason = `bind ${quoteText(device)} of path ${quoteText(name)}: ${NEEDS_BATCH}`;
		problems.add('', '', reason);
	}
}

/** What is to be said of the mark of a path where there can be none. */
export const MARK_NEEDS = 'needs --io batch and the capability CAP_NET_ADMIN';

/** What is to be said of a path that is bound to an interface where that cannot be. */
export const NEEDS_BATCH = 'the name of a network interface needs --io batch, others an IP address';

/** The one order of precedence: defaults, then the file, the environment, the flags; later wins. */
function merge(
	file: ClientSettings,
	environment: ReturnType<typeof readEnvironment>,
	flags: ClientSettings,
): Omit<ClientOptions, 'configFile' | 'paths' | 'keys' | 'socks' | 'forwards'> &
	Pick<SharedSettings, 'keys'> {
	return {
		listen: (flags.listen ?? file.listen ?? CLIENT_DEFAULTS.listen) || undefined,
		optimisticConnect: flags.optimisticConnect ?? file.optimisticConnect ?? false,
		copies: flags.copies ?? file.copies,
		keys: flags.keys ?? environment.keys ?? file.keys,
		encrypt: environment.encrypt ?? file.encrypt ?? CLIENT_DEFAULTS.encrypt,
		state: flags.state ?? file.state,
		crypto: flags.crypto ?? file.crypto,
		io: flags.io ?? file.io,
		busyPoll: flags.busyPoll ?? file.busyPoll ?? CLIENT_DEFAULTS.busyPoll,
		streamMemory: flags.streamMemory ?? file.streamMemory ?? CLIENT_DEFAULTS.streamMemory,
		hold: flags.hold ?? file.hold ?? CLIENT_DEFAULTS.hold,
		congestionControl:
			flags.congestionControl ?? file.congestionControl ?? CLIENT_DEFAULTS.congestionControl,
		stats: flags.stats ?? file.stats,
		logLevel: flags.logLevel ?? file.logLevel ?? CLIENT_DEFAULTS.logLevel,
		logFormat: flags.logFormat ?? file.logFormat ?? CLIENT_DEFAULTS.logFormat,
	};
}

function readClientFlags(flags: ClientFlags, cwd: string, problems: ProblemList): ClientSettings {
	const {listen} = flags;
	return {
		...readSharedFlags(flags, cwd, problems),
		listen: listen === false ? listen : readFlag('--listen', listen, problems, readListenAddress),
		socks: readSocksFlags(flags, cwd, problems),
		forwards: readForwardFlags(flags.forward, problems),
		forwardOpen: flags.forwardOpen,
		optimisticConnect: flags.optimisticConnect,
		copies: readFlag('--copies', flags.copies, problems, readCopies),
	};
}

const NOTHING: ClientFile = {
	keys: undefined,
	encrypt: undefined,
	state: undefined,
	crypto: undefined,
	io: undefined,
	busyPoll: undefined,
	streamMemory: undefined,
	hold: undefined,
	congestionControl: undefined,
	stats: undefined,
	logLevel: undefined,
	logFormat: undefined,
	listen: undefined,
	socks: NO_SOCKS_SETTINGS,
	forwards: undefined,
	forwardOpen: undefined,
	optimisticConnect: undefined,
	copies: undefined,
	paths: [],
	warnings: [],
};

function readClientFile(name: string | undefined, path: string, problems: ProblemList): ClientFile {
	if (name === undefined || name === '') {
		problems.add('', '', 'a configuration file is needed: mpclient FILE; see mpclient --help');
		return NOTHING;
	}
	const file = readTextFile(path);
	if (!file.ok) {
		problems.add('', '', `configuration file ${quoteText(name)} ${file.reason}`);
		return NOTHING;
	}
	if (isYamlName(name)) return readClientYaml(name, dirname(path), file, problems);
	const before = problems.length;
	const drafts = readClassicFile(name, file.text, problems);
	return {...NOTHING, paths: pathsOf(name, drafts, problems.length === before, problems)};
}

function readClientYaml(
	name: string,
	folder: string,
	file: {readonly text: string; readonly othersCanRead: boolean},
	problems: ProblemList,
): ClientFile {
	const before = problems.length;
	const document = parseYamlFile(name, file.text, problems);
	if (document === undefined) return NOTHING;
	const fields = new FieldReader(document.value, document.place);
	const drafts = fields.read('paths', (value, place) => place.list(value, readPathItem)) ?? [];
	const complete = problems.length === before;
	const settings: ClientSettings = {
		listen: fields.read('listen', readListenField),
		socks: readSocksFields(fields, folder, name, file.othersCanRead),
		forwards: readForwardField(fields),
		forwardOpen: fields.boolean('forwardOpen'),
		optimisticConnect: fields.boolean('optimisticConnect'),
		copies: fields.text('copies', readCopies),
		...readSharedFields(fields, folder),
	};
	fields.finish();
	return {
		...settings,
		paths: pathsOf(name, drafts, complete, problems),
		warnings: inlineKeyWarnings(name, settings.keys, file.othersCanRead),
	};
}

// "No paths" is said only where nothing else explains why there are none.
function pathsOf(
	name: string,
	drafts: readonly PathDraft[],
	complete: boolean,
	problems: ProblemList,
): readonly PathOptions[] {
	const where = escapeText(name);
	if (drafts.length === 0 && complete) problems.add(where, '', 'no paths: at least one is needed');
	return resolvePaths(drafts, where, problems);
}

function readListenField(value: unknown, place: Place): Endpoint | false | undefined {
	return value === false ? value : place.text(value, readListenAddress);
}

function readCopies(text: string): number {
	return readWholeNumber(text, 1, PATH_LIMIT);
}
