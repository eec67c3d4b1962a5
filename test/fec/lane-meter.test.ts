import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {LaneMeter} from '../../src/fec/lane-meter.ts';
import {Prng} from '../../src/sim/prng.ts';

/** Time between two reports, and time after which a packet that none of them counts is overdue. */
const REPORT: Millis = 20;
const OVERDUE: Millis = 80;

/** Sends a packet a ms from one time to before another; `during` sees the meter after each report. */
function run(
	meter: LaneMeter,
	[from, to]: readonly [from: Millis, to: Millis],
	loses: (at: Millis) => boolean,
	during: (at: Millis) => void = () => {},
): void {
	let {arrived} = meter;
	let newest = 0;
	for (let at = from; at < to; at++) {
		meter.send(at, at);
		if (!loses(at)) {
			arrived++;
			newest = at;
		}
		if (at % REPORT !== REPORT - 1) continue;
		meter.report(arrived, newest, at - OVERDUE, at);
		during(at);
	}
}

test('a short silence is no loss of now once the path is back', (t) => {
	const meter = new LaneMeter();
	run(meter, [0, 5000], () => false);
	t.true(meter.loss(5000) < 0.01, `${meter.loss(5000)}`);
	// Longer than what is overdue, so that it is noticed.
	run(meter, [5000, 5200], () => true);
	t.true(meter.silent >= 5 && meter.loss(5200) > 0.4, `${meter.silent}, ${meter.loss(5200)}`);
	run(meter, [5200, 5220], () => false);
	t.is(meter.silent, 0);
	t.true(meter.loss(5220) < 0.2, `${meter.loss(5220)}`);
	t.is(meter.recentLoss(5220), 0);
	// It is remembered all the same, and loss that begins then is seen as soon as any.
	run(meter, [5220, 6000], () => false);
	t.true(meter.loss(6000) > 0.05, `${meter.loss(6000)}`);
	run(meter, [6000, 6120], (at) => at % 2 === 0);
	t.true(meter.loss(6120) > 0.4, `${meter.loss(6120)}`);
});

for (const loss of [0.6, 0.8, 0.95]) {
	test(`a path that loses ${100 * loss} % is never taken for one that is back`, (t) => {
		const meter = new LaneMeter();
		const random = new Prng(1);
		let least = 1;
		run(
			meter,
			[0, 30_000],
			() => random.uniform() < loss,
			(at) => {
				if (at > 500) least = Math.min(least, meter.loss(at));
			},
		);
		t.true(least > 0.9 * loss, `${least}`);
	});
}
