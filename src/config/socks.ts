import {quoteText} from '../text/escape-text.ts';
import {canonicalAddress} from '../text/ip.ts';
import {ValueError} from '../text/value-error.ts';
import {attempt, type ProblemList} from './errors.ts';
import {type HostPort, isLocal, LOCALHOST} from './host-port.ts';
import type {Given, Table, Type} from './option.ts';
import type {Place} from './place.ts';
import {firstOf, merge} from './sources.ts';
import {readTextFile} from './text-file.ts';
import {
	choice,
	LISTEN,
	type Located,
	located,
	many,
	orFalse,
	SWITCH,
	text,
	wholeNumber,
} from './types.ts';
import {readAddress, readChoice, readFilePath} from './values.ts';

/** A login at the SOCKS listener. */
export interface SocksLogin {
	readonly name: string;
	/** Must not be printed. */
	readonly password: string;
}

/** Options of the SOCKS5 listener. */
export interface SocksOptions {
	readonly listen: HostPort;
	/** True when a source names it: then it is an error that it cannot be opened. */
	readonly explicit: boolean;
	/** Logins, names unique. Empty: no login is needed. */
	readonly users: readonly SocksLogin[];
	/** First byte of the answer to a login. */
	readonly authReply: 1 | 5;
	/** The hosts that may answer an association: all (`none`), or only addresses that it sent to. */
	readonly filter: 'none' | 'address';
	/**
	 * The IP address that clients are given for their datagrams. `undefined`: the one they reached.
	 */
	readonly advertise: string | undefined;
	/** The one UDP port of all associations. `undefined`: each has its own. */
	readonly udpPort: number | undefined;
	readonly udpAnyPort: boolean;
}

/** Options of the listener as the sources give them. */
export interface SocksSettings {
	readonly socks: Located<HostPort | false> | undefined;
	readonly socksUser: readonly SocksLogin[] | undefined;
	readonly socksUsers: readonly SocksLogin[] | undefined;
	readonly socksAuthReply: SocksOptions['authReply'];
	readonly socksFilter: SocksOptions['filter'];
	readonly socksAdvertise: string | undefined;
	readonly socksUdpPort: number | undefined;
	readonly socksUdpAnyPort: boolean;
	readonly socksOpen: boolean;
}

/** The place where SOCKS5 listens while no source gives one. */
const SOCKS_DEFAULT_LISTEN: HostPort = {host: LOCALHOST, port: 1080};

const AUTH_REPLIES = ['1', '5'] as const;
const FILTERS = ['none', 'address'] as const;

const USER: Type<SocksLogin> = {
	read(value, place) {
		const user = attempt(
			() => readUser(typeof value === 'string' ? value : ''),
			(error) => place.report(error.message),
		);
		if (user !== undefined) place.secret('a password');
		return user;
	},
	schema: {type: 'string', pattern: '^[^:]+:.+$'},
};

const USERS_FILE: Type<readonly SocksLogin[]> = {
	read(value, place) {
		const path = place.text(value, readFilePath);
		return path === undefined ? undefined : readUsersFile(path, place);
	},
	schema: {type: 'string', minLength: 1},
};

/** The descriptors of {@link SocksSettings}. */
export const SOCKS: Table<SocksSettings> = {
	socks: {
		type: located(orFalse(LISTEN)),
		value: '[ADDR:]PORT',
		help: 'where SOCKS5 listens',
		otherwise: '`localhost:1080` when there is a key and encryption',
		off: 'no SOCKS5',
	},
	socksUser: {
		type: many(USER),
		value: 'NAME:PASSWORD',
		help: 'ask for this login, which other users of the machine can see',
	},
	socksUsers: {
		type: USERS_FILE,
		value: 'FILE',
		help: 'ask for a login of this file of `NAME:PASSWORD` lines',
	},
	socksAuthReply: {
		type: {
			...text(readAuthReply, {type: ['string', 'integer'], enum: ['1', '5', 1, 5]}),
			choices: AUTH_REPLIES,
		},
		value: 'N',
		help: 'first byte of the answer to a login',
		default: '1',
		more: 'OpenVPN 2.7 needs `5`',
	},
	socksFilter: {
		type: choice(FILTERS),
		value: 'WHO',
		help: 'a filter for what comes back to an application',
		default: 'none',
		more: '`address`: only from hosts that it has sent to',
	},
	socksAdvertise: {
		type: text(readAdvertised),
		value: 'ADDR',
		help: 'the address given to applications for their datagrams',
		otherwise: 'the one they reached',
	},
	socksUdpPort: {
		type: wholeNumber(1, 65_535),
		value: 'PORT',
		help: 'one UDP port for all associations',
		otherwise: 'one each',
	},
	socksUdpAnyPort: {
		type: SWITCH,
		help: 'take datagrams of an application from several ports',
		default: false,
		more: 'Other programs may then send as well',
	},
	socksOpen: {
		type: SWITCH,
		help: 'let SOCKS5 listen beyond loopback without a login',
		default: false,
	},
};

