import {dirname} from 'node:path';
import type {Rule} from '../exit/rules.ts';
import {quoteText} from '../text/escape-text.ts';
import type {ProblemList} from './errors.ts';
import {type RuleSettings, USER_RULES} from './exit.ts';
import type {HostPort} from './host-port.ts';
import {KEY_OPTION, USER_KEY_FILE_OPTION} from './key-types.ts';
import type {KeyOptions, KeySource} from './keys.ts';
import type {Schema, Table, Type} from './option.ts';
import {FieldReader, type Place} from './place.ts';
import {FACTOR} from './policy-fields.ts';
import {readMemory} from './quantities.ts';
import {merge} from './sources.ts';
import {TARGET} from './target-field.ts';
import {readTextFile} from './text-file.ts';
import {mapping, quantity, quoted, wholeNumber} from './types.ts';
import {readFilePath, readName} from './values.ts';
import {isYamlName, parseYamlFile} from './yaml-file.ts';

/** The options of one user of a server; `undefined`: as the server's own. */
export interface UserOptions {
	/** The target of its classic datagrams. */
	readonly target: HostPort | undefined;
	/** False: it may not choose targets, although the server is an exit. */
	readonly exit: boolean | undefined;
	/** Not empty: the user reaches nothing else, and never more than the server opens. */
	readonly allow: readonly Rule[];
	readonly deny: readonly Rule[];
	readonly limits: UserLimits;
}

/** The limits of one user; `undefined`: the default. */
export interface UserLimits {
	readonly sessions: number | undefined;
	/** Flows at once, and new flows in a second. */
	readonly flows: number | undefined;
	readonly newFlows: number | undefined;
	/** TCP connections at once, and new ones in a second, on the average of ten. */
	readonly connections: number | undefined;
	readonly newConnections: number | undefined;
	/** Bytes of its connections and waiting datagrams. */
	readonly memory: number | undefined;
	/** Largest traffic factor of its policies. */
	readonly traffic: number | undefined;
	/** Coded lanes of a session. */
	readonly lanes: number | undefined;
}

/** The users of one source, with their keys. */
export interface ReadUsers extends KeySource {
	readonly users: ReadonlyMap<string, UserOptions>;
}

/** Coded lanes of a session that there is room for. */
const LANE_LIMIT = 8;

/** More flows at once than a client has ids for are of no use. */
const MOST_FLOWS = 1_000_000;

const COUNT = wholeNumber(1, MOST_FLOWS);

const LIMITS: Table<UserLimits> = {
	sessions: {type: COUNT, help: 'clients at once', otherwise: '64'},
	flows: {type: COUNT, help: 'flows at once', otherwise: '16,384'},
	newFlows: {type: COUNT, help: 'new flows in a second', otherwise: '4,096'},
	connections: {type: COUNT, help: 'TCP connections at once', otherwise: '4,096'},
	newConnections: {
		type: COUNT,
		help: 'new TCP connections in a second, on the average of ten',
		otherwise: '128',
	},
	memory: {
		type: quantity(readMemory),
		help: 'of `streamMemory`',
		otherwise: 'all that others are not guaranteed',
	},
	traffic: {
		type: FACTOR,
		help: 'the most that a policy may send, times the datagrams themselves, 1 to 4',
		otherwise: 'as `maxTraffic`',
	},
	lanes: {
		type: wholeNumber(0, LANE_LIMIT),
		help: '`fec` policies of a client at once, 0 to 8',
		otherwise: '8',
	},
};

interface UserFields extends RuleSettings {
	readonly name: string | undefined;
	readonly key: KeySource | undefined;
	readonly keyFile: KeySource | undefined;
	readonly target: HostPort | undefined;
	readonly limits: UserLimits | undefined;
}

