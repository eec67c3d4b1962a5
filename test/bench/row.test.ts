import test from 'ava';
import {atLeast, atMost, below, CPU_LIMITS, ofReference, scaled} from './limits.ts';
import {makeRow, type Row} from './row.ts';
import {formatNumber, formatPart, formatTable} from './table.ts';

const socat = makeRow({
	measurement: 'cpu',
	case: 'c',
	system: 'socat',
	unit: 'us',
	runs: [6, 7, 5],
});

function ours(parts: Partial<Parameters<typeof makeRow>[0]>): Row {
	return makeRow({
		...socat,
		system: 'tunnel',
		runs: [3, 9, 6],
		note: '',
		...parts,
		reference: socat,
	});
}

test('the ratio is that of the medians', (t) => {
	t.is(ours({}).ratio, 1);
	t.is(socat.ratio, undefined);
	t.is(makeRow({...socat, reference: makeRow({...socat, runs: [0, 0]})}).ratio, undefined);
});

test('limits hold for the median, and for the ratio', (t) => {
	const {verdicts} = ours({limit: atMost(5), ratioLimit: atMost(1, ' x socat')});
	t.deepEqual(verdicts, [
		{limit: '<= 5', isMet: false},
		{limit: '<= 1 x socat', isMet: true},
	]);
	t.deepEqual(ours({ratioLimit: below(1)}).verdicts, [{limit: '< 1', isMet: false}]);
});

test('a ratio that is not known keeps no limit', (t) => {
	const {verdicts} = makeRow({...socat, reference: undefined, ratioLimit: atMost(1)});
	t.deepEqual(verdicts, []);
});

test('what was not measured keeps no limit', (t) => {
	t.false(makeRow({...socat, runs: [], limit: atMost(5)}).verdicts[0]?.isMet);
	t.false(makeRow({...socat, runs: [Number.NaN], limit: atLeast(5)}).verdicts[0]?.isMet);
});

test('limits in other units and of other rows', (t) => {
	const goodput = scaled(atLeast(1500), 1200 * 8e-6, ' Mbit/s');
	t.is(goodput.text, '>= 1,500 Mbit/s');
	t.true(goodput.isMet(156_251));
	t.false(goodput.isMet(156_000));
	const part = ofReference(atLeast(45, ' %'), 200);
	t.true(part.isMet(90));
	t.false(part.isMet(89));
});

test('CPU time has a limit at every rate, and below socat at the highest', (t) => {
	t.deepEqual(
		Object.entries(CPU_LIMITS).map(([rate, {micros, ratio}]) => [rate, micros?.text, ratio.text]),
		[
			['1000', undefined, '<= 3 x socat'],
			['10000', undefined, '<= 2 x socat'],
			['50000', undefined, '<= 1 x socat'],
			['80000', '<= 5', '< 1 x socat'],
		],
	);
});

test('the table says what is missed and what does not count', (t) => {
	const rows = [socat, ours({limit: atMost(5), invalid: 'too fast', note: 'lost 2 %'})];
	t.deepEqual(formatTable('CPU', 'socat', rows).trimEnd().split('\n'), [
		'CPU          median   (low..high)      x socat',
		'c    socat     6.00  (5.00..7.00)  us',
		'     tunnel    6.00  (3.00..9.00)  us     1.00  INVALID: too fast, <= 5 MISSED, lost 2 %',
	]);
});

test('numbers have the digits that mean something', (t) => {
	t.deepEqual([0.123, 12.34, 123.4, 1_234_567, Number.NaN].map(formatNumber), [
		'0.12',
		'12.3',
		'123',
		'1,234,567',
		'-',
	]);
	t.deepEqual([0, 0.0004, 0.0123].map(formatPart), ['0.00 %', '0.040 %', '1.23 %']);
});
