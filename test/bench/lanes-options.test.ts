import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {attempt} from '../support/machine/commands.ts';
import {HELP_WANTED} from '../support/machine/flags.ts';
import {LANES_HELP, parseLanesOptions} from './lanes-options.ts';

const MAIN = fileURLToPath(new URL('./lanes-main.js', import.meta.url));

const parse = (...argv: string[]) => parseLanesOptions(argv, ['a', 'b']);

test('every row at full length, or what is asked for', (t) => {
	t.deepEqual(parse(), {only: [], short: false});
	t.deepEqual(parse('--only', 'b,table', '--short'), {only: ['b', 'table'], short: true});
	t.is(parse('--help'), HELP_WANTED);
});

test('rows that there are not and unknown flags are refused', (t) => {
	t.throws(() => parse('--only', 'a,c'), {message: '--only: no row is "c"'});
	t.throws(() => parse('--only', 'a,'), {message: '--only: no row is ""'});
	t.throws(() => parse('--long'), {message: /--long/});
	t.throws(() => parse('a'), {message: /a/});
});

test('the program explains itself, runs the rows that are asked for, and answers a mistake with one line', (t) => {
	const run = (...argv: string[]) => attempt(process.execPath, [MAIN, ...argv]);
	t.like(run('--help'), {status: 0, stdout: LANES_HELP, stderr: ''});
	const {status, stdout} = run('--short', '--only', 'k');
	t.is(status, 0);
	t.regex(
		stdout,
		/^\| row \| figure \| limit \| holds \|\n\|---\|---\|---\|---\|\n\| k: [^\n]+ \| yes \|\n$/,
	);
	const mistake = run('--only', 'z');
	t.is(mistake.status, 2);
	t.regex(mistake.stderr, /^error: [^\n]+; --help lists the flags\n$/);
});
