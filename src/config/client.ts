import {dirname, resolve} from 'node:path';
import {NO_RULES, type PolicyRules} from '../policy/rules.ts';
import {escapeText, quoteText} from '../text/escape-text.ts';
import {readClassicFile} from './classic-file.ts';
import {readClientLink} from './client-link.ts';
import {ProblemList} from './errors.ts';
import {checkForwards, FORWARDS, type ForwardOptions} from './forwards.ts';
import type {HostPort} from './host-port.ts';
import type {IoName} from './io-name.ts';
import {joinKeys, KEY_FILE_OPTION, KEY_OPTION} from './key-types.ts';
import {type KeyOptions, type KeySource, readKeys} from './keys.ts';
import {readLinkFile} from './link-file.ts';
import {type Given, type Option, readFields, type Table} from './option.ts';
import {checkPage} from './page.ts';
import {PATHS} from './path-item.ts';
import {PATH_LIMIT, type PathDraft, type PathOptions, resolvePaths} from './paths.ts';
import {FieldReader, type Location} from './place.ts';
import {POLICIES, type PolicySettings, resolvePolicies} from './policies.ts';
import {type ProcessContext, type Resolved, SHARED, type SharedOptions} from './settings.ts';
import {LINK_PLACE, maskLinkKeys} from './share-link.ts';
import {resolveSocks, SOCKS, type SocksOptions, type SocksSettings} from './socks.ts';
import {type FlagValues, firstOf, merge, readFlags, readVariables} from './sources.ts';
import {readTextFile} from './text-file.ts';
import {LISTEN, type Located, orFalse, SWITCH, wholeNumber} from './types.ts';
import {isYamlName, parseYamlFile} from './yaml-file.ts';

export type {PathOptions, RateOptions} from './paths.ts';

/** All options of mpclient, resolved and validated. */
export interface ClientOptions extends SharedOptions {
	/** Absolute path of the configuration file that was read, or the identity of a link. */
	readonly configFile: string;
	/** 1 to 16 paths in the order of the file, names unique. */
	readonly paths: readonly PathOptions[];
	/**
	 * The place where the classic UDP port listens, see `readListenAddress`. `undefined`: it is not
	 * opened.
	 */
	readonly listen: HostPort | undefined;
	/**
	 * The SOCKS5 listener. False: it is switched off. `undefined`: no source names one, and it stays
	 * closed because there is no key or no encryption.
	 */
	readonly socks: SocksOptions | false | undefined;
	/** Further ports, each with a target of its own; none listens where another does. */
	readonly forwards: readonly ForwardOptions[];
	/** True: TCP applications get success before the server has reached their target. */
	readonly optimisticConnect: boolean;
	/** Number of paths that each datagram takes, 1 to 16. `undefined`: all. */
	readonly copies: number | undefined;
	/** The policies of flows. */
	readonly policies: PolicyRules;
	/** Keyless, or exactly one user. */
	readonly keys: KeyOptions;
}

interface ListenSettings {
	readonly listen: HostPort | false;
}

/** The options that mpclient alone has, as the sources give them; those of its ports apart. */
interface OwnSettings {
	readonly forward: Located<readonly ForwardOptions[]> | undefined;
	readonly forwardOpen: boolean;
	readonly optimisticConnect: boolean;
	readonly copies: number | undefined;
}

interface ClientSettings
	extends ListenSettings,
		SocksSettings,
		OwnSettings,
		PolicySettings,
		SharedOptions {
	readonly key: KeySource | undefined;
	readonly keyFile: KeySource | undefined;
}

/** mpclient's flags, without defaults; `false` stands for `--no-listen` and `--no-socks`. */
export type ClientFlags = Omit<FlagValues<ClientSettings>, 'default'> & {
	readonly config?: string | undefined;
	/** Its field is `default`. */
	readonly policy?: string | undefined;
	/** A link in place of a configuration file, and a file with one. */
	readonly link?: string | undefined;
	readonly linkFile?: string | undefined;
};

