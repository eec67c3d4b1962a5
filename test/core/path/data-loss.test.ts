import test from 'ava';
import fc from 'fast-check';
import {DataLossMeter, WORST_GRADE} from '../../../src/core/path/data-loss.ts';
import {Prng} from '../../../src/sim/prng.ts';

/** Counters of both ends of a path, brought together by a probe every 100 ms. */
class Counters {
	readonly dataLoss = new DataLossMeter();
	now = 0;
	sent = 0;
	packets: number;
	probes: number;

	constructor(packets = 0, probes = 0) {
		this.packets = packets;
		this.probes = probes;
	}

	/** Sends `count` packets of data and a probe; whether the grade changed. */
	step(count: number, arrived: number): boolean {
		this.now += 100;
		this.sent += count;
		this.probes++;
		this.packets += arrived + 1;
		return this.dataLoss.update(this.now, this.sent, this.packets >>> 0, this.probes & 0xffff);
	}

	/** The same with random loss for so many steps. */
	run(steps: number, count: number, loss: number, random: Prng): void {
		for (let i = 0; i < steps; i++) {
			let arrived = 0;
			for (let j = 0; j < count; j++) if (random.uniform() >= loss) arrived++;
			this.step(count, arrived);
		}
	}
}

for (const rate of [10, 100, 5000]) {
	test(`a path that carries probes only is of the worst grade within 0.8 s at ${rate}/s`, (t) => {
		const counters = new Counters();
		const each = rate / 10;
		for (let i = 0; i < 100; i++) counters.step(each, each);
		t.is(counters.dataLoss.grade, 0);
		const died = counters.now;
		while (counters.dataLoss.grade < 2) counters.step(each, 0);
		t.true(counters.now - died <= 800, `${counters.now - died} ms`);
		counters.step(20, 0);
		t.true(counters.dataLoss.loss! > 0);
	});
}

test('probes do not count as data, also where the counters wrap', (t) => {
	const start = fc.tuple(fc.constantFrom(0, 0xffff_fff0), fc.constantFrom(0, 0xfff8));
	fc.assert(
		fc.property(start, fc.array(fc.nat(50), {minLength: 20, maxLength: 60}), ([a, b], steps) => {
			const counters = new Counters(a, b);
			for (const count of steps) counters.step(count, 0);
			const isMeasured = steps.filter((count) => count > 0).length > 1;
			if (isMeasured) t.is(counters.dataLoss.loss, 1);
		}),
		{seed: 71},
	);
});

test('the grade is that of the loss; luck makes it never worse, and better for moments', (t) => {
	const cases = [0.01, 0.06, 0.17, 0.35, 0.8].entries();
	for (const [grade, loss] of cases) {
		let lucky = 0;
		for (let seed = 0; seed < 20; seed++) {
			const counters = new Counters();
			const random = new Prng(`${grade} ${seed}`);
			counters.run(100, 50, loss, random);
			t.true(counters.dataLoss.grade <= grade, `loss ${loss}, seed ${seed}`);
			for (let i = 0; i < 200; i++) {
				counters.run(1, 50, loss, random);
				t.true(counters.dataLoss.grade <= grade, `loss ${loss}, seed ${seed}, step ${i}`);
				if (counters.dataLoss.grade < grade) lucky++;
			}
		}
		t.true(lucky < 0.02 * 20 * 200, `loss ${loss}: better than it is in ${lucky} of 4000 steps`);
	}
});

test('a path that heals is good again, one that only looks healed ever later', (t) => {
	const counters = new Counters();
	counters.step(0, 0);
	const away: number[] = [];
	for (let relapse = 0; relapse < 4; relapse++) {
		while (counters.dataLoss.grade === 0) counters.step(50, 0);
		const left = counters.now;
		while (counters.dataLoss.grade > 0) counters.step(50, 50);
		away.push(counters.now - left);
	}
	t.true(away[0]! <= 3000, `${away}`);
	for (let i = 1; i < away.length; i++) t.true(away[i]! >= 1.5 * away[i - 1]!, `${away}`);
	counters.run(400, 50, 0, new Prng('calm'));
	while (counters.dataLoss.grade === 0) counters.step(50, 0);
	const left = counters.now;
	while (counters.dataLoss.grade > 0) counters.step(50, 50);
	t.true(counters.now - left <= 3000);
});

test('no share of a few packets is shown', (t) => {
	const counters = new Counters();
	counters.step(1, 0);
	for (let i = 0; i < 9; i++) {
		t.is(counters.dataLoss.shown, undefined, `${i} packets`);
		counters.step(1, 0);
	}
	counters.step(1, 0);
	t.is(counters.dataLoss.shown, 1);
});

test('what was lost while the path was down does not count', (t) => {
	const counters = new Counters();
	for (let i = 0; i < 20; i++) counters.step(50, 50);
	counters.sent += 5000;
	counters.now += 5000;
	counters.dataLoss.restart();
	for (let i = 0; i < 20; i++) counters.step(50, 50);
	t.is(counters.dataLoss.grade, 0);
	t.is(counters.dataLoss.loss, 0);
});

test('samples are few: one of 16 packets, five a second where there are fewer', (t) => {
	const rates = [
		[50, 5],
		[200, 12.5],
		[5000, 20],
	] as const;
	for (const [rate, most] of rates) {
		const dataLoss = new DataLossMeter();
		let samples = 0;
		for (let i = 0; i < 10 * rate; i++) if (dataLoss.sample((i * 1000) / rate, false)) samples++;
		t.true(samples > 4 * 10 && samples <= most * 10 + 1, `${samples} of ${10 * rate}`);
		dataLoss.grade = WORST_GRADE;
		let fewer = 0;
		for (let i = 0; i < 10 * rate; i++)
			if (dataLoss.sample(10_000 + (i * 1000) / rate, false)) fewer++;
		t.true(fewer > 0 && fewer <= samples / 1.9 + 1, `${fewer} of ${samples}`);
	}
});
