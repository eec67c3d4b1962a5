import test from 'ava';
import {parseDuration, parsePercentage, parseRate, parseSize} from '../../src/text/units.ts';

const REFUSED = ['', '10', '-1ms', '1e3s', 'ms', '5 parsecs', '1..2s', '10msx', 'NaN', 'Infinity'];

test('reads durations into milliseconds', (t) => {
	t.is(parseDuration('250ms'), 250);
	t.is(parseDuration('10s'), 10_000);
	t.is(parseDuration('1h'), 3_600_000);
	t.is(parseDuration('2m'), 120_000);
	t.is(parseDuration('1.5min'), 90_000);
	t.is(parseDuration('80us'), 0.08);
	t.is(parseDuration('0'), 0);
	t.is(parseDuration('.5S'), 500);
});

test('reads rates into bits per second', (t) => {
	t.is(parseRate('20mbit'), 20e6);
	t.is(parseRate('500kbit'), 500e3);
	t.is(parseRate('1gbit'), 1e9);
	t.is(parseRate('9600bit'), 9600);
	t.is(parseRate('2.5Mbit'), 2.5e6);
	t.is(parseRate('1mbps'), undefined);
});

test('reads percentages into shares', (t) => {
	t.is(parsePercentage('10%'), 0.1);
	t.is(parsePercentage('0.1%'), 0.001);
	t.is(parsePercentage('100%'), 1);
	t.is(parsePercentage('0'), 0);
	t.is(parsePercentage('100.1%'), undefined);
	t.is(parsePercentage('0.1'), undefined);
});

test('reads sizes into bytes', (t) => {
	t.is(parseSize('1500B'), 1500);
	t.is(parseSize('64kB'), 64_000);
	t.is(parseSize('64KiB'), 65_536);
	t.is(parseSize('2MB'), 2e6);
	t.is(parseSize('1gib'), 2 ** 30);
});

for (const parse of [parseDuration, parseRate, parsePercentage, parseSize]) {
	test(`${parse.name} refuses what has no unit, a sign or more`, (t) => {
		for (const text of REFUSED) t.is(parse(text), undefined, text);
		t.is(parse(`${'9'.repeat(400)}h`), undefined);
	});
}
