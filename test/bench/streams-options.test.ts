import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {attempt} from '../support/machine/commands.ts';
import {HELP_WANTED} from '../support/machine/flags.ts';
import {parseStreamsOptions, STREAMS_HELP} from './streams-options.ts';

const MAIN = fileURLToPath(new URL('./streams-main.js', import.meta.url));
const NAMES = ['download, one path', 'upload, two paths'];

const parse = (...argv: string[]) => parseStreamsOptions(argv, NAMES);

test('every world with 20 seeds, or what is asked for', (t) => {
	t.deepEqual(parse(), {seeds: 20, only: ''});
	t.deepEqual(parse('--seeds', '3', '--only', 'load, two'), {seeds: 3, only: 'load, two'});
	t.is(parse('--help'), HELP_WANTED);
});

const MISTAKES: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
	[['--seeds', '0'], /^--seeds: expected a whole number from 1 to 10000, got "0"$/],
	[['--seeds', '1.5'], /^--seeds: /],
	[['--seeds', ''], /^--seeds: /],
	[['--seeds', 'x'], /^--seeds: /],
	[['--only', 'sideways'], /^--only: no world has "sideways" in its name$/],
	[['--only', '--seeds'], /--only/],
	[['--seed', '1'], /--seed/],
	[['download'], /download/],
];

test('numbers that make no sense, worlds that there are not and unknown flags are refused', (t) => {
	for (const [argv, message] of MISTAKES) t.throws(() => parse(...argv), {message});
});

test('the program explains itself, and answers each mistake with one line and exit code 2', (t) => {
	const run = (...argv: string[]) => attempt(process.execPath, [MAIN, ...argv]);
	t.like(run('--help'), {status: 0, stdout: STREAMS_HELP, stderr: ''});
	for (const argv of [
		['--fast'],
		['--only', '--seeds'],
		['--seeds', '-1'],
		['--only', 'sideways'],
	]) {
		const {status, stdout, stderr} = run(...argv);
		t.is(status, 2);
		t.is(stdout, '');
		t.regex(stderr, /^error: [^\n]+; --help lists the flags\n$/);
	}
});
