import {dirname, resolve} from 'node:path';
import {escapeText, quoteText} from '../text/escape-text.ts';
import {canonicalAddress} from '../text/ip.ts';
import {ProblemList} from './errors.ts';
import {EXIT, type ExitOptions, type ExitSettings, resolveExit} from './exit.ts';
import type {HostPort} from './host-port.ts';
import {joinKeys, KEY_FILE_OPTION, KEY_OPTION} from './key-types.ts';
import {type KeyOptions, type KeySource, readKeys} from './keys.ts';
import {metricsTable} from './metrics.ts';
import {type Given, readFields, type Table, type Type} from './option.ts';
import {checkPage, pageTable} from './page.ts';
import {FieldReader} from './place.ts';
import {FACTOR} from './policy-fields.ts';
import {type ProcessContext, type Resolved, SHARED, type SharedOptions} from './settings.ts';
import {
	type FlagValue,
	type FlagValues,
	firstOf,
	merge,
	outsidePlace,
	readFlags,
	readVariables,
} from './sources.ts';
import {TARGET} from './target-field.ts';
import {readTextFile} from './text-file.ts';
import {many, text, wholeNumber} from './types.ts';
import {checkUsers, type ReadUsers, USERS, type UserOptions} from './users.ts';
import {readAddress, readHost, readPort} from './values.ts';
import {isYamlName, parseYamlFile} from './yaml-file.ts';

/** All options of mpserver, resolved and validated. */
export interface ServerOptions extends SharedOptions {
	/** Absolute path of the configuration file that was read, if any. */
	readonly configFile: string | undefined;
	/** The UDP port listened on, on every address. */
	readonly port: number;
	/** IP literals to listen on, without duplicates; empty: every address of every interface. */
	readonly bind: readonly string[];
	/** The target of classic datagrams; `host` may be a name. Undefined only for an exit. */
	readonly target: HostPort | undefined;
	/** Present: clients may choose their targets. */
	readonly exit: ExitOptions | undefined;
	/** Keyless, or one or more users. */
	readonly keys: KeyOptions;
	/** The special options of users, by name; those without an entry are as the server is. */
	readonly users: ReadonlyMap<string, UserOptions>;
	/** Largest traffic factor of policies, for users without one of their own. */
	readonly maxTraffic: number | undefined;
}

/** The options that mpserver alone has, as the sources give them. */
interface OwnSettings extends ExitSettings {
	readonly port: number | undefined;
	readonly bind: readonly string[] | undefined;
	readonly target: HostPort | undefined;
	readonly users: ReadUsers | undefined;
	readonly maxTraffic: number | undefined;
}

interface ServerSettings extends OwnSettings, SharedOptions {
	readonly key: KeySource | undefined;
	readonly keyFile: KeySource | undefined;
}

/** mpserver's flags and arguments, without defaults. */
export type ServerFlags = FlagValues<ServerSettings> & {
	readonly config?: string | undefined;
	readonly host?: string | undefined;
	readonly targetPort?: string | undefined;
};

const ADDRESSES: Type<readonly string[]> = many(text(readAddress));

const OWN: Table<OwnSettings> = {
	port: {
		type: wholeNumber(1, 65_535),
		only: 'files',
		argument: 'PORT',
		help: 'the port to listen on',
	},
	bind: {
		type: {...ADDRESSES, read: (value, place) => unique(ADDRESSES.read(value, place) ?? [])},
		value: 'ADDR',
		help: 'listen on this address',
		otherwise: 'all addresses of all interfaces',
		more: 'From when the machine has it; `0.0.0.0` and `::` are all of the family. Answers leave from the address that was asked',
		field: 'an address or a list of them',
	},
	target: {type: TARGET, only: 'files', help: '`"HOST PORT"`, or a mapping of the two below'},
	...EXIT,
	users: {
		type: USERS,
		value: 'FILE',
		help: 'a YAML file of users: keys, targets, limits, rules',
		field: 'as `--users`, or the list of users itself',
	},
	maxTraffic: {
		type: FACTOR,
		value: 'T',
		help: 'the most that policies of clients may send, times the datagrams themselves, 1 to 4',
	},
};

/** The ports of a server's page and metrics: a client on the same machine has others. */
const SERVER_PAGE = 9480;
const SERVER_METRICS = 9482;

const COMMON: Table<SharedOptions> = {
	...SHARED,
	...pageTable(SERVER_PAGE),
	...metricsTable(SERVER_METRICS),
};

const KEYS: Table<Pick<ServerSettings, 'key' | 'keyFile'>> = {
	key: KEY_OPTION,
	keyFile: {
		...KEY_FILE_OPTION,
		help: 'a key, or `name key` lines',
		field: 'a key file; a list of them on the server',
	},
};

/**
 * The descriptors of everything that mpserver reads; problems of files are listed in this order.
 */
