import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {attempt} from '../support/machine/commands.ts';
import {HELP_WANTED} from '../support/machine/flags.ts';
import {HELP, parseSoakOptions} from './options.ts';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

test('ten minutes of each back end at the rate that it is made for, or what is asked for', (t) => {
	const [batch, dgram] = [
		{io: 'batch', rate: 80_000},
		{io: 'dgram', rate: 8000},
	];
	t.deepEqual(parseSoakOptions([]), {seconds: 600, runs: [batch, dgram], gc: false});
	const words = '--seconds 60 --io dgram --rate 20000'.split(' ');
	const runs = [{io: 'dgram', rate: 20_000}];
	t.deepEqual(parseSoakOptions(words), {seconds: 60, runs, gc: false});
	const slow = [batch, dgram].map(({io}) => ({io, rate: 5000}));
	t.deepEqual(parseSoakOptions(['--gc']), {seconds: 600, runs: slow, gc: true});
	t.is(parseSoakOptions(['--help']), HELP_WANTED);
});

const MISTAKES: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
	[['--seconds', '0'], /^--seconds: expected a whole number from 1 to 1000000, got "0"$/],
	[['--seconds', '1.5'], /^--seconds: /],
	[['--seconds', 'x'], /^--seconds: /],
	[['--rate', '0'], /^--rate: expected a number from 1 to 10000000, got "0"$/],
	[['--rate', ''], /^--rate: /],
	[['--io', 'tcp'], /^--io: expected batch or dgram, got "tcp"$/],
	[['--io', 'constructor'], /^--io: expected batch or dgram/],
	[['--io', '--gc'], /--io/],
	[['--fast'], /--fast/],
	[['60'], /60/],
];

test('numbers that make no sense, unknown back ends and unknown flags are refused', (t) => {
	for (const [argv, message] of MISTAKES) {
		t.throws(() => parseSoakOptions(argv), {message}, argv.join(' '));
	}
});

test('the program explains itself, and answers each mistake with one line and exit code 2', (t) => {
	const run = (...argv: string[]) => attempt(process.execPath, [MAIN, ...argv]);
	t.like(run('--help'), {status: 0, stdout: HELP, stderr: ''});
	for (const argv of [['--fast'], ['--io', '--gc'], ['--seconds', '0'], ['--io', 'tcp']]) {
		const {status, stdout, stderr} = run(...argv);
		t.is(status, 2);
		t.is(stdout, '');
		t.regex(stderr, /^error: [^\n]+; --help lists the flags\n$/);
	}
});
