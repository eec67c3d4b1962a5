import {
	chmodSync,
	closeSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {keygenCommand} from '../../src/cli/keygen-command.ts';
import {ConfigError} from '../../src/config/errors.ts';
import {parseKey} from '../../src/crypto/keys.ts';

function folderOf(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	return folder;
}

function keygen(...words: readonly string[]): string {
	let output = '';
	const command = keygenCommand((text) => {
		output += text;
	}).exitOverride();
	command.configureOutput({writeErr: () => {}});
	command.parse(words, {from: 'user'});
	return output;
}

test('writes a valid key into a file for its owner alone, and prints nothing', (t) => {
	const path = join(folderOf(t), 'tunnel.key');
	t.is(keygen(path), '');
	t.is(statSync(path).mode & 0o777, 0o600);
	const text = readFileSync(path, 'utf8');
	t.regex(text, /^[^\n]{44}\n$/);
	t.true(parseKey(text.trimEnd()).ok);
});

test('prints a key when no file is named, another each time', (t) => {
	const first = keygen();
	t.true(parseKey(first.trimEnd()).ok);
	t.true(first.endsWith('=\n'));
	t.not(first, keygen());
});

test('warns when what it prints goes into a file that others can read', (t) => {
	const folder = folderOf(t);
	for (const [mode, warned] of [
		[0o644, true],
		[0o640, true],
		[0o604, true],
		[0o600, false],
	] as const) {
		const path = join(folder, `${mode}`);
		const output = openSync(path, 'w', mode);
		chmodSync(path, mode);
		let warning = '';
		keygenCommand(
			() => {},
			(text) => (warning += text),
			output,
		).parse([], {from: 'user'});
		closeSync(output);
		t.is(/other users can read.*chmod 600.*mptunnel keygen FILE/.test(warning), warned, warning);
	}
});

test('never overwrites a file, nor writes through a link', (t) => {
	const folder = folderOf(t);
	const path = join(folder, 'tunnel.key');
	writeFileSync(path, 'mine');
	symlinkSync(join(folder, 'elsewhere'), join(folder, 'link.key'));
	for (const name of ['tunnel.key', 'link.key']) {
		const error = t.throws(() => keygen(join(folder, name)), {instanceOf: ConfigError});
		t.is(error.exitCode, 2);
		t.is(error.message, `key file "${join(folder, name)}" is not written: it exists already`);
	}
	t.is(readFileSync(path, 'utf8'), 'mine');
	t.throws(() => statSync(join(folder, 'elsewhere')));
});

test('says in one line why a file cannot be made', (t) => {
	const path = join(folderOf(t), 'no', 'tunnel.key');
	const error = t.throws(() => keygen(path), {instanceOf: ConfigError});
	t.is(error.message, `key file "${path}" is not written: no such file or folder`);
	t.throws(() => keygen(''), {instanceOf: ConfigError});
});

test('one file at most, and a help with an example', (t) => {
	t.throws(() => keygen('a', 'b'), {message: /too many arguments/});
	let help = '';
	const command = keygenCommand().exitOverride();
	command.configureOutput({writeOut: (text) => (help += text)});
	t.throws(() => command.parse(['--help'], {from: 'user'}));
	t.regex(help, /mptunnel keygen tunnel\.key/);
});
