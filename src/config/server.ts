import {dirname, resolve} from 'node:path';
import type {Millis} from '../bytes/time.ts';
import type {CongestionControl} from '../core/congestion-control.ts';
import type {AeadName} from '../crypto/aead.ts';
import {escapeText, quoteText} from '../text/escape-text.ts';
import {canonicalAddress} from '../text/ip.ts';
import type {Endpoint} from './endpoint.ts';
import {ProblemList} from './errors.ts';
import {
	type ExitFlags,
	type ExitOptions,
	type ExitSettings,
	mergeExit,
	NO_EXIT_SETTINGS,
	readExitFields,
	readExitFlags,
	resolveExit,
} from './exit.ts';
import type {IoName} from './io-name.ts';
import {type KeyOptions, readKeys} from './keys.ts';
import type {LogFormat, LogLevel} from './logging.ts';
import {FieldReader} from './place.ts';
import {
	inlineKeyWarnings,
	type Resolved,
	readEnvironment,
	readFlag,
	readOneOrMany,
	readSharedFields,
	readSharedFlags,
	SHARED_DEFAULTS,
	type SharedFlags,
	type SharedSettings,
	type Surroundings,
} from './settings.ts';
import {readTargetField} from './target-field.ts';
import {readTextFile} from './text-file.ts';
import {
	checkUsers,
	joinUsers,
	type ReadUsers,
	readUsersField,
	readUsersFile,
	type UserOptions,
	withUserKeys,
} from './users.ts';
import {readAddress, readFilePath, readHost, readPort} from './values.ts';
import {isYamlName, parseYamlFile} from './yaml-file.ts';

