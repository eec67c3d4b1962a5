import test from 'ava';
import {Delays} from '../../src/demo/arrivals.ts';
import {comparison, mostLikely} from '../../src/demo/comparison.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';

function direction(sent: number, lost: number, late: number, delay: number) {
	const delays = new Delays();
	for (let i = 0; i < sent - lost; i++) delays.add(delay);
	return {sent, arrived: sent - lost, twice: 0, late, delays};
}

test('the comparison has a line for each policy, with both directions together', (t) => {
	const lines = comparison([
		{
			policy: parseBuiltIn('redundant')!,
			traffic: [direction(10_000, 9, 1, 12), direction(10_000, 10, 0, 12)],
			bytes: 20_000 * 958 * 3,
		},
		{
			policy: parseBuiltIn('fec 1.5')!,
			traffic: [direction(10_000, 0, 0, 12), direction(10_000, 0, 0, 20)],
			bytes: 20_000 * 958 * 1.5,
		},
	]);
	const cells = lines.slice(2, 4).map((line) => line.split(/ {2,}/));
	t.deepEqual(cells, [
		['redundant', '20', '1', '20,000', '0.10', '0.15', '3.00', '12.0', '12.0'],
		['fec 1.5', '0', '0', '20,000', '0', '0.015', '1.50', '12.0', '20.0'],
	]);
	t.true(
		lines.includes('  fec 1.5: 0.01 % lost or late within 40 ms, traffic 1.5 for equal lengths'),
	);
	t.true(lines.every((line) => line.length <= 80));
});

test('nothing sent is nothing to compare', (t) => {
	const none = direction(0, 0, 0, 0);
	const policy = parseBuiltIn('best')!;
	const lines = comparison([{policy, traffic: [none, none], bytes: 0}]);
	t.deepEqual(lines[2]!.split(/ {2,}/), ['best', '0', '0', '0', '-', '-', '-', '-', '-']);
});

test('the bound of a count is that of 95 in 100, and 3 for none', (t) => {
	// Quantiles of the chi-squared distribution, halved.
	for (const [count, bound] of [
		[0, 2.996],
		[1, 4.744],
		[5, 10.51],
		[20, 29.06],
	] as const) {
		t.true(Math.abs(mostLikely(count) - bound) < 0.05, `${count}: ${mostLikely(count)}`);
	}
});
