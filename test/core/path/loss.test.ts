import test from 'ava';
import fc from 'fast-check';
import {LossMeter} from '../../../src/core/path/loss.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {DirectLoss} from '../../support/reference/direct-loss.ts';

const steps = fc.array(fc.tuple(fc.nat(300), fc.nat(300)), {maxLength: 150});

test('agrees with a list of all checkpoints, also where the counters wrap', (t) => {
	fc.assert(
		fc.property(steps, fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (list, sent, received) => {
			const meter = new LossMeter();
			const twin = new DirectLoss();
			let [sentNow, receivedNow] = [sent, received];
			for (const [more, arrived] of list) {
				sentNow += more;
				receivedNow += Math.min(arrived, more);
				meter.update(sentNow >>> 0, receivedNow >>> 0);
				// Without packets between them there is no checkpoint.
				twin.update(sentNow, receivedNow);
				const measured = twin.measured;
				t.is(meter.loss === undefined, measured === undefined);
				if (measured === undefined) continue;
				const {packets} = measured;
				const lost = measured.loss * packets;
				t.true(Math.abs(meter.cautious - Math.min(0.5, (lost + 1) / (packets + 2))) < 1e-9);
				t.true(Math.abs(meter.loss! - measured.loss) < 1e-9);
			}
		}),
		{seed: 31},
	);
});

test('knows nothing before two checkpoints', (t) => {
	const meter = new LossMeter();
	t.is(meter.loss, undefined);
	meter.update(100, 50);
	t.is(meter.loss, undefined);
	t.is(meter.cautious, 0.5);
});

test('ignores a checkpoint that was overtaken', (t) => {
	const meter = new LossMeter();
	meter.update(100, 100);
	meter.update(300, 280);
	meter.update(200, 195);
	t.true(Math.abs(meter.loss! - 0.1) < 1e-9);
	meter.update(400, 360);
	t.true(Math.abs(meter.loss! - 40 / 300) < 1e-9);
});

test('starts anew after a reset', (t) => {
	const meter = new LossMeter();
	meter.update(0, 0);
	meter.update(100, 10);
	meter.reset();
	t.is(meter.loss, undefined);
	meter.update(5, 5);
	meter.update(10, 10);
	t.is(meter.loss, 0);
});

test('copies that arrive twice never make the loss negative', (t) => {
	const meter = new LossMeter();
	meter.update(0, 0);
	meter.update(10, 12);
	t.is(meter.loss, 0);
});

for (const [loss, packets, cautious] of [
	[0, 998, 1 / 1000],
	[0.1, 998, 0.1],
	[0, 8, 0.1],
	[1, 1000, 0.5],
] as const) {
	test(`${loss * 100} % of ${packets} packets is ${cautious} with caution`, (t) => {
		const meter = new LossMeter();
		meter.update(0, 0);
		meter.update(packets, Math.round(packets * (1 - loss)));
		t.true(Math.abs(meter.cautious - cautious) < 1e-3, `${meter.cautious}`);
	});
}

for (const loss of [0.01, 0.1, 0.2, 0.4]) {
	test(`measures ${loss * 100} % random loss within four deviations`, (t) => {
		const random = new Prng(`loss ${loss}`);
		const meter = new LossMeter();
		let [sent, received] = [0, 0];
		const deviation = Math.sqrt((loss * (1 - loss)) / 1000);
		for (let probe = 0; probe < 500; probe++) {
			for (let i = 0; i < 20; i++) {
				sent++;
				if (random.uniform() >= loss) received++;
			}
			meter.update(sent, received);
			if (sent <= 1000) continue;
			t.true(Math.abs(meter.loss! - loss) < 4 * deviation, `${meter.loss}`);
		}
	});
}
