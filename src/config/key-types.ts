import type {KeySource} from './keys.ts';
import type {Option, Type} from './option.ts';
import type {Place} from './place.ts';
import {readFilePath} from './values.ts';

/** A key itself; the text is checked later, and shown never. */
const KEY: Type<KeySource> = {
	read(value, place) {
		const {where, field} = place;
		if (typeof value !== 'string') {
			place.report('not a key: 44 characters of base64 belong here');
			return {where, field, entries: []};
		}
		place.secret('a key');
		return {where, field, entries: [{where, field, name: undefined, from: {key: value}}]};
	},
	schema: {type: 'string', pattern: '^\\s*[A-Za-z0-9+/]{43}=\\s*$'},
};

const PATH = {type: 'string', minLength: 1};

/** Files of keys. */
const KEY_FILES: Type<KeySource> = {
	read: (value, place) => ({...place.location, entries: place.oneOrMany(value, readKeyPath)}),
	schema: {anyOf: [PATH, {type: 'array', items: PATH, minItems: 1}]},
	many: true,
};

function readKeyPath(value: unknown, place: Place): KeySource['entries'][number] | undefined {
	const shown = place.text(value, readFilePath);
	if (shown === undefined) return undefined;
	const {where, field} = place;
	return {where, field, name: undefined, from: {file: place.absolute(shown), shown}};
}

/** A key, in a file or in the environment; never in a flag, which others can see. */
export const KEY_OPTION: Option<KeySource> = {
	type: KEY,
	only: 'files',
	variable: {name: 'MPTUNNEL_KEY', help: 'the key itself', type: KEY},
	help: 'the key itself',
};

/** The files with keys. */
export const KEY_FILE_OPTION: Option<KeySource> = {
	type: KEY_FILES,
	value: 'FILE',
	help: 'the file with the key',
};

/** The file with the key of one user. */
export const USER_KEY_FILE_OPTION: Option<KeySource> = {
	type: {...KEY_FILES, read: readUserKeyFile, schema: PATH},
	help: 'or a file with it',
};

function readUserKeyFile(value: unknown, place: Place): KeySource {
	const entry = readKeyPath(value, place);
	return {...place.location, entries: entry === undefined ? [] : [entry]};
}

/** All keys of one source; `undefined`: it says nothing of keys. */
export function joinKeys(...parts: readonly (KeySource | undefined)[]): KeySource | undefined {
	const given = parts.filter((part) => part !== undefined);
	const last = given.at(-1);
	if (last === undefined) return undefined;
	const {where, field} = last;
	return {where, field, entries: given.flatMap(({entries}) => entries)};
}
