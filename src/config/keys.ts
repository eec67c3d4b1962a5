import {isDeepStrictEqual} from 'node:util';
import {parseKey} from '../crypto/keys.ts';
import {escapeText, quoteText} from '../text/escape-text.ts';
import {attempt, type ProblemList} from './errors.ts';
import {readTextFile} from './text-file.ts';
import {readName} from './values.ts';

/** One user's pre-shared key. */
export interface UserKey {
	/** Unique among the users of one program; for logs and counters, never sent. */
	readonly name: string;
	/** 32 bytes, never all zero; must not be printed. */
	readonly psk: Uint8Array;
}

/**
 * The keys of one program. Keyless exists only when nothing about keys was configured anywhere;
 * otherwise there is at least one user, and exactly one on a client.
 */
export type KeyOptions =
	| {readonly keyless: true}
	| {readonly keyless: false; readonly users: readonly [UserKey, ...UserKey[]]};

/** One place that should hold keys, not read yet. */
export interface KeyEntry {
	/** As in `Problem`. */
	readonly where: string;
	/** As in `Problem`: `--key-file`, `MPTUNNEL_KEY`, `users[0].key`. */
	readonly field: string;
	/** The user's name where the place gives one; then exactly one key belongs there. */
	readonly name: string | undefined;
	/** A key itself, or a file of keys: its absolute path and the path as the user wrote it. */
	readonly from: {readonly key: string} | {readonly file: string; readonly shown: string};
}

/** All that one source (flags, environment or file) says about keys. */
export interface KeySource {
	readonly where: string;
	readonly field: string;
	/** Empty when the source has an empty list of keys, which is an error and never keyless. */
	readonly entries: readonly KeyEntry[];
}

/** Result of {@link readKeys}. */
export interface ReadKeys {
	/** Undefined when a problem was added. */
	readonly keys: KeyOptions | undefined;
	/** Sentences for the user, escaped. */
	readonly warnings: readonly string[];
}

interface FoundKey extends UserKey {
	/** The place for a message: `--key-file a.key:3`. */
	readonly place: string;
	/** True when the name was made up here and may be made up again. */
	readonly unnamed: boolean;
}

/**
 * Reads the keys of the one source that won; undefined (nothing was configured) is keyless, and
 * nothing else is. No message holds a key, nor a part of one, nor text of a key file.
 */
export function readKeys(
	source: KeySource | undefined,
	most: 'one' | 'many',
	problems: ProblemList,
): ReadKeys {
	if (source === undefined) return {keys: {keyless: true}, warnings: []};
	const before = problems.length;
	const warnings: string[] = [];
	const found = source.entries.flatMap((entry) => readEntry(entry, problems, warnings));
	if (problems.length > before) return {keys: undefined, warnings};
	checkEqual(found, source, problems);
	const [first, ...others] = nameAll(found);
	// Where nothing was found, why is known already, unless the source itself was empty.
	if (problems.length === 0 && first === undefined) {
		problems.add(source.where, source.field, 'holds no key');
	}
	if (most === 'one' && others.length > 0) {
		const places = found.map((key) => key.place).join(', ');
		const reason = `a client has one key, this is ${found.length}: ${places}`;
		problems.add(source.where, source.field, reason);
	}
	if (first === undefined || problems.length > before) return {keys: undefined, warnings};
	return {keys: {keyless: false, users: [first, ...others]}, warnings};
}

function readEntry(entry: KeyEntry, problems: ProblemList, warnings: string[]): FoundKey[] {
	const {from, where, field} = entry;
	const at = [where, field].filter((part) => part !== '').join(': ');
	if ('key' in from) {
		const key = readKey(from.key.trim(), (reason) => problems.add(where, field, reason));
		if (key === undefined) return [];
		return [
			{name: entry.name ?? 'default', psk: key, place: at, unnamed: entry.name === undefined},
		];
	}
	const file = readTextFile(from.file);
	const shown = quoteText(from.shown);
	if (!file.ok) {
		problems.add(where, field, `key file ${shown} ${file.reason}`);
		return [];
	}
	if (file.othersCanRead) {
		warnings.push(`key file ${shown} can be read by other users of this machine (chmod 600)`);
	}
	const report = (line: number | undefined, reason: string) => {
		const position = line === undefined ? '' : `, line ${line}`;
		problems.add(where, field, `key file ${shown}${position}: ${reason}`);
	};
	const keys = readKeyLines(file.text, report).map(({line, name, psk}) => ({
		name: entry.name ?? name ?? fileTitle(from.shown),
		psk,
		place: `${at === '' ? '' : `${at} `}${escapeText(from.shown)}:${line}`,
		unnamed: entry.name === undefined && name === undefined,
	}));
	if (entry.name !== undefined && keys.length > 1) {
		report(undefined, `holds ${keys.length} keys, one user has one`);
	}
	return keys;
}

