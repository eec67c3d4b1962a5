import test from 'ava';
import fc from 'fast-check';
import {DelayMeter} from '../../../src/core/path/delay.ts';
import {DirectDelay} from '../../support/reference/direct-delay.ts';

const MICROSECONDS = 1000;

/** Samples: pause before it, and delay, both in ms. */
const samples = fc.array(fc.tuple(fc.nat(1500), fc.nat(400)), {minLength: 1, maxLength: 120});

test('agrees with a list of all samples, whatever the clocks of the ends show', (t) => {
	fc.assert(
		fc.property(samples, fc.nat(0xffff_ffff), fc.nat(50_000), (list, offset, start) => {
			const meter = new DelayMeter();
			const twin = new DirectDelay();
			let now = start;
			for (const [pause, delay] of list) {
				now += pause;
				const sent = now * MICROSECONDS;
				const arrived = sent + delay * MICROSECONDS + offset;
				meter.sample(sent >>> 0, arrived >>> 0, now);
				twin.sample(delay, now);
				t.true(Math.abs(meter.queueing! - twin.queueing!) < 1e-6);
			}
		}),
		{seed: 32},
	);
});

test('knows nothing before the first sample', (t) => {
	t.is(new DelayMeter().queueing, undefined);
});

test('one late probe is no queue, two are', (t) => {
	const meter = new DelayMeter();
	meter.sample(0, 10_000, 0);
	meter.sample(0, 10_000, 100);
	meter.sample(0, 160_000, 200);
	t.is(meter.queueing, 0);
	meter.sample(0, 150_000, 300);
	t.is(meter.queueing, 140);
});

test('a delay that stays for 10 s is the new minimum', (t) => {
	const meter = new DelayMeter();
	meter.sample(0, 0, 0);
	for (let now = 500; now < 9500; now += 500) {
		meter.sample(0, 80_000, now);
	}
	t.is(meter.queueing, 80);
	meter.sample(0, 80_000, 10_500);
	t.is(meter.queueing, 0);
});

test('a reset forgets minimum and offset', (t) => {
	const meter = new DelayMeter();
	meter.sample(0, 5_000, 12_000);
	meter.reset();
	t.is(meter.queueing, undefined);
	meter.sample(0, 900_000, 12_100);
	t.is(meter.queueing, 0);
});
