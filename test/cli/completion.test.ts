import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {completionScript, type Shell} from '../../src/cli/completion.ts';
import {clientProgram, serverProgram} from '../../src/cli/options.ts';
import {toolCommand} from '../../src/cli/tool-program.ts';
import {example} from '../support/documents/document.ts';
import {DocumentShell} from '../support/documents/shell.ts';
import {needing} from '../support/e2e/needs.ts';
import {attempt} from '../support/machine/commands.ts';
import {temporaryFolder} from '../support/machine/options.ts';

const io = {write: () => {}, cwd: '/'};
const tool = toolCommand({
	...{env: {}, cwd: '/', writeOut: () => {}, writeError: () => {}, exitWith: () => {}},
	stopped: () => new Promise<void>(() => {}),
});

function script(shell: Shell): string {
	return completionScript(shell, [clientProgram(io), serverProgram(io), tool]);
}

/** Words in front of the cursor, the last one unfinished, with completions that must be there. */
const CASES: readonly (readonly [line: string, ...expected: string[]])[] = [
	['mptunnel st', 'status'],
	['mptunnel service ', 'install', 'remove', 'status', 'client', 'server'],
	['mptunnel status --w', '--watch'],
	['mptunnel completion z', 'zsh'],
	['mptunnel link --lo', '--loss', '--loss-trace'],
	['mpclient --io ', 'batch', 'dgram'],
	['mpclient --no-l', '--no-listen'],
	['mpserver --max', '--max-traffic'],
];

test('bash completes commands, flags, values and files', (t) => {
	const cwd = temporaryFolder(t);
	const complete = (line: string) => {
		const words = line.split(' ').map((word) => `'${word}'`);
		const text = `${script('bash')}
touch tunnel.key tunnel.conf
COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${words.length - 1}
$(complete -p mpclient | sed 's/.*-F \\([a-z_]*\\) .*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
		const {stdout, stderr} = attempt('bash', ['--norc', '-c', text], {cwd});
		t.is(stderr, '', line);
		return stdout.trim().split('\n').toSorted();
	};
	for (const [line, ...expected] of CASES) {
		const found = complete(line);
		for (const word of expected) t.true(found.includes(word), `${line}: ${found.join(' ')}`);
	}
	t.deepEqual(complete('mptunnel st'), ['status']);
	t.deepEqual(complete('mpclient tun'), ['tunnel.conf', 'tunnel.key']);
	t.deepEqual(complete('/usr/bin/mpclient --key-file tunnel.k'), ['tunnel.key']);
	t.deepEqual(complete('mpclient --listen '), ['']);
	t.deepEqual(complete('mpclient --crypto o'), ['openssl']);
	// Flags of one command are not those of another.
	t.deepEqual(complete('mptunnel keygen --w'), ['']);
});

needing({programs: ['fish']})('fish completes the same', (t) => {
	for (const [line, ...expected] of CASES) {
		const text = `${script('fish')}\ncomplete -C '${line}'\n`;
		const {stdout, stderr, status} = attempt('fish', ['--no-config', '-c', text]);
		t.is(status, 0, stderr);
		const found = stdout.split('\n').map((row) => row.split('\t')[0]);
		for (const word of expected) t.true(found.includes(word), `${line}: ${found.join(' ')}`);
	}
});

needing({programs: ['zsh']})('zsh completes the same', (t) => {
	for (const [line, ...expected] of CASES) {
		const words = line.split(' ').map((word) => `'${word}'`);
		// The functions of its completion print what they are given.
		const text = `compdef() { print -r -- "for $@" }
_describe() { local -a all=("\${(@P)2}"); print -rl -- "\${(@)all%%:*}" }
compadd() { shift; print -rl -- "$@" }
_files() { print files }
${script('zsh')}
words=(${words.join(' ')}) CURRENT=${words.length}
_mptunnel`;
		const {stdout, stderr} = attempt('zsh', ['-f', '-c', text]);
		t.is(stderr, '', line);
		const found = stdout.split('\n');
		t.is(found[0], 'for _mptunnel mpclient mpserver mptunnel');
		for (const word of expected) t.true(found.includes(word), `${line}: ${found.join(' ')}`);
	}
});

test('the commands of the document write the scripts', async (t) => {
	const shell = new DocumentShell();
	t.teardown(() => shell.close());
	const run = shell.start(example('src/config/README.md', 'completion'));
	t.is(await run.end(), 0, run.stderr);
	for (const [file, kind] of [
		['mptunnel.bash', 'bash'],
		['_mptunnel', 'zsh'],
		['mptunnel.fish', 'fish'],
	] as const) {
		t.is(readFileSync(join(shell.folder, file), 'utf8'), script(kind));
	}
});
