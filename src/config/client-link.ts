import {deriveKey} from '../crypto/keys.ts';
import {quoteText} from '../text/escape-text.ts';
import type {ProblemList} from './errors.ts';
import type {Given, Option, Table} from './option.ts';
import {readPathLine} from './path-line.ts';
import type {PathDraft} from './paths.ts';
import {Place} from './place.ts';
import {LINK_PLACE, type LinkPath, parseLink} from './share-link.ts';

/** A client's options from a link. */
export interface ReadLink<S> {
	readonly given: Given<S>;
	readonly paths: readonly PathDraft[];
	/** The same for links with one key, and no secret. */
	readonly identity: string;
}

/** Fields of a client that a link may hold, by the names of its options. */
const FIELDS: ReadonlyMap<string, string> = new Map([
	['policy', 'default'],
	['copies', 'copies'],
	['hold', 'hold'],
	['encrypt', 'encrypt'],
	['listen', 'listen'],
	['socks', 'socks'],
]);

/**
 * Fields that a link can only switch off: on is what they are, and a link from outside is to open
 * nothing.
 */
const OFF_ONLY: ReadonlySet<string> = new Set(['encrypt', 'listen', 'socks']);

/** Words of a path that mean something on every machine. */
export const LINK_WORDS: readonly string[] = ['name', 'rate', 'keepalive', 'metered', 'backup'];

/**
 * Reads a link into values of the fields of `table`, its key among them. What it has more is left
 * out with a warning. `undefined`: there is a problem.
 */
export function readClientLink<S>(
	text: string,
	table: Table<S>,
	problems: ProblemList,
): ReadLink<S> | undefined {
	const before = problems.length;
	const link = parseLink(text, problems);
	if (link === undefined) return undefined;
	const fields = new Map(Object.entries<Option<unknown>>(table));
	const values = new Map<string, unknown>();
	const read = (field: string, name: string, value: unknown) =>
		values.set(field, fields.get(field)?.type.read(value, linkPlace(name, problems)));
	for (const [name, value] of link.options) {
		const field = FIELDS.get(name);
		if (field === undefined) ignore('option', name, problems);
		else if (!OFF_ONLY.has(name)) read(field, name, value);
		else if (value === 'off') read(field, name, false);
		else problems.add(LINK_PLACE, name, `not off: ${quoteText(value)}`);
	}
	read('key', 'key', link.key);
	const paths = link.paths.flatMap((path, index) => readPath(path, index + 1, problems) ?? []);
	if (problems.length > before) return undefined;
	const name = Buffer.from(deriveKey(Buffer.from(link.key, 'base64'), 'mptunnel link'));
	// Each value is what the type of its own option has read.
	const given = Object.fromEntries(values) as Given<S>;
	return {given, paths, identity: `link ${name.toString('hex', 0, 8)}`};
}

function linkPlace(field: string, problems: ProblemList): Place {
	return new Place({folder: '/', locate: () => ({where: LINK_PLACE, field})}, problems);
}

function readPath(
	{host, port, words}: LinkPath,
	number: number,
	problems: ProblemList,
): PathDraft | undefined {
	const field = `path ${number}`;
	const known = words.filter((word) => {
		const name = word.split('=', 1)[0] ?? '';
		if (LINK_WORDS.includes(name)) return true;
		ignore('word', name, problems);
		return false;
	});
	const line = [host, String(port), ...known].join(' ');
	const path = readPathLine(line, (reason) => problems.add(LINK_PLACE, field, reason));
	return path === undefined ? undefined : {where: LINK_PLACE, field, ...path};
}

function ignore(what: string, name: string, problems: ProblemList): void {
	problems.warn(`the ${what} ${quoteText(name)} of the link is not known here and ignored`);
}
