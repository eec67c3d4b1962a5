import {dirname, resolve} from 'node:path';
import type {Rule} from '../exit/rules.ts';
import {quoteText} from '../text/escape-text.ts';
import type {Endpoint} from './endpoint.ts';
import type {ProblemList} from './errors.ts';
import {readRuleFields} from './exit.ts';
import type {KeyEntry, KeyOptions, KeySource} from './keys.ts';
import {FieldReader, type Place} from './place.ts';
import {readMemory} from './quantities.ts';
import {inlineKeyWarnings, readKeyPath, readKeyText} from './settings.ts';
import {readTargetField} from './target-field.ts';
import {readTextFile} from './text-file.ts';
import {readFilePath, readName, readWholeNumber} from './values.ts';
import {isYamlName, parseYamlFile} from './yaml-file.ts';

/** What is special about one user of a server; undefined = as the server's own. */
export interface UserOptions {
	/** Where its classic datagrams go. */
	readonly target: Endpoint | undefined;
	/** Whether it may choose targets; false although the server is an exit. */
	readonly exit: boolean | undefined;
	/** With any in it the user reaches nothing else, and never more than the server opens. */
	readonly allow: readonly Rule[];
	readonly deny: readonly Rule[];
	readonly limits: UserLimits;
}

/** What one user may have; undefined = the default. */
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
}

interface ReadUser extends UserOptions {
	readonly name: string;
}

/** The users that one source names. */
export interface ReadUsers {
	/** As in `Problem`. */
	readonly where: string;
	readonly field: string;
	readonly entries: readonly KeyEntry[];
	readonly users: readonly ReadUser[];
	/** Sentences for the user, escaped. */
	readonly warnings: readonly string[];
}

/** More flows at once than ids that a client has for them would help nobody. */
const MOST_FLOWS = 1_000_000;

/** Reads `users:`, a list of mappings or the path of a file with such a list. */
export function readUsersField(
	fields: FieldReader,
	folder: string,
	problems: ProblemList,
): ReadUsers | undefined {
	return fields.read('users', (value, place) => {
		if (typeof value === 'string') {
			const path = place.text(value, readFilePath);
			if (path === undefined) return undefined;
			const {where, field} = place;
			return readUsersFile(resolve(folder, path), path, field, problems, where);
		}
		return readUserList(value, place, folder);
	});
}

/** Reads a file of users, YAML: a list of them, alone or as the field `users`. */
export function readUsersFile(
	path: string,
	shown: string,
	field: string,
	problems: ProblemList,
	where = '',
): ReadUsers {
	const nothing = {where, field, entries: [], users: [], warnings: []};
	const file = readTextFile(path);
	if (!file.ok || !isYamlName(shown)) {
		const reason = file.ok ? 'is not named .yaml, .yml or .json' : file.reason;
		problems.add(where, field, `users file ${quoteText(shown)} ${reason}`);
		return nothing;
	}
	const document = parseYamlFile(shown, file.text, problems);
	if (document === undefined) return nothing;
	const {value, place} = document;
	let list: ReadUsers | undefined;
	if (Array.isArray(value)) list = readUserList(value, place, dirname(path));
	else {
		const fields = new FieldReader(value, place);
		list = fields.read('users', (items, at) => readUserList(items, at, dirname(path)));
		fields.require('users');
		fields.finish();
	}
	if (list === undefined) return nothing;
	return {...list, warnings: inlineKeyWarnings(shown, list, file.othersCanRead)};
}

function readUserList(value: unknown, place: Place, folder: string): ReadUsers {
	const {where, field} = place;
	const all = place.filledList(value, (item, at) => readUser(item, at, folder));
	const users = all.flatMap(({user}) => user ?? []);
	return {where, field, entries: all.flatMap(({entry}) => entry ?? []), users, warnings: []};
}

function readUser(
	value: unknown,
	place: Place,
	folder: string,
): {readonly entry: KeyEntry | undefined; readonly user: ReadUser | undefined} {
	const fields = new FieldReader(value, place);
	const name = fields.read('name', (text, at) => at.string(text, readName));
	const inline = fields.read('key', (text, at) => readKeyText(text, at, name));
	const file = fields.read('keyFile', (text, at) => readKeyPath(text, at, folder, name));
	const target = fields.read('target', readTargetField);
	const {exit, allow = [], deny = []} = readRuleFields(fields);
	const limits = fields.read('limits', readLimits) ?? NO_LIMITS;
	fields.require('name');
	if (fields.isMapping && fields.has('key') === fields.has('keyFile'))
		place.report('needs a key or a keyFile, one of them');
	fields.finish();
	const user = name === undefined ? undefined : {name, target, exit, allow, deny, limits};
	return {entry: inline ?? file, user};
}

const NO_LIMITS: UserLimits = {
	sessions: undefined,
	flows: undefined,
	newFlows: undefined,
	connections: undefined,
	newConnections: undefined,
	memory: undefined,
};

function readLimits(value: unknown, place: Place): UserLimits {
	const fields = new FieldReader(value, place);
	const count = (name: string) => fields.text(name, (text) => readWholeNumber(text, 1, MOST_FLOWS));
	const limits = {
		sessions: count('sessions'),
		flows: count('flows'),
		newFlows: count('newFlows'),
		connections: count('connections'),
		newConnections: count('newConnections'),
		memory: fields.text('memory', readMemory),
	};
	fields.finish();
	return limits;
}

/** The keys of one source, with those of its users behind them. */
export function withUserKeys(
	keys: KeySource | undefined,
	users: ReadUsers | undefined,
): KeySource | undefined {
	if (users === undefined) return keys;
	const {where, field, entries} = users;
	return {where, field, entries: [...(keys?.entries ?? []), ...entries]};
}

/** What is special about the users, by name. */
export function joinUsers(users: ReadUsers | undefined): ReadonlyMap<string, UserOptions> {
	return new Map(users?.users.map(({name, ...user}) => [name, user]));
}

/** Every user has to have something to reach, and rules only where they mean something. */
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