/**
 * Returns the listener that all sources together name. False: it is switched off. `undefined`: no
 * source names one, and it stays closed because there is no key, or no encryption.
 */
export function resolveSocks(
	sources: readonly Given<SocksSettings>[],
	security: {readonly keyless: boolean; readonly encrypt: boolean},
	problems: ProblemList,
): SocksOptions | false | undefined {
	const merged = merge(SOCKS, sources);
	const {where, field, value: asked} = merged.socks ?? {where: '', field: '', value: undefined};
	if (asked === false) return false;
	if (asked === undefined && (security.keyless || !security.encrypt)) return undefined;
	const listen = asked ?? SOCKS_DEFAULT_LISTEN;
	const users = firstOf(sources, loginsOf) ?? [];
	const report = (reason: string) => problems.add(where, field, reason);
	if (security.keyless) report('SOCKS5 needs a key at both ends: see mptunnel keygen');
	if (!security.encrypt) report('SOCKS5 needs encryption: it cannot go with MPTUNNEL_ENCRYPT=0');
	if (!isLocal(listen) && users.length === 0 && !merged.socksOpen) {
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
		authReply: merged.socksAuthReply,
		filter: merged.socksFilter,
		advertise: merged.socksAdvertise,
		udpPort: merged.socksUdpPort,
		udpAnyPort: merged.socksUdpAnyPort,
	};
}

/**
 * Returns the logins of one source, which win as a whole over those of another. `undefined`: it has
 * none.
 */
function loginsOf({
	socksUser,
	socksUsers,
}: Given<SocksSettings>): readonly SocksLogin[] | undefined {
	if (socksUser === undefined && socksUsers === undefined) return undefined;
	return [...(socksUser ?? []), ...(socksUsers ?? [])];
}

// A problem of a login is reported without its text: half of it is a password.
function readUser(text: string): SocksLogin {
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

function readUsersFile(path: string, place: Place): readonly SocksLogin[] {
	const file = readTextFile(place.absolute(path));
	const called = `users file ${quoteText(path)}`;
	if (!file.ok) {
		place.report(`${called} ${file.reason}`);
		return [];
	}
	const users: SocksLogin[] = [];
	for (const [index, line] of file.text.split(/\r?\n/).entries()) {
		if (line.trim() === '' || line.startsWith('#')) continue;
		const user = attempt(
			() => readUser(line),
			(error) => place.report(`${called} line ${index + 1}: ${error.message}`),
		);
		if (user !== undefined) users.push(user);
	}
	if (users.length === 0) place.report(`${called}: holds no user`);
	if (file.othersCanRead) {
		place.problems.warn(`${called} can be read by other users of this machine (chmod 600)`);
	}
	return users;
}

function readAuthReply(word: string): 1 | 5 {
	return readChoice(word, AUTH_REPLIES) === '5' ? 5 : 1;
}

// The wildcard is what a client cannot send to, and a zone does not fit into a reply.
function readAdvertised(text: string): string {
	const address = readAddress(text);
	const wildcard = ['0.0.0.0', '::'].includes(canonicalAddress(address) ?? '');
	if (!wildcard && !address.includes('%')) return address;
	throw new ValueError('an IP address that clients can send to', quoteText(text));
}
