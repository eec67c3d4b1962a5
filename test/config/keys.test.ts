import {chmodSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {ConfigError, ProblemList} from '../../src/config/errors.ts';
import {type KeyEntry, type KeyOptions, readKeys} from '../../src/config/keys.ts';
import {formatKey} from '../../src/crypto/keys.ts';
import {folderOf, KEYS} from './surroundings.ts';

const [KEY, OTHER, THIRD] = KEYS;
const ZERO = `${'A'.repeat(43)}=`;

interface Outcome {
	readonly keys: KeyOptions | undefined;
	readonly users: readonly string[];
	readonly warnings: readonly string[];
	readonly problems: readonly string[];
}

function outcome(entries: readonly KeyEntry[] | undefined, most: 'one' | 'many'): Outcome {
	const problems = new ProblemList();
	const source = entries === undefined ? undefined : {where: '', field: '--key-file', entries};
	const {keys, warnings} = readKeys(source, most, problems);
	const users = keys === undefined || keys.keyless ? [] : keys.users;
	const shown = users.map(({name, psk}) => `${name} ${formatKey(psk)}`);
	try {
		problems.throwIfAny();
		return {keys, users: shown, warnings, problems: []};
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return {keys, users: shown, warnings, problems: error.message.split('\n')};
	}
}

function files(
	t: ExecutionContext,
	contents: Readonly<Record<string, string>>,
	most: 'one' | 'many' = 'many',
): Outcome {
	const folder = folderOf(t, contents);
	const entries = Object.keys(contents).map((shown) => ({
		where: '',
		field: '--key-file',
		name: undefined,
		from: {file: join(folder, shown), shown},
	}));
	return outcome(entries, most);
}

test('nothing configured, and only that, is keyless', (t) => {
	t.deepEqual(outcome(undefined, 'one').keys, {keyless: true});
	const empty = outcome([], 'many');
	t.is(empty.keys, undefined);
	t.deepEqual(empty.problems, ['--key-file: holds no key']);
});

const reads = test.macro({
	exec(t, text: string, ...users: readonly string[]) {
		const result = files(t, {'tunnel.key': text});
		t.deepEqual(result.problems, []);
		t.deepEqual(result.warnings, []);
		t.deepEqual(result.users, users);
	},
	title: (name) => `reads ${name}`,
});

test('a key as wg genkey writes it', reads, `${KEY}\n`, `tunnel ${KEY}`);
test('a key without a line feed', reads, KEY, `tunnel ${KEY}`);
test('a key among comments', reads, `# a\n\n ${KEY} # b\r\n`, `tunnel ${KEY}`);
test('a key behind a byte order mark', reads, `\ufeff${KEY}`, `tunnel ${KEY}`);
test('a named key', reads, `alice ${KEY}`, `alice ${KEY}`);
test(
	'several named keys',
	reads,
	`alice ${KEY}\nbob\t${OTHER}\r\n`,
	`alice ${KEY}`,
	`bob ${OTHER}`,
);

const refuses = test.macro({
	exec(t, text: string, ...reasons: readonly string[]) {
		const result = files(t, {'a.key': text});
		t.is(result.keys, undefined);
		t.deepEqual(
			result.problems,
			reasons.map((reason) => `--key-file: key file "a.key"${reason}`),
		);
	},
	title: (name) => `refuses ${name}`,
});

const LENGTH = ': a key is 44 characters of base64, this has';
test('an empty file', refuses, '', ': holds no key');
test('a file of comments', refuses, '# none\n\n', ': holds no key');
test('a short key', refuses, KEY.slice(1), `, line 1${LENGTH} 43`);
test('a key of zeros', refuses, ZERO, ', line 1: a key of zeros is no secret');
test(
	'every bad line',
	refuses,
	`a x\n\nb c d\n${KEY} ${OTHER}`,
	...[
		`, line 1${LENGTH} 1`,
		', line 3: more than a name and a key',
		', line 4: not a name before the key',
	],
);
test(
	'several keys without names',
	refuses,
	`${KEY}\n${OTHER}\n`,
	...[': several keys need a name each: "name key" on a line'],
);
test(
	'a key behind its name in the wrong order',
	refuses,
	`${KEY} alice`,
	...[', line 1: not a name before the key'],
);

test('a file that is not there, a folder, and a huge one are named with the reason', (t) => {
	const folder = folderOf(t, {big: '#'.repeat(2 ** 20 + 1)});
	const entry = (shown: string) => ({
		where: 'f:3',
		field: 'keyFile',
		name: undefined,
		from: {file: join(folder, shown), shown},
	});
	t.deepEqual(outcome([entry('none'), entry('.'), entry('big')], 'many').problems, [
		'f:3: keyFile: key file "none" cannot be read: no such file or folder',
		'f:3: keyFile: key file "." cannot be read: it is a folder',
		'f:3: keyFile: key file "big" is larger than 1 MiB',
	]);
});

test('a key where the name of its file belongs is not shown', (t) => {
	const entry = {
		where: '',
		field: '--key-file',
		name: undefined,
		from: {file: `/${KEY}`, shown: KEY},
	};
	t.regex(outcome([entry], 'one').problems[0] ?? '', /^--key-file: key file \(looks like a key\) /);
});

test('equal keys are refused, both named with their places', (t) => {
	const both = {'a.key': `alice ${KEY}\nbob ${OTHER}`, 'b.key': KEY};
	t.deepEqual(files(t, both).problems, [
		'--key-file: equal keys: "alice" (--key-file a.key:1) and "b" (--key-file b.key:1)',
	]);
});

test('equal names given by the user are refused, made-up ones are counted', (t) => {
	const given = files(t, {'a.key': `bob ${KEY}`, 'b.key': `bob ${OTHER}`});
	t.deepEqual(given.problems, [
		'--key-file: name "bob" is given twice: --key-file a.key:1 and --key-file b.key:1',
	]);
	const made = files(t, {'bob.key': KEY, 'bob.txt': OTHER, 'c.key': `bob ${THIRD}`});
	t.deepEqual(made.users, [`bob-2 ${KEY}`, `bob-3 ${OTHER}`, `bob ${THIRD}`]);
});

test('a client has exactly one key', (t) => {
	t.deepEqual(files(t, {'a.key': `alice ${KEY}`}, 'one').users, [`alice ${KEY}`]);
	t.deepEqual(files(t, {'a.key': KEY, 'b.key': OTHER}, 'one').problems, [
		'--key-file: a client has one key, this is 2: --key-file a.key:1, --key-file b.key:1',
	]);
});

test('warns of a file that others can read, and keeps its key', (t) => {
	const folder = folderOf(t, {'a.key': KEY});
	const file = join(folder, 'a.key');
	const entry = {where: '', field: '', name: undefined, from: {file, shown: 'a.key'}};
	for (const mode of [0o640, 0o604, 0o644]) {
		chmodSync(file, mode);
		const {warnings, users} = outcome([entry], 'one');
		t.deepEqual(warnings, [
			'key file "a.key" can be read by other users of this machine (chmod 600)',
		]);
		t.is(users.length, 1);
	}
});

test('a user with a file has the one key in it, under the name of the user', (t) => {
	const folder = folderOf(t, {one: `x ${KEY}`, two: `x ${KEY}\ny ${OTHER}`});
	const entry = (shown: string) => ({
		where: '',
		field: '',
		name: 'alice',
		from: {file: join(folder, shown), shown},
	});
	t.deepEqual(outcome([entry('one')], 'many').users, [`alice ${KEY}`]);
	t.deepEqual(outcome([entry('two')], 'many').problems, [
		'key file "two": holds 2 keys, one user has one',
	]);
});

test('no bytes in a key file throw, run keyless, or show in a message', (t) => {
	const word = fc.stringMatching(/^[A-Za-z0-9+/]{12,44}={0,1}$/);
	const lines = fc.array(fc.array(word, {maxLength: 3}).map((words) => words.join(' ')));
	fc.assert(
		fc.property(lines, (content) => {
			const contents = folderOf(t, {key: content.join('\n')});
			const from = {file: join(contents, 'key'), shown: 'key'};
			const {keys, problems} = outcome([{where: '', field: '', name: undefined, from}], 'many');
			t.true(problems.length > 0 ? keys === undefined : keys?.keyless === false);
			const said = problems.join('\n').replaceAll('base64', '');
			// Names of equal or unnamed keys may be said, so only the last word of a line is secret.
			for (const line of content) {
				const secret = line.split(' ').at(-1) ?? '';
				t.false(secret.length > 0 && said.includes(secret.slice(0, 12)), said);
			}
		}),
		{numRuns: 50},
	);
});