interface KeyLine {
	readonly line: number;
	readonly name: string | undefined;
	readonly psk: Uint8Array;
}

function readKeyLines(
	text: string,
	report: (line: number | undefined, reason: string) => void,
): readonly KeyLine[] {
	const keys: KeyLine[] = [];
	let words = 0;
	for (const [index, content] of text
		.replace(/^\ufeff/, '')
		.split(/\r\n|\n|\r/)
		.entries()) {
		const line = index + 1;
		const parts = content
			.replace(/#.*$/s, '')
			.split(/\s+/)
			.filter((part) => part !== '');
		if (parts.length === 0) continue;
		words++;
		const keyText = parts.at(-1) ?? '';
		const name = parts.length > 1 ? parts[0] : undefined;
		if (parts.length > 2) report(line, 'more than a name and a key');
		// A key in the place of the name is not shown, nor is any other bad name: it may be a piece.
		else if (name !== undefined && !isKeyName(name)) report(line, 'not a name before the key');
		else {
			const psk = readKey(keyText, (reason) => report(line, reason));
			if (psk !== undefined) keys.push({line, name, psk});
		}
	}
	if (words === 0) report(undefined, 'holds no key');
	if (keys.length > 1 && keys.some((key) => key.name === undefined)) {
		report(undefined, 'several keys need a name each: "name key" on a line');
	}
	return keys;
}

function isKeyName(text: string): boolean {
	return (
		!parseKey(text).ok &&
		attempt(
			() => readName(text),
			() => undefined,
		) !== undefined
	);
}

function readKey(text: string, report: (reason: string) => void): Uint8Array | undefined {
	if (text === '') {
		report('is empty (leave it out altogether to run without a key)');
		return undefined;
	}
	const parsed = parseKey(text);
	if (parsed.ok) return parsed.key;
	report(parsed.reason);
	return undefined;
}

function checkEqual(found: readonly FoundKey[], source: KeySource, problems: ProblemList): void {
	for (const [index, key] of found.entries()) {
		const earlier = found.slice(0, index);
		const equal = earlier.find((other) => isDeepStrictEqual(other.psk, key.psk));
		if (equal !== undefined) {
			const reason = `equal keys: ${describe(equal)} and ${describe(key)}`;
			problems.add(source.where, source.field, reason);
		}
		const sameName = earlier.find((other) => other.name === key.name);
		if (sameName !== undefined && !sameName.unnamed && !key.unnamed) {
			const reason = `name ${quoteText(key.name)} is given twice: ${sameName.place} and ${key.place}`;
			problems.add(source.where, source.field, reason);
		}
	}
}

function describe(key: FoundKey): string {
	return `${quoteText(key.name)} (${key.place})`;
}

/** Gives made-up names a number where they would clash. */
function nameAll(found: readonly FoundKey[]): readonly UserKey[] {
	const names = new Set(found.filter((key) => !key.unnamed).map((key) => key.name));
	return found.map(({name, psk, unnamed}) => {
		let unique = name;
		for (let count = 2; unnamed && names.has(unique); count++) unique = `${name}-${count}`;
		names.add(unique);
		return {name: unique, psk};
	});
}

// `/etc/mptunnel/alice.key` is alice's; a file name that is no good name gives a neutral one.
function fileTitle(path: string): string {
	const base = path.split(/[/\\]/).at(-1) ?? '';
	const title = base.replace(/\.[a-z0-9]{1,8}$/i, '');
	return isKeyName(title) ? title : 'default';
}