const LISTEN_OPTION: Table<ListenSettings> = {
	listen: {
		type: orFalse(LISTEN),
		value: '[ADDR:]PORT',
		help: 'where applications send to',
		default: 'localhost:3000',
		off: 'do not open that port',
		more: 'A port alone or with `localhost` is one of both `127.0.0.1` and `::1` (this is so for `--socks` and `--forward`, too)',
	},
};

const OWN: Table<OwnSettings> = {
	forward: {
		type: FORWARDS,
		value: 'PROTOCOL:LOCAL=TARGET',
		help: 'a further `udp` or `tcp` port, `[ADDR:]PORT`, that leads to `HOST:PORT`',
		more: '`,policy=NAME` behind one of `udp` is the policy of its datagrams',
	},
	forwardOpen: {
		type: SWITCH,
		help: 'let forwards listen beyond loopback',
		default: false,
		more: 'Any host that reaches the port can use them then',
	},
	optimisticConnect: {
		type: SWITCH,
		help: 'report success to TCP applications before the server has reached the target',
		default: false,
		more: 'A round trip less, and no reason when it cannot',
	},
	copies: {
		type: wholeNumber(1, PATH_LIMIT),
		value: 'N',
		help: 'send each datagram on the best N paths only, 1 to 16',
		otherwise: 'all',
	},
};

const KEYS: Table<Pick<ClientSettings, 'key' | 'keyFile'>> = {
	key: KEY_OPTION,
	keyFile: {
		...KEY_FILE_OPTION,
		repeatable: false,
		field: 'a key file; a list of them on the server',
	},
};

// The order in which the problems of a file are listed.
const FIELDS: Table<ClientSettings> = {
	...LISTEN_OPTION,
	...SOCKS,
	...OWN,
	...POLICIES,
	...KEYS,
	...SHARED,
};
const FLAGS: Table<ClientSettings> = {...KEYS, ...SHARED, ...FIELDS};
const PATHS_OPTION: Option<readonly PathDraft[]> = {
	type: PATHS,
	only: 'files',
	help: 'a list of path lines, or of mappings',
};

/** The descriptors of all options of mpclient, in the order of help and documents. */
export const CLIENT_TABLE: Table<
	ClientSettings & {readonly paths: readonly PathDraft[] | undefined}
> = {
	paths: PATHS_OPTION,
	...FIELDS,
};

/** mpclient's options that need no source. */
export const CLIENT_DEFAULTS: SharedOptions & Pick<ClientOptions, 'listen' | 'policies'> = {
	...merge(SHARED, []),
	policies: NO_RULES,
	listen: merge(LISTEN_OPTION, []).listen || undefined,
};

/**
 * Resolves mpclient's options from its flags, the environment and the configuration file that
 * `flags.config` names. Throws a ConfigError with every problem of all of them.
 */
export function resolveClientOptions(
	flags: ClientFlags,
	{cwd, env}: ProcessContext,
): Resolved<ClientOptions> {
	const hasLink = flags.link !== undefined || flags.linkFile !== undefined;
	const problems = new ProblemList(hasLink ? maskLinkKeys : undefined);
	const fromFlags = readFlags(FLAGS, flags, cwd, problems);
	const fromEnvironment = readVariables(FIELDS, env, cwd, problems);
	const {configFile, paths, ...fromFile} = readSource(flags, cwd, problems);
	const complete = problems.length === 0;
	const sources = [fromFlags, fromEnvironment, fromFile];
	const shared = merge(SHARED, sources);
	const {listen} = merge(LISTEN_OPTION, sources);
	const {forward, forwardOpen, ...own} = merge(OWN, sources);
	const source = firstOf(sources, ({key, keyFile}) => joinKeys(key, keyFile));
	const {keys, warnings} = readKeys(source, 'one', problems);
	// Keys that are missing because of a reported problem cause no further one.
	const security = {keyless: keys?.keyless ?? false, encrypt: shared.encrypt};
	const socks = resolveSocks(sources, security, problems);
	const forwards = checkForwards(forward, {...security, open: forwardOpen}, problems);
	checkInterfaces(paths, shared.io, problems);
	checkPage(shared, problems);
	const ports = {listen: listen || undefined, socks, forwards};
	const policies = resolvePolicies(
		merge(POLICIES, sources),
		{...ports, forward: forward ?? NOWHERE, paths: paths.map(({name}) => name), complete},
		problems,
	);
	problems.throwIfAny();
	// readKeys gives no keys only with a problem; running keyless instead must be impossible.
	if (keys === undefined) throw new TypeError('keys are missing');
	return {
		options: {configFile, paths, ...ports, ...own, policies, ...shared, keys},
		warnings: [...problems.warnings, ...warnings],
	};
}

