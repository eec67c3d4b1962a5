import test from 'ava';
import {EQUAL_LENGTHS} from '../../src/fec/length-mix.ts';
import {explainTraffic} from '../../src/fec/loop-reason.ts';
import type {Plan} from '../../src/fec/plan.ts';
import {
	type LaneMeasure,
	type LanePromise,
	type LoopPath,
	PolicyLoop,
} from '../../src/fec/policy-loop.ts';
import {mostOf} from '../../src/fec/promise.ts';
import {REPAIR_OVERHEAD} from '../support/lanes/plan.ts';

const RATE = 1;

function promiseOf(other: Partial<LanePromise> = {}): LanePromise {
	const {traffic = 3, floor = 1.125} = other;
	const most = mostOf(floor, traffic, 16);
	return {residual: 1e-4, within: 40, traffic, most, floor, cheap: false, rate: 0, ...other};
}

/** A loop, and paths that lose what they are said to lose, whatever is sent. */
class Steered {
	readonly loop: PolicyLoop;
	now = 0;
	losses: readonly number[] = [0.01, 0.01, 0.01];
	delays: readonly number[] = [0, 0, 0];
	/** Packets a ms that all paths together let through. */
	capacity = Number.POSITIVE_INFINITY;
	bytes = 0;
	mix = EQUAL_LENGTHS;
	readonly reasons = new Set<string>();
	readonly #sent: number[] = [0, 0, 0];
	readonly #arrived: number[] = [0, 0, 0];

	constructor(promise: LanePromise, traffic?: number) {
		this.loop = new PolicyLoop(promise, REPAIR_OVERHEAD, 0, traffic);
	}

	/** Updates ten times a second up to a time; returns the last plan. */
	run(until: number): Plan | undefined {
		let plan: Plan | undefined;
		for (; this.now < until; this.now += 100) {
			plan = this.loop.update(this.measure(plan), this.now);
			this.reasons.add(this.loop.reason);
		}
		return plan;
	}