export const SERVER_TABLE: Table<ServerSettings> = {
	...KEYS,
	...COMMON,
	state: {...SHARED.state, otherwise: 'one per port and addresses'},
	streamMemory: {
		...SHARED.streamMemory,
		more: 'Half is shared out equally and kept for each user',
	},
	...OWN,
};

// In the order in which their problems are listed, behind those of --bind and the target.
const FLAGS: Table<Omit<ServerSettings, 'bind' | 'target'>> = {
	...KEYS,
	...COMMON,
	users: OWN.users,
	maxTraffic: OWN.maxTraffic,
	port: OWN.port,
	...EXIT,
};

/**
 * Resolves mpserver's options from its flags, the environment and the configuration file that
 * `flags.config` names, if any. Throws a ConfigError with every problem of all of them.
 */
export function resolveServerOptions(
	flags: ServerFlags,
	{cwd, env}: ProcessContext,
): Resolved<ServerOptions> {
	const problems = new ProblemList();
	const fromFlags = readServerFlags(flags, cwd, problems);
	const fromEnvironment = readVariables(SERVER_TABLE, env, cwd, problems);
	const configFile = flags.config === undefined ? undefined : resolve(cwd, flags.config);
	const fromFile = readServerFile(flags.config, configFile, problems);
	const complete = problems.length === 0;
	const sources = [fromFlags, fromEnvironment, fromFile];
	const shared = merge(SHARED, sources);
	const {port, bind = [], target, users: special, maxTraffic, ...rules} = merge(OWN, sources);
	if (complete && port === undefined) {
		const reason = 'a port to listen on is needed: mpserver PORT HOST PORT; see mpserver --help';
		problems.add('', '', reason);
	}
	const source = firstOf(sources, ({key, keyFile, users}) => joinKeys(key, keyFile, users));
	const {keys, warnings} = readKeys(source, 'many', problems);
	const {encrypt} = shared;
	checkKeyCount(keys, encrypt, problems);
	const users = special?.users ?? new Map<string, UserOptions>();
	const hasTarget = target !== undefined || [...users.values()].some((user) => user.target);
	const exit =
		complete && port !== undefined
			? resolveExit(rules, {port, hasTarget, keys, encrypt}, problems)
			: undefined;
	checkPage(shared, problems);
	if (problems.length === 0) {
		checkUsers(users, keys, {target: target !== undefined, exit: exit !== undefined}, problems);
	}
	problems.throwIfAny();
	// None of them is missing without a problem; running keyless instead must be impossible.
	if (port === undefined || keys === undefined || (!hasTarget && exit === undefined)) {
		throw new TypeError('port, target or keys are missing');
	}
	return {
		options: {configFile, port, bind, target, exit, keys, users, maxTraffic, ...shared},
		warnings: [...problems.warnings, ...warnings],
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

function readServerFlags(
	flags: ServerFlags,
	cwd: string,
	problems: ProblemList,
): Given<ServerSettings> {
	const word = <T>(name: string, value: FlagValue, read: (text: string) => T) =>
		value === undefined ? undefined : outsidePlace(name, cwd, problems).text(value, read);
	const bind = readFlags<Pick<ServerSettings, 'bind'>>({bind: OWN.bind}, flags, cwd, problems);
	const host = word('HOST', flags.host, readHost);
	const port = word('target PORT', flags.targetPort, readPort);
	if (flags.host !== undefined && flags.targetPort === undefined) {
		const reason = `the target ${quoteText(flags.host)} needs a port: mpserver PORT HOST PORT`;
		problems.add('', '', reason);
	}
	const target = host === undefined || port === undefined ? undefined : {host, port};
	return {...bind, target, ...readFlags(FLAGS, flags, cwd, problems)};
}

function readServerFile(
	name: string | undefined,
	path: string | undefined,
	problems: ProblemList,
): Given<ServerSettings> {
	if (name === undefined || path === undefined) return {};
	const file = readTextFile(path);
	if (!file.ok) {
		problems.add('', '', `configuration file ${quoteText(name)} ${file.reason}`);
		return {};
	}
	if (!isYamlName(name)) {
		const reason = "a server's configuration is YAML, in a file named .yaml, .yml or .json";
		problems.add(escapeText(name), '', reason);
		return {};
	}
	const origin = {folder: dirname(path), othersCanRead: file.othersCanRead};
	const document = parseYamlFile(name, file.text, problems, origin);
	if (document === undefined) return {};
	const fields = new FieldReader(document.value, document.place);
	const given = readFields(SERVER_TABLE, fields);
	fields.finish();
	return given;
}

function unique(addresses: readonly string[]): readonly string[] {
	const byMeaning = new Map<string, string>();
	for (const address of addresses) {
		const canonical = canonicalAddress(address) ?? address;
		if (!byMeaning.has(canonical)) byMeaning.set(canonical, address);
	}
	return [...byMeaning.values()];
}