const NOWHERE: Location = {where: '', field: ''};

// The back end is chosen when the program runs, but `dgram` can do neither.
function checkInterfaces(
	paths: readonly PathOptions[],
	io: IoName | undefined,
	problems: ProblemList,
): void {
	for (const {name, device, mark} of io === 'dgram' ? paths : []) {
		if (mark !== undefined) problems.add(mark.place, '', `mark=${mark.value} ${MARK_NEEDS}`);
		if (device === undefined) continue;
		const reason = `bind ${quoteText(device)} of path ${quoteText(name)}: ${NEEDS_BATCH}`;
		problems.add('', '', reason);
	}
}

/** The reason why the mark of a path cannot be, where there can be none. */
export const MARK_NEEDS = 'needs --io batch and the capability CAP_NET_ADMIN';

/** The reason why a path cannot be bound to an interface, where that cannot be. */
export const NEEDS_BATCH = 'the name of a network interface needs --io batch, others an IP address';

interface ClientFile extends Given<ClientSettings> {
	readonly configFile: string;
	readonly paths: readonly PathOptions[];
}

function readSource(
	{config, link, linkFile}: ClientFlags,
	cwd: string,
	problems: ProblemList,
): ClientFile {
	if ([config, link, linkFile].filter((source) => source !== undefined).length > 1) {
		problems.add('', '', 'a configuration file, a link and a link file exclude each other');
	}
	if (linkFile !== undefined) return readLink(readLinkFile(linkFile, cwd, problems), problems);
	if (link !== undefined) return readLink(link, problems);
	return readClientFile(config, resolve(cwd, config ?? ''), problems);
}

function readLink(text: string | undefined, problems: ProblemList): ClientFile {
	const link = text === undefined ? undefined : readClientLink(text, FIELDS, problems);
	if (link === undefined) return {configFile: '', paths: []};
	const {given, paths, identity} = link;
	return {...given, configFile: identity, paths: resolvePaths(paths, LINK_PLACE, problems)};
}

function readClientFile(name: string | undefined, path: string, problems: ProblemList): ClientFile {
	return {configFile: path, ...readFile(name, path, problems)};
}

function readFile(
	name: string | undefined,
	path: string,
	problems: ProblemList,
): Omit<ClientFile, 'configFile'> {
	if (name === undefined || name === '') {
		problems.add('', '', 'a configuration file is needed: mpclient FILE; see mpclient --help');
		return {paths: []};
	}
	const file = readTextFile(path);
	if (!file.ok) {
		problems.add('', '', `configuration file ${quoteText(name)} ${file.reason}`);
		return {paths: []};
	}
	const before = problems.length;
	if (!isYamlName(name)) {
		const drafts = readClassicFile(name, file.text, problems);
		return {paths: checkPaths(name, drafts, problems.length === before, problems)};
	}
	const origin = {folder: dirname(path), othersCanRead: file.othersCanRead};
	const document = parseYamlFile(name, file.text, problems, origin);
	if (document === undefined) return {paths: []};
	const fields = new FieldReader(document.value, document.place);
	const drafts = fields.read('paths', PATHS.read) ?? [];
	const complete = problems.length === before;
	const given = readFields(FIELDS, fields);
	fields.finish();
	return {...given, paths: checkPaths(name, drafts, complete, problems)};
}

// "No paths" is reported only where no other problem explains it.
function checkPaths(
	name: string,
	drafts: readonly PathDraft[],
	complete: boolean,
	problems: ProblemList,
): readonly PathOptions[] {
	const where = escapeText(name);
	if (drafts.length === 0 && complete) problems.add(where, '', 'no paths: at least one is needed');
	return resolvePaths(drafts, where, problems);
}
