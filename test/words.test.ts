import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';

// The English of doc comments, log lines and names, as far as a machine can read it. A value has a
// noun phrase, a boolean "True while", a method the third person; programs call, report, need and
// send: they do not hear, tell, want or speak.

const OPENING =
	/^(?:What|Whatever|Whether|How|Who|Whoever|Whom|Whose|Where|Wherever|When|Whenever|Which|Why)\b/;

/**
 * Words for people, wherever they stand: comment, text or name. `for want of` is no wish, and `Wants`
 * a word of systemd.
 */
const PERSONS =
	/\b(?:told|hears?|heard|wants?(?! of|', 'network-)|wanted|somebody|someone|nobody|whoever|whomever)\b/i;

/** Parts of the programs with verbs of people. */
const SUBJECTS =
	/\b(?:application|bridge|client|core|driver|end|endpoint|host|kernel|network|owner|path|peer|program|server|session|socket|stream|system|target|tunnel)s? (?:(?:do|does|did|must|may|can) (?:not )?)?(?:tells?|says?|said|speaks?|spoke|thinks?|thought|believes?|hopes?|listens to)\b/i;

interface Source {
	readonly path: string;
	readonly text: string;
}

function sources(folder: string): readonly Source[] {
	return readdirSync(folder).flatMap((name) => {
		const path = join(folder, name);
		if (statSync(path).isDirectory()) return sources(path);
		return /\.(?:ts|mjs)$/.test(name) ? [{path, text: readFileSync(path, 'utf8')}] : [];
	});
}

const READ = sources('src');

/** The line, from 1 on, of a place in a text. */
function lineAt(text: string, index: number): number {
	return text.slice(0, index).split('\n').length;
}

/** Every doc comment with its text on one line. */
function docComments({text}: Source): readonly {readonly index: number; readonly words: string}[] {
	return [...text.matchAll(/\/\*\*([\s\S]*?)\*\//g)].map(({index, 1: body = ''}) => {
		return {index, words: body.replaceAll(/\s*\n\s*\* ?/g, ' ').trim()};
	});
}

test('no doc comment begins with a question', (t) => {
	const found = READ.flatMap((source) =>
		docComments(source)
			.filter(({words}) => OPENING.test(words))
			.map(({index, words}) => `${source.path}:${lineAt(source.text, index)}: ${words}`),
	);
	t.deepEqual(found, []);
});

test('no part of a program is told, hears or wants', (t) => {
	const found = READ.flatMap(({path, text}) =>
		text.split('\n').flatMap((line, index) => {
			const [word] = PERSONS.exec(line) ?? SUBJECTS.exec(line) ?? [];
			return word === undefined ? [] : [`${path}:${index + 1}: ${word}`];
		}),
	);
	t.deepEqual(found, []);
});

test('the checks find what they are for', (t) => {
	t.regex('What the client sent.', OPENING);
	t.notRegex('Bytes that the client sent.', OPENING);
	for (const line of ['const told = 1;', 'it wants a login', 'Somebody else.'])
		t.regex(line, PERSONS);
	t.notRegex('for want of memory', PERSONS);
	t.regex('until the system does not tell more', SUBJECTS);
	t.regex('the servers say so', SUBJECTS);
	t.notRegex('the server reports its status', SUBJECTS);
	t.deepEqual(
		docComments({path: '', text: '/** One. */\n\t/**\n\t * Two\n\t * lines.\n\t */'}).map(
			({words}) => words,
		),
		['One.', 'Two lines.'],
	);
});
