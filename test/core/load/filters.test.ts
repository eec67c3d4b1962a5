import test from 'ava';
import fc from 'fast-check';
import {BandwidthFilter} from '../../../src/core/load/bandwidth-filter.ts';
import {DelayFloor} from '../../../src/core/load/delay-floor.ts';
import {LossBaseline} from '../../../src/core/load/loss-baseline.ts';
import {WindowedMinimum} from '../../../src/core/load/windowed-minimum.ts';

test('the windowed minimum is that of the last ten seconds, to a second', (t) => {
	const steps = fc.array(fc.tuple(fc.integer({min: 0, max: 4000}), fc.integer({min: 0, max: 99})));
	fc.assert(
		fc.property(steps, (list) => {
			const minimum = new WindowedMinimum();
			const samples: {second: number; value: number}[] = [];
			let now = 0;
			for (const [wait, value] of list) {
				now += wait;
				const second = Math.floor(now / 1000);
				samples.push({second, value});
				minimum.sample(value, now);
				const recent = samples.filter((sample) => sample.second > second - 10);
				if (minimum.value !== Math.min(...recent.map((sample) => sample.value))) return false;
			}
			return true;
		}),
	);
	t.pass();
});

test('the delay floor knows no clock offset and ignores what is no number', (t) => {
	const floor = new DelayFloor();
	for (const [delay, now] of [
		[-1e9 + 30, 0],
		[-1e9 + 20, 10],
		[-1e9 + 55, 20],
		[Number.NaN, 30],
		[Number.POSITIVE_INFINITY, 40],
	] as const) {
		floor.sample(delay, now);
	}
	t.is(floor.queueing, 35);
	t.is(floor.touchedAt, 10);
});

test('the bandwidth filter forgets after ten round trips, but not in silence', (t) => {
	const filter = new BandwidthFilter();
	filter.sample(100);
	for (let round = 0; round < 9; round++) {
		filter.advance();
		filter.sample(40);
	}
	t.is(filter.value, 100);
	filter.advance();
	t.is(filter.value, 40);
	for (let round = 0; round < 30; round++) filter.advance();
	t.is(filter.value, 40);
	filter.lower(25);
	t.is(filter.value, 25);
	filter.sample(30);
	t.is(filter.value, 30);
});

/** A round trip of `count` packets, of which the share `loss` is lost. */
function round(meter: LossBaseline, count: number, loss: number, unhurried: boolean): void {
	const lost = Math.round(count * loss);
	for (let i = 0; i < count; i++) meter.sample(i < lost, unhurried);
	meter.closeRound();
}

test('loss that packets sent slowly share is the path, loss of the others is ours', (t) => {
	const meter = new LossBaseline();
	meter.startSpell();
	round(meter, 200, 0.1, true);
	meter.startSpell();
	t.true(Math.abs(meter.base - 0.1) < 0.01 && Math.abs(meter.floor - 0.1) < 0.01);
	round(meter, 200, 0.1, false);
	t.false(meter.exceeds(meter.base + 0.03));
	round(meter, 200, 0.35, false);
	t.true(meter.exceeds(2 * meter.base + 0.1));
	t.true(Math.abs(meter.base - 0.1) < 0.01);
});

test('a few lost packets may be chance', (t) => {
	const meter = new LossBaseline();
	meter.startSpell();
	round(meter, 400, 0, true);
	round(meter, 20, 0.1, false);
	t.false(meter.exceeds(0.05));
	round(meter, 400, 0.1, false);
	t.true(meter.exceeds(0.05));
});

test('the floor is the smaller loss of the last two slow spells', (t) => {
	const meter = new LossBaseline();
	for (const loss of [0.3, 0.05, 0.2]) {
		meter.startSpell();
		round(meter, 100, loss, true);
	}
	meter.startSpell();
	t.is(meter.floor, 0.05);
	round(meter, 100, 0.25, true);
	meter.startSpell();
	t.is(meter.floor, 0.2);
});
