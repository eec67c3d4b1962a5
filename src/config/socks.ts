import {resolve} from 'node:path';
import {quoteText} from '../text/escape-text.ts';
import {canonicalAddress} from '../text/ip.ts';
import {ValueError} from '../text/value-error.ts';
import {type Endpoint, isLocal, LOCALHOST} from './endpoint.ts';
import {attempt, type ProblemList} from './errors.ts';
import type {FieldReader, Place} from './place.ts';
import {readFlag, readOneOrMany} from './settings.ts';
import {readTextFile} from './text-file.ts';
import {readAddress, readChoice, readFilePath, readListenAddress, readPort} from './values.ts';

/** Somebody who may use the SOCKS listener. */
export interface SocksUser {
	readonly name: string;
	/** Must not be printed. */
	readonly password: string;
}

/** How the SOCKS5 listener is opened. */
export interface SocksOptions {
	readonly listen: Endpoint;
	/** Whether somebody asked for it: then it is an error when it cannot be opened. */
	readonly explicit: boolean;
	/** Names are unique; nobody = everybody may use it. */
	readonly users: readonly SocksUser[];
	/** First byte of the answer to a login. */
	readonly authReply: 1 | 5;
	/** Who may answer an association: everybody, or only addresses that it sent to. */
	readonly filter: 'none' | 'address';
	/** The IP address that clients are told to send datagrams to; undefined = the one they reached. */
	readonly advertise: string | undefined;
	/** The one UDP port of all associations; undefined = each has its own. */
	readonly udpPort: number | undefined;
	readonly udpAnyPort: boolean;
}

/** The flags about SOCKS5, as text. */
export interface SocksFlags {
	readonly socks?: string | false | undefined;
	readonly socksUser?: readonly string[] | undefined;
	readonly socksUsers?: string | undefined;
	readonly socksAuthReply?: string | undefined;
	readonly socksFilter?: string | undefined;
	readonly socksAdvertise?: string | undefined;
	readonly socksUdpPort?: string | undefined;
	readonly socksUdpAnyPort?: boolean | undefined;
	readonly socksOpen?: boolean | undefined;
}

/** What one source says of SOCKS5; undefined = it says nothing. */
export interface SocksSettings {
	readonly listen: Endpoint | false | undefined;
	/** The field or flag of `listen`, for messages. */
	readonly place: {readonly where: string; readonly field: string};
	readonly users: readonly SocksUser[] | undefined;
	readonly authReply: 1 | 5 | undefined;
	readonly filter: SocksOptions['filter'] | undefined;
	readonly advertise: string | undefined;
	readonly udpPort: number | undefined;
	readonly udpAnyPort: boolean | undefined;
	readonly open: boolean | undefined;
	/** Sentences for the user, escaped. */
	readonly warnings: readonly string[];
}

/** Where SOCKS5 listens when nothing is said. */
export const SOCKS_DEFAULT_LISTEN: Endpoint = {host: LOCALHOST, port: 1080};

/** A source that says nothing. */
export const NO_SOCKS_SETTINGS: SocksSettings = {
	listen: undefined,
	place: {where: '', field: ''},
	users: undefined,
	authReply: undefined,
	filter: undefined,
	advertise: undefined,
	udpPort: undefined,
	udpAnyPort: undefined,
	open: undefined,
	warnings: [],
};

/** Reads the flags about SOCKS5. */
export function readSocksFlags(
	flags: SocksFlags,
	cwd: string,
	problems: ProblemList,
): SocksSettings {
	const read = <T>(flag: string, text: string | undefined, reader: (text: string) => T) =>
		readFlag(flag, text, problems, reader);
	const {socks} = flags;
	const listen = socks === false ? socks : read('--socks', socks, readListenAddress);
	const words = flags.socksUser?.map((text) => read('--socks-user', text, readUser));
	const report = (reason: string) => problems.add('', '--socks-users', reason);
	const path = read('--socks-users', flags.socksUsers, readFilePath);
	const file = path === undefined ? undefined : readUsersFile(resolve(cwd, path), path, report);
	const users = [...(words ?? []), ...(file?.users ?? [])].filter((user) => user !== undefined);
	return {
		listen,
		place: {where: '', field: '--socks'},
		users: words === undefined && file === undefined ? undefined : users,
		authReply: read('--socks-auth-reply', flags.socksAuthReply, readAuthReply),
		filter: read('--socks-filter', flags.socksFilter, readFilter),
		advertise: read('--socks-advertise', flags.socksAdvertise, readAdvertised),
		udpPort: read('--socks-udp-port', flags.socksUdpPort, readPort),
		udpAnyPort: flags.socksUdpAnyPort,
		open: flags.socksOpen,
		warnings: file?.warnings ?? [],
	};
}

