import {formatAddress} from '../text/ip.ts';
import {attempt, type ProblemList} from './errors.ts';
import {readHostAndPort} from './forwards.ts';
import type {HostPort} from './host-port.ts';

// The grammar of links; README.md of this folder has it for readers and is normative.

/** Beginning of every link. */
export const LINK_SCHEME = 'mptunnel:';

/** Place of problems of a link, which is never shown itself. */
export const LINK_PLACE = 'link';

/** The most characters of a link. */
const LINK_LIMIT = 4096;

/** One path of a link. */
export interface LinkPath extends HostPort {
	/** Words of a path line behind host and port, `name=lte` or `metered`. */
	readonly words: readonly string[];
}

/** The parts of a link, decoded. */
export interface ShareLink {
	/** 32 bytes in base64, as in a key file; must not be printed. */
	readonly key: string;
	readonly paths: readonly LinkPath[];
	/** Values by the names of options. */
	readonly options: ReadonlyMap<string, string>;
}

/** True for text that is meant as a link, whether it is a good one or not. */
export function isLink(text: string): boolean {
	return text.trimStart().slice(0, LINK_SCHEME.length).toLowerCase() === LINK_SCHEME;
}

/** Takes what may hold the key of a misspelt link out of a text. */
export function maskLinkKeys(text: string): string {
	return text.replaceAll(/[A-Za-z0-9_-]{40,}/g, '(key)');
}

/** The text of a link: a secret, of ASCII without spaces and quotes. */
export function formatLink({key, paths, options}: ShareLink): string {
	const secret = key.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
	const places = paths.map(({host, port, words}) =>
		[formatAddress(host, port), ...words.map(encodePair)].join(';'),
	);
	const pairs = [...options].map(([name, value]) => encodePair(`${name}=${value}`));
	const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
	return `${LINK_SCHEME}//${secret}@${places.join(',')}${query}`;
}

/**
 * The parts of a link. Never throws; problems name the part and show neither the key nor anything
 * that may be one. `undefined`: there is a problem.
 */
export function parseLink(text: string, problems: ProblemList): ShareLink | undefined {
	const before = problems.length;
	const report = (field: string, reason: string) => problems.add(LINK_PLACE, field, reason);
	const trimmed = text.trim();
	if (trimmed.length > LINK_LIMIT) {
		report('', `is longer than ${LINK_LIMIT} characters`);
		return undefined;
	}
	const [, rest] = /^mptunnel:\/\/([^#]*)(?:#.*)?$/is.exec(trimmed) ?? [];
	if (rest === undefined) {
		report('', 'does not begin with mptunnel://');
		return undefined;
	}
	const bad = /[^!-~]/.exec(rest);
	if (bad !== null) {
		report('', 'has a space or another character that must be written as %XX');
		return undefined;
	}
	const [, place = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(rest) ?? [];
	const at = place.lastIndexOf('@');
	if (at === -1) {
		report('key', 'is missing: mptunnel://KEY@HOST:PORT');
		return undefined;
	}
	const key = readKey(place.slice(0, at), (reason) => report('key', reason));
	const paths = place
		.slice(at + 1)
		.replace(/\/$/, '')
		.split(',')
		.map((path, index) => readPath(path, (reason) => report(`path ${index + 1}`, reason)));
	const options = readOptions(query ?? '', report);
	if (problems.length > before || key === undefined) return undefined;
	return {key, paths: paths.filter((path) => path !== undefined), options};
}

type Report = (reason: string) => void;

/** The key in the form of key files, which says whether it is one. */
function readKey(text: string, report: Report): string | undefined {
	if (/^[A-Za-z0-9_-]{43}$/.test(text)) {
		return `${text.replaceAll('-', '+').replaceAll('_', '/')}=`;
	}
	const wrong = text.search(/[^A-Za-z0-9_-]/);
	const found =
		wrong === -1 ? `this has ${text.length}` : `this is wrong at character ${wrong + 1}`;
	report(`is 43 characters of base64url before the @, ${found}`);
	return undefined;
}

function readPath(text: string, report: Report): LinkPath | undefined {
	const [place = '', ...words] = text.split(';');
	const address = attempt(
		() => readHostAndPort(place),
		({message}) => report(message),
	);
	const decoded = words.map((word) => decode(word, report));
	if (address === undefined || decoded.includes(undefined)) return undefined;
	const plain = decoded.filter((word) => word !== undefined);
	if (plain.every((word) => word !== '' && !/\s/.test(word))) return {...address, words: plain};
	report('has a word that is empty or has a space in it');
	return undefined;
}

function readOptions(
	query: string,
	report: (field: string, reason: string) => void,
): ReadonlyMap<string, string> {
	const options = new Map<string, string>();
	const parts = query === '' ? [] : query.split('&');
	for (const [index, part] of parts.entries()) {
		const place = `option ${index + 1}`;
		const pair = decode(part, (reason) => report(place, reason));
		if (pair === undefined) continue;
		const [, name, value = ''] = /^([a-z][A-Za-z0-9]*)=(.*)$/s.exec(pair) ?? [];
		if (name === undefined) report(place, 'is not NAME=VALUE');
		else if (options.has(name)) report(name, 'is given twice');
		else options.set(name, value);
	}
	return options;
}

function decode(text: string, report: Report): string | undefined {
	try {
		return decodeURIComponent(text);
	} catch {
		report('has a % that is not that of UTF-8 in %XX');
		return undefined;
	}
}

/** A word or an option with all but letters, digits and `-._~` encoded, and its first `=`. */
function encodePair(text: string): string {
	const at = text.indexOf('=');
	if (at === -1) return encode(text);
	return `${encode(text.slice(0, at))}=${encode(text.slice(at + 1))}`;
}

function encode(text: string): string {
	return encodeURIComponent(text).replaceAll(
		/[!'()*]/g,
		(character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
	);
}
