import test from 'ava';
import {MEASUREMENTS, selectMeasurements, titleOf} from './measurements/all.ts';
import {type BenchOptions, HELP, LIST, parseOptions} from './options.ts';

function parse(...argv: string[]): BenchOptions {
	const options = parseOptions(argv);
	if (typeof options === 'string') throw new Error(options);
	return options;
}

test('a flag wins over what --quick means', (t) => {
	t.deepEqual(parse('--quick'), {only: [], repeats: 1, millis: 500, isPlain: false});
	t.is(parse('--quick', '--repeats', '4').repeats, 4);
	t.is(parse('--seconds', '2.5').millis, 2500);
	t.true(parse('--plain').isPlain);
});

test('numbers that make no sense and unknown flags are refused with the help', (t) => {
	for (const argv of [
		['--repeats', '0'],
		['--repeats', '1.5'],
		['--seconds', 'x'],
		['--seconds', ''],
		['--seconds', '1e9'],
		['--fast'],
		['goodput'],
	]) {
		const answer = parseOptions(argv);
		t.true(typeof answer === 'string' && answer.endsWith(HELP) && answer !== HELP, argv.join(' '));
	}
});

test('help and list', (t) => {
	t.is(parseOptions(['--help']), HELP);
	t.is(parseOptions(['--list']), LIST);
	t.true(HELP.includes('BENCH_PEER_<NAME>_CLIENT'));
});

test('--only chooses by measurement and by case', (t) => {
	const titles = (...only: string[]) =>
		selectMeasurements(MEASUREMENTS, only).flatMap((each) =>
			each.cases.map((one) => titleOf(each, one)),
		);
	t.true(titles('latency').every((title) => title.startsWith('latency: ')));
	t.deepEqual(titles('flows opened at 500/s'), ['flows: 10,000 flows opened at 500/s']);
	t.is(titles('no such thing').length, 0);
	t.is(new Set(titles()).size, titles().length);
	t.true(titles('server killed', 'client killed').length === 2);
});