/** Everything that mpserver can be told, resolved and validated. */
export interface ServerOptions {
	/** Absolute path of the configuration file that was read, if any. */
	readonly configFile: string | undefined;
	/** The UDP port listened on, on every address. */
	readonly port: number;
	/** IP literals to listen on, without duplicates; empty = every address of every interface. */
	readonly bind: readonly string[];
	/** Where classic datagrams go; `host` may be a name. Undefined only for an exit. */
	readonly target: Endpoint | undefined;
	/** Present = clients may choose their targets. */
	readonly exit: ExitOptions | undefined;
	/** Keyless, or one or more users. */
	readonly keys: KeyOptions;
	/** What is special about users, by name; those without an entry are as the server is. */
	readonly users: ReadonlyMap<string, UserOptions>;
	/** False = authenticated but readable packets (`MPTUNNEL_ENCRYPT=0`); must match the clients. */
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

/** mpserver's flags and words as text, without defaults. */
export interface ServerFlags extends SharedFlags, ExitFlags {
	readonly port?: string | undefined;
	readonly host?: string | undefined;
	readonly targetPort?: string | undefined;
	readonly bind?: readonly string[] | undefined;
	readonly users?: string | undefined;
}

/** What one source says; undefined = it says nothing. */
interface ServerSettings extends SharedSettings {
	readonly port: number | undefined;
	readonly bind: readonly string[] | undefined;
	readonly target: Endpoint | undefined;
	readonly exit: ExitSettings;
	readonly users: ReadUsers | undefined;
}

/** What mpserver does where nothing is said. */
export const SERVER_DEFAULTS: typeof SHARED_DEFAULTS & {readonly bind: readonly string[]} = {
	...SHARED_DEFAULTS,
	bind: [],
};

/**
 * Resolves mpserver's options from its flags, the environment and the configuration file that
 * `flags.config` names, if any. Throws a ConfigError with every problem of all of them.
 */
export function resolveServerOptions(
	flags: ServerFlags,
	surroundings: Surroundings,
): Resolved<ServerOptions> {
	const problems = new ProblemList();
	const {cwd, env} = surroundings;
	const fromFlags = readServerFlags(flags, cwd, problems);
	const fromEnvironment = readEnvironment(env, problems);
	const configFile = flags.config === undefined ? undefined : resolve(cwd, flags.config);
	const fromFile = readServerFile(flags.config, configFile, problems);
	const complete = problems.length === 0;
	const merged = merge(fromFile, fromEnvironment, fromFlags);
	const {port, target, encrypt} = merged;
	if (complete && port === undefined) {
		problems.add(
			'',
			'',
			'a port to listen on is needed: mpserver PORT HOST PORT; see mpserver --help',
		);
	}
	const {keys, warnings} = readKeys(merged.keys, 'many', problems);
	checkKeyCount(keys, encrypt, problems);
	const users = joinUsers(merged.users);
	const hasTarget = target !== undefined || [...users.values()].some((user) => user.target);
	const exit =
		complete && port !== undefined
			? resolveExit(merged.exit, {port, hasTarget, keys, encrypt}, problems)
			: undefined;
	if (problems.length === 0) {
		checkUsers(users, keys, {target: target !== undefined, exit: exit !== undefined}, problems);
	}
	problems.throwIfAny();
	// None of them is missing without a problem; running keyless instead must be impossible.
	if (port === undefined || keys === undefined || (!hasTarget && exit === undefined)) {
		throw new TypeError('port, target or keys are missing');
	}
	return {
		options: {...merged, configFile, port, target, exit, keys, users},
		warnings: [...fromFile.warnings, ...(merged.users?.warnings ?? []), ...warnings],
	};
}

/** The one order of precedence: defaults, then the file, the environment, the flags; later wins. */
function merge(
	file: ServerSettings,
	environment: ReturnType<typeof readEnvironment>,
	flags: ServerSettings,
): Omit<ServerOptions, 'configFile' | 'port' | 'target' | 'exit' | 'keys' | 'users'> &
	Pick<ServerSettings, 'port' | 'target' | 'exit' | 'keys' | 'users'> {
	return {
		port: flags.port ?? file.port,
		bind: flags.bind ?? file.bind ?? SERVER_DEFAULTS.bind,
		target: flags.target ?? file.target,
		exit: mergeExit(file.exit, flags.exit),
		users: flags.users ?? file.users,
		keys: flags.keys ?? environment.keys ?? file.keys,
		encrypt: environment.encrypt ?? file.encrypt ?? SERVER_DEFAULTS.encrypt,
		state: flags.state ?? file.state,
		crypto: flags.crypto ?? file.crypto,
		io: flags.io ?? file.io,
		busyPoll: flags.busyPoll ?? file.busyPoll ?? SERVER_DEFAULTS.busyPoll,
		streamMemory: flags.streamMemory ?? file.streamMemory ?? SERVER_DEFAULTS.streamMemory,
		hold: flags.hold ?? file.hold ?? SERVER_DEFAULTS.hold,
		congestionControl:
			flags.congestionControl ?? file.congestionControl ?? SERVER_DEFAULTS.congestionControl,
		stats: flags.stats ?? file.stats,
		logLevel: flags.logLevel ?? file.logLevel ?? SERVER_DEFAULTS.logLevel,
		logFormat: flags.logFormat ?? file.logFormat ?? SERVER_DEFAULTS.logFormat,
	};
}

// Users who trust each other with their traffic need no keys of their own.
function checkKeyCount(
	keys: KeyOptions | undefined,
	encrypt: boolean,
	problems: ProblemList,
): void {
	if (encrypt || keys === undefined || keys.keyless || keys.users.length === 1) return;
	const reason = `is off (MPTUNNEL_ENCRYPT=0), which allows one key only, not ${keys.users.length}`;
	problems.add('', '', `encryption ${reason}`);
}

function readServerFlags(flags: ServerFlags, cwd: string, problems: ProblemList): ServerSettings {
	const bind = flags.bind?.map((text) => readFlag('--bind', text, problems, readAddress));
	const host = readFlag('HOST', flags.host, problems, readHost);
	const port = readFlag('target PORT', flags.targetPort, problems, readPort);
	if (flags.host !== undefined && flags.targetPort === undefined) {
		problems.add(
			'',
			'',
			`the target ${quoteText(flags.host)} needs a port: mpserver PORT HOST PORT`,
		);
	}
	const shared = readSharedFlags(flags, cwd, problems);
	const path = readFlag('--users', flags.users, problems, readFilePath);
	const users =
		path === undefined ? undefined : readUsersFile(resolve(cwd, path), path, '--users', problems);
	return {
		...shared,
		keys: withUserKeys(shared.keys, users),
		users,
		port: readFlag('PORT', flags.port, problems, readPort),
		bind: bind === undefined ? undefined : withoutDuplicates(bind),
		target: host === undefined || port === undefined ? undefined : {host, port},
		exit: readExitFlags(flags, problems),
	};
}

interface ServerFile extends ServerSettings {
	readonly warnings: readonly string[];
}

const NOTHING: ServerFile = {
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
	port: undefined,
	bind: undefined,
	target: undefined,
	exit: NO_EXIT_SETTINGS,
	users: undefined,
	warnings: [],
};

function readServerFile(
	name: string | undefined,
	path: string | undefined,
	problems: ProblemList,
): ServerFile {
	if (name === undefined || path === undefined) return NOTHING;
	const file = readTextFile(path);
	if (!file.ok) {
		problems.add('', '', `configuration file ${quoteText(name)} ${file.reason}`);
		return NOTHING;
	}
	if (!isYamlName(name)) {
		const reason = "a server's configuration is YAML, in a file named .yaml, .yml or .json";
		problems.add(escapeText(name), '', reason);
		return NOTHING;
	}
	const document = parseYamlFile(name, file.text, problems);
	if (document === undefined) return NOTHING;
	const fields = new FieldReader(document.value, document.place);
	const settings = readServerFields(fields, dirname(path), problems);
	fields.finish();
	return {...settings, warnings: inlineKeyWarnings(name, settings.keys, file.othersCanRead)};
}

function readServerFields(
	fields: FieldReader,
	folder: string,
	problems: ProblemList,
): ServerSettings {
	const shared = readSharedFields(fields, folder);
	const own = {
		port: fields.text('port', readPort),
		bind: fields.read('bind', (value, place) =>
			withoutDuplicates(readOneOrMany(value, place, (item, at) => at.text(item, readAddress))),
		),
		target: fields.read('target', readTargetField),
		exit: readExitFields(fields),
	};
	const users = readUsersField(fields, folder, problems);
	return {...own, ...shared, users, keys: withUserKeys(shared.keys, users)};
}

function withoutDuplicates(addresses: readonly (string | undefined)[]): readonly string[] {
	const byMeaning = new Map<string, string>();
	for (const address of addresses) {
		if (address === undefined) continue;
		const canonical = canonicalAddress(address) ?? address;
		if (!byMeaning.has(canonical)) byMeaning.set(canonical, address);
	}
	return [...byMeaning.values()];
}
