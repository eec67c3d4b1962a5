import test from 'ava';
import fc from 'fast-check';
import {RttEstimator} from '../../../src/core/load/rtt.ts';

test('assumes 333 ms before the first sample', (t) => {
	const rtt = new RttEstimator();
	t.false(rtt.measured);
	t.is(rtt.smoothed, 333);
	t.is(rtt.patience, 1.5 * 333 + 4 * 166.5);
});

test('takes the first sample as it is and half of it as variation (RFC 6298, 2.2)', (t) => {
	const rtt = new RttEstimator();
	rtt.sample(80);
	t.deepEqual([rtt.smoothed, rtt.variation, rtt.jitter], [80, 40, 0]);
	t.is(rtt.probeTimeout, 80 + 160 + 25);
});

test('follows the recurrences of RFC 6298 and RFC 3550', (t) => {
	const samples = fc.array(fc.double({min: 0, max: 2000, noNaN: true}), {minLength: 1});
	fc.assert(
		fc.property(samples, (list) => {
			const rtt = new RttEstimator();
			for (const sample of list) rtt.sample(sample);
			let [srtt, rttvar, jitter] = [list[0]!, list[0]! / 2, 0];
			for (const [index, sample] of list.entries()) {
				if (index === 0) continue;
				rttvar = 0.75 * rttvar + 0.25 * Math.abs(srtt - sample);
				srtt = 0.875 * srtt + 0.125 * sample;
				jitter += (Math.abs(sample - list[index - 1]!) - jitter) / 16;
			}
			t.true(Math.abs(rtt.smoothed - srtt) < 1e-6);
			t.true(Math.abs(rtt.variation - rttvar) < 1e-6);
			t.true(Math.abs(rtt.jitter - jitter) < 1e-6);
		}),
		{seed: 30},
	);
});

for (const wrong of [-0.001, Number.NaN, Number.POSITIVE_INFINITY, 60_000]) {
	test(`ignores a sample of ${wrong} ms`, (t) => {
		const rtt = new RttEstimator();
		rtt.sample(wrong);
		t.false(rtt.measured);
		rtt.sample(50);
		rtt.sample(wrong);
		t.is(rtt.smoothed, 50);
	});
}