	measure(plan: Plan | undefined): LaneMeasure {
		const paths = this.losses.map((loss, path): LoopPath => {
			const {sources = [0, 1, 2], repairs = sources} = plan ?? {};
			const copies = sources.includes(path) ? 1 / sources.length : 0;
			const added = repairs.includes(path) ? (this.loop.traffic - 1) / repairs.length : 0;
			const rate = RATE * (copies + added);
			const delivered = Math.min(rate * (1 - loss), this.capacity / this.losses.length);
			this.#sent[path]! += 100 * rate;
			this.#arrived[path]! += 100 * delivered;
			const lost = rate === 0 ? 0 : 1 - delivered / rate;
			return {
				...{path, loss: lost, recentLoss: lost, delay: this.delays[path]!, delivered},
				...{settled: this.#sent[path]!, arrived: this.#arrived[path]!},
			};
		});
		return {paths, rate: RATE, bytes: this.bytes, mix: this.mix, counted: 0, failed: 0};
	}
}

test('asks for what the promise takes, in steps, and comes down slowly', (t) => {
	const steered = new Steered(promiseOf({cheap: true}));
	steered.run(2000);
	t.is(steered.loop.reason, 'floor');
	t.is(steered.loop.explain(), 'the floor is enough');
	steered.losses = [0.2, 0.2, 0.2];
	steered.run(2200);
	t.is(steered.loop.reason, 'climbing');
	t.regex(steered.loop.explain(), /^rising to 1\.\d+ x$/);
	t.true(steered.loop.traffic <= 1.25 + 1e-9);
	steered.run(10_000);
	t.is(steered.loop.reason, 'promise');
	const {traffic} = steered.loop;
	t.is(steered.loop.explain(), `needs ${Number(traffic.toFixed(2))} x`);
	t.true(Math.abs(steered.loop.needed() - traffic) <= 1 / 16, `${steered.loop.needed()}`);
	steered.losses = [0.01, 0.01, 0.01];
	steered.run(11_000);
	t.is(steered.loop.reason, 'falling');
	t.regex(steered.loop.explain(), /^falling to 1\.13 x$/);
	t.true(steered.loop.traffic > 0.97 * traffic && steered.loop.traffic < traffic);
});

test('what must survive asks for that', (t) => {
	const steered = new Steered(promiseOf());
	steered.run(10_000);
	t.is(steered.loop.reason, 'survival');
	t.regex(steered.loop.explain(), /^1\.\d+ x survives the death of a path$/);
	t.true(steered.loop.traffic > 1.5);
});

test('a promise that cannot be kept says what it would take', (t) => {
	const steered = new Steered(promiseOf({traffic: 1.625, within: 20}));
	steered.losses = [0.3, 0.3, 0.3];
	steered.run(20_000);
	t.is(steered.loop.reason, 'cap');
	t.is(steered.loop.traffic, 1.625);
	const needed = steered.loop.needed();
	t.true(needed > 2 && needed < 3, `${needed}`);
	t.is(steered.loop.explain(), `needs ${Number(needed.toFixed(2))} x, allowed 1.63 x`);
	const enough = new Steered(promiseOf({traffic: needed, within: 20}));
	enough.losses = steered.losses;
	enough.run(20_000);
	t.is(enough.loop.traffic, needed);
	steered.losses = [0.9, 0.9, 0.9];
	steered.run(20_100);
	t.is(steered.loop.needed(), Number.POSITIVE_INFINITY);
	const figures = {target: 1.5, allowed: 1.5, needed: steered.loop.needed(), rate: 0, stretch: 1};
	t.is(explainTraffic({...figures, reason: 'cap'}), 'no factor is enough, allowed 1.5 x');
});

test('the rate of a promise bounds what is asked for, at once', (t) => {
	const steered = new Steered(promiseOf({rate: 15_000, within: 20, cheap: true}));
	steered.losses = [0.2, 0.2, 0.2];
	steered.bytes = 625;
	steered.run(10_000);
	const unbound = steered.loop.traffic;
	t.true(unbound > 1.5, `${unbound}`);
	t.is(steered.loop.allowed, 3);
	// 1,000 sources of 1,250 bytes in a second are 10,000 kbit/s.
	steered.bytes = 1250;
	steered.run(10_100);
	t.is(steered.loop.allowed, 1.5);
	t.is(steered.loop.traffic, 1.5);
	t.is(steered.loop.reason, 'rate');
	t.regex(steered.loop.explain(), /^needs 1\.\d+ x, 15000 kbit\/s leave 1\.5 x$/);
	steered.bytes = 2500;
	const plan = steered.run(10_200);
	t.is(plan?.traffic, 1);
	steered.bytes = 0;
	steered.run(20_000);
	t.is(steered.loop.allowed, 3);
});

test('copies keep to the rate, too', (t) => {
	const steered = new Steered(promiseOf({traffic: 2, rate: 12_500}));
	steered.losses = [0.02, 0.02];
	steered.bytes = 1250;
	t.is(steered.run(1000)?.coded, true);
	steered.bytes = 600;
	const plan = steered.run(2000);
	t.is(plan?.coded, false);
	t.is(plan?.traffic, 2);
	t.is(steered.loop.explain(), 'copies, as a code would not do better');
});

test('a factor that cannot move is called fixed', (t) => {
	const steered = new Steered(promiseOf({traffic: 1.5, floor: 1.5}));
	steered.run(5000);
	t.is(steered.loop.traffic, 1.5);
	t.deepEqual([...steered.reasons], ['fixed']);
	t.is(steered.loop.explain(), 'fixed');
});

test('without a path there is no plan', (t) => {
	const steered = new Steered(promiseOf());
	steered.losses = [];
	t.is(steered.run(200), undefined);
	t.is(steered.loop.explain(), 'no path');
	t.is(steered.loop.needed(), 1.125);
});

test('where more repairs only make more loss they are taken back', (t) => {
	const steered = new Steered(promiseOf({cheap: true}), 2);
	steered.losses = [0, 0, 0];
	steered.capacity = 1.1;
	steered.run(30_000);
	t.true(steered.reasons.has('probe'));
	t.true(steered.reasons.has('ceiling'));
	t.true(steered.loop.traffic <= 1.2, `${steered.loop.traffic}`);
});

test('at any rate the sources rotate over all paths whose delays are near each other', (t) => {
	const near = [0, 2, 5].map(
		(delay, path): LoopPath => ({
			...{path, loss: 0.1, recentLoss: 0.1, delay, delivered: 0, settled: 1000, arrived: 900},
		}),
	);
	for (const rate of [0.5, 5, 20, 80]) {
		const loop = new PolicyLoop(promiseOf({floor: 2}), REPAIR_OVERHEAD, 0);
		const plan = loop.update(
			{paths: near, rate, bytes: 1200, mix: EQUAL_LENGTHS, counted: 0, failed: 0},
			100,
		);
		t.deepEqual(plan?.sources, [0, 1, 2], `${rate} a ms`);
	}
});

test('no lane is on one path while another one keeps the promise, too', (t) => {
	for (const delay of [8, 12, 20]) {
		const steered = new Steered(promiseOf({traffic: 2}));
		steered.losses = [0.1, 0.1];
		steered.delays = [0, delay];
		const {sources, repairs = sources} = steered.run(20_000)!;
		t.deepEqual([...new Set([...sources, ...repairs])].toSorted(), [0, 1], `${delay} ms`);
	}
	// Where the other one comes too late for the promise, one path has to do.
	const alone = new Steered(promiseOf({traffic: 2}));
	alone.losses = [0.1, 0.1];
	alone.delays = [0, 200];
	t.deepEqual(alone.run(20_000)!.sources, [0]);
});

test('a fixed factor stays, whoever makes the loss', (t) => {
	const steered = new Steered(promiseOf({traffic: 2, floor: 2}), 2);
	steered.capacity = 1.5;
	steered.run(30_000);
	t.is(steered.loop.traffic, 2);
	// A promise gives way to what the paths let through.
	const promised = new Steered(promiseOf({traffic: 2}), 2);
	promised.capacity = 1.5;
	promised.run(30_000);
	t.true(promised.loop.traffic < 1.5, `${promised.loop.traffic}`);
});

test('a pause in the middle of a probe makes no loss the own one', (t) => {
	const steered = new Steered(promiseOf({cheap: true}));
	steered.losses = [0.2, 0.2, 0.2];
	steered.run(3000);
	while (steered.loop.reason !== 'probe') steered.run(steered.now + 100);
	const {traffic} = steered.loop;
	steered.now += 5000;
	steered.losses = [0, 0, 0];
	steered.run(steered.now + 200);
	t.not(steered.loop.reason, 'probe');
	t.not(steered.loop.reason, 'ceiling');
	t.true(steered.loop.traffic > 0.8 * traffic);
});

/** Repairs are three times as long as packets. */
const LONG_REPAIRS = {stretch: 3, short: 0, shortBytes: 0};

test('where repairs are longer than packets a promise takes as many of them, for more bytes', (t) => {
	const equal = new Steered(promiseOf({cheap: true}));
	equal.losses = [0.1, 0.1, 0.1];
	const factor = equal.run(20_000)!.traffic;
	const steered = new Steered(promiseOf({cheap: true}));
	steered.losses = equal.losses;
	steered.mix = LONG_REPAIRS;
	const {traffic} = steered.run(20_000)!;
	t.true(Math.abs((traffic - 1) / (factor - 1) - 3) < 0.1, `${factor}, ${traffic}`);
	t.true(Math.abs(steered.loop.needed() - traffic) <= 3 / 16, `${steered.loop.needed()}`);
	const text = `needs ${Number(traffic.toFixed(2))} x; repairs are 3.0 x the mean packet`;
	t.is(steered.loop.explain(), text);
	// What is allowed is counted in bytes.
	const capped = new Steered(promiseOf({traffic: 1.5}));
	capped.losses = equal.losses;
	capped.mix = LONG_REPAIRS;
	t.is(capped.run(20_000)!.traffic, 1.5);
	t.is(capped.loop.reason, 'cap');
	t.regex(
		capped.loop.explain(),
		/^needs \d\.\d+ x, allowed 1\.5 x; repairs are 3\.0 x the mean packet$/,
	);
});

test('a fixed factor takes more bytes where lengths differ, if its promise does, up to 2', (t) => {
	const steered = new Steered(promiseOf({traffic: 1.5, floor: 1.5}));
	steered.mix = {...LONG_REPAIRS, stretch: 1.8};
	steered.losses = [0.001, 0.001, 0.001];
	t.true(Math.abs(steered.run(20_000)!.traffic - 1.5) < 1e-9);
	t.is(steered.loop.explain(), 'fixed; repairs are 1.8 x the mean packet');
	steered.losses = [0.1, 0.1, 0.1];
	const {traffic} = steered.run(20_200)!;
	t.true(traffic > 1.6 && traffic <= 1.9 + 1e-9, `${traffic}`);
	steered.mix = LONG_REPAIRS;
	t.is(Number(steered.run(20_400)!.traffic.toFixed(9)), 2);
	t.false(steered.reasons.has('climbing'));
});

test('the largest factor in bytes keeps to what an end allows', (t) => {
	t.is(mostOf(1.5, 1.5, 16), 2);
	t.is(mostOf(1.125, 1.125, 16), 1.25);
	t.is(mostOf(1.75, 1.75, 16), 2);
	t.is(mostOf(3, 3, 16), 3);
	t.is(mostOf(1.5, 1.5, 1.75), 1.75);
	t.is(mostOf(1.125, 2, 16), 2);
});