/** Reads the fields about SOCKS5 from the file `name` in `folder`. */
export function readSocksFields(
	fields: FieldReader,
	folder: string,
	name: string,
	othersCanRead: boolean,
): SocksSettings {
	let place = {where: '', field: ''};
	const listen = fields.read('socks', (value, at) => {
		place = {where: at.where, field: at.field};
		return value === false ? value : at.text(value, readListenAddress);
	});
	const words = fields.read('socksUser', (value, at) => readOneOrMany(value, at, readUserItem));
	const file = fields.read('socksUsers', (value, at) => {
		const path = at.text(value, readFilePath);
		if (path === undefined) return undefined;
		return readUsersFile(resolve(folder, path), path, (reason) => at.report(reason));
	});
	const exposed = othersCanRead && words !== undefined && words.length > 0;
	return {
		listen,
		place,
		users:
			words === undefined && file === undefined
				? undefined
				: [...(words ?? []), ...(file?.users ?? [])],
		authReply: fields.text('socksAuthReply', readAuthReply),
		filter: fields.text('socksFilter', readFilter),
		advertise: fields.text('socksAdvertise', readAdvertised),
		udpPort: fields.text('socksUdpPort', readPort),
		udpAnyPort: fields.boolean('socksUdpAnyPort'),
		open: fields.boolean('socksOpen'),
		warnings: [
			...(exposed
				? [
						`${quoteText(name)} holds a password and can be read by other users of this ` +
							'machine (chmod 600)',
					]
				: []),
			...(file?.warnings ?? []),
		],
	};
}

/**
 * The listener that flags and file together ask for. False = it is not wanted; undefined = nothing
 * was said and there is no key, or no encryption, so that it stays shut.
 */
export function resolveSocks(
	file: SocksSettings,
	flags: SocksSettings,
	security: {readonly keyless: boolean; readonly encrypt: boolean},
	problems: ProblemList,
): SocksOptions | false | undefined {
	const source = flags.listen === undefined ? file : flags;
	const {listen: asked, place} = source;
	if (asked === false) return false;
	if (asked === undefined && (security.keyless || !security.encrypt)) return undefined;
	const listen = asked ?? SOCKS_DEFAULT_LISTEN;
	const users = flags.users ?? file.users ?? [];
	const report = (reason: string) => problems.add(place.where, place.field, reason);
	if (security.keyless) report('SOCKS5 needs a key at both ends: see mptunnel keygen');
	if (!security.encrypt) report('SOCKS5 needs encryption: it cannot go with MPTUNNEL_ENCRYPT=0');
	if (!isLocal(listen) && users.length === 0 && (flags.open ?? file.open) !== true) {
		report(
			'anybody who can reach this address could use it: ' +
				'give it users (--socks-users FILE), or say --socks-open',
		);
	}
	const names = users.map(({name}) => name);
	const twice = names.find((name, index) => names.indexOf(name) !== index);
	if (twice !== undefined) problems.add('', '', `two SOCKS users are called ${quoteText(twice)}`);
	return {
		listen,
		explicit: asked !== undefined,
		users,
		authReply: flags.authReply ?? file.authReply ?? 1,
		filter: flags.filter ?? file.filter ?? 'none',
		advertise: flags.advertise ?? file.advertise,
		udpPort: flags.udpPort ?? file.udpPort,
		udpAnyPort: flags.udpAnyPort ?? file.udpAnyPort ?? false,
	};
}

// What is wrong with a user is said without the text: half of it is a password.
function readUser(text: string): SocksUser {
	const colon = text.indexOf(':');
	const name = text.slice(0, Math.max(colon, 0));
	const password = text.slice(colon + 1);
	if (isCredential(name) && isCredential(password)) return {name, password};
	throw new ValueError('NAME:PASSWORD (each 1 to 255 bytes of UTF-8)', '');
}

function isCredential(text: string): boolean {
	const {length} = new TextEncoder().encode(text);
	// U+FFFD stands for bytes that were no UTF-8: the password would be another one.
	return length > 0 && length <= 255 && !/[\p{Cc}\ufffd]/u.test(text);
}

function readUserItem(value: unknown, place: Place): SocksUser | undefined {
	return attempt(
		() => readUser(typeof value === 'string' ? value : ''),
		(error) => place.report(error.message),
	);
}

function readUsersFile(
	path: string,
	shown: string,
	report: (reason: string) => void,
): {readonly users: readonly SocksUser[]; readonly warnings: readonly string[]} {
	const file = readTextFile(path);
	const called = `users file ${quoteText(shown)}`;
	if (!file.ok) {
		report(`${called} ${file.reason}`);
		return {users: [], warnings: []};
	}
	const users: SocksUser[] = [];
	for (const [index, line] of file.text.split(/\r?\n/).entries()) {
		if (line.trim() === '' || line.startsWith('#')) continue;
		const user = attempt(
			() => readUser(line),
			(error) => report(`${called} line ${index + 1}: ${error.message}`),
		);
		if (user !== undefined) users.push(user);
	}
	if (users.length === 0) report(`${called}: holds no user`);
	const open = `${called} can be read by other users of this machine (chmod 600)`;
	return {users, warnings: file.othersCanRead ? [open] : []};
}

function readAuthReply(text: string): 1 | 5 {
	return readChoice(text, ['1', '5']) === '5' ? 5 : 1;
}

function readFilter(text: string): SocksOptions['filter'] {
	return readChoice(text, ['none', 'address']);
}

// The wildcard is what a client cannot send to, and a zone does not fit into a reply.
function readAdvertised(text: string): string {
	const address = readAddress(text);
	const wildcard = ['0.0.0.0', '::'].includes(canonicalAddress(address) ?? '');
	if (!wildcard && !address.includes('%')) return address;
	throw new ValueError('an IP address that clients can send to', quoteText(text));
}