const FIELDS: Table<UserFields> = {
	name: {type: quoted(readName), help: 'for logs and tables'},
	key: KEY_OPTION,
	keyFile: USER_KEY_FILE_OPTION,
	target: {type: TARGET, help: 'its own fixed target, as `target`'},
	...USER_RULES,
	limits: {
		type: mapping(LIMITS, [], (given) => merge(LIMITS, [given])),
		help: 'a mapping of those below',
	},
};

interface ReadUser extends KeySource {
	readonly name: string | undefined;
	readonly options: UserOptions;
}

const USER: Type<ReadUser> = mapping(FIELDS, ['name'], (given, place, fields) => {
	if (fields.isMapping && fields.has('key') === fields.has('keyFile')) {
		place.report('needs a key or a keyFile, one of them');
	}
	const {name, key, keyFile, target, exit, allow = [], deny = []} = given;
	const limits = given.limits ?? merge(LIMITS, []);
	const entries = (key ?? keyFile)?.entries.map((entry) => ({...entry, name})) ?? [];
	return {...place.location, name, entries, options: {target, exit, allow, deny, limits}};
});

/** The schema of a list of users. */
export const USER_LIST_SCHEMA: Schema = {
	type: 'array',
	items: {...USER.schema, oneOf: [{required: ['key']}, {required: ['keyFile']}]},
	minItems: 1,
};

/** A list of users, or the path of a file with such a list, alone or as its field `users`. */
export const USERS: Type<ReadUsers> = {
	read: (value, place) =>
		typeof value === 'string' ? readUsersFile(value, place) : readUserList(value, place),
	schema: {
		anyOf: [
			{type: 'string', pattern: '\\.([yY][aA]?[mM][lL]|[jJ][sS][oO][nN])$'},
			USER_LIST_SCHEMA,
		],
	},
	fields: FIELDS,
	listed: true,
};

function readUsersFile(given: string, place: Place): ReadUsers | undefined {
	const shown = place.text(given, readFilePath);
	if (shown === undefined) return undefined;
	const nothing = {...place.location, entries: [], users: new Map<string, UserOptions>()};
	const path = place.absolute(shown);
	const file = readTextFile(path);
	if (!file.ok || !isYamlName(shown)) {
		const reason = file.ok ? 'is not named .yaml, .yml or .json' : file.reason;
		place.report(`users file ${quoteText(shown)} ${reason}`);
		return nothing;
	}
	const {othersCanRead} = file;
	const origin = {folder: dirname(path), othersCanRead};
	const document = parseYamlFile(shown, file.text, place.problems, origin);
	if (document === undefined) return nothing;
	if (Array.isArray(document.value)) return readUserList(document.value, document.place);
	const fields = new FieldReader(document.value, document.place);
	const users = fields.read('users', readUserList);
	fields.require('users');
	fields.finish();
	return users ?? nothing;
}

function readUserList(value: unknown, place: Place): ReadUsers {
	const all = place.filledList(value, USER.read);
	const users = all.flatMap(({name, options}) =>
		name === undefined ? [] : [[name, options] as const],
	);
	return {
		...place.location,
		entries: all.flatMap(({entries}) => entries),
		users: new Map(users),
	};
}

/** Reports users that have nothing to reach, or rules that mean nothing. */
export function checkUsers(
	users: ReadonlyMap<string, UserOptions>,
	keys: KeyOptions | undefined,
	server: {readonly target: boolean; readonly exit: boolean},
	problems: ProblemList,
): void {
	if (keys === undefined || keys.keyless) return;
	for (const {name} of keys.users) {
		const user = users.get(name);
		const report = (reason: string) => problems.add('', '', `user ${quoteText(name)} ${reason}`);
		const exit = server.exit && user?.exit !== false;
		if (user?.exit === true && !server.exit) {
			report('may choose targets (exit), but the server is no exit: it takes --exit');
		} else if (!exit && !server.target && user?.target === undefined) {
			report('has nothing to reach: give it a target, or the server one, or --exit');
		}
		if (!exit && user !== undefined && user.allow.length + user.deny.length > 0) {
			report('has rules (allow, deny) that mean nothing: it may not choose targets');
		}
	}
}
