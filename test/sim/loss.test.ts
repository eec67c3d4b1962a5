import test from 'ava';
import {type LossConfig, LossProcess} from '../../src/sim/loss.ts';
import {Prng} from '../../src/sim/prng.ts';

function run(config: LossConfig, count: number, seed: number | string = 1): boolean[] {
	const process = new LossProcess(config, new Prng(seed));
	return Array.from({length: count}, () => process.next());
}

function countLost(lost: readonly boolean[]): number {
	return lost.filter(Boolean).length;
}

/** The lengths of all runs of losses. */
function bursts(lost: readonly boolean[]): number[] {
	const lengths: number[] = [];
	for (const [index, isLost] of lost.entries()) {
		if (!isLost) continue;
		if (lost[index - 1] === true) lengths[lengths.length - 1]! += 1;
		else lengths.push(1);
	}
	return lengths;
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('loses nothing without a loss process', (t) => {
	t.is(countLost(run({kind: 'none'}, 1000)), 0);
});

for (const loss of [0.001, 0.02, 0.1, 0.3, 0.5, 0.9]) {
	test(`loses ${loss * 100} % within the binomial 99.9 % interval`, (t) => {
		const count = 200_000;
		const deviation = Math.sqrt(count * loss * (1 - loss));
		for (const seed of [1, 2, 3, 4, 5]) {
			const lost = countLost(run({kind: 'random', loss}, count, seed));
			t.true(Math.abs(lost - count * loss) < 3.29 * deviation, `seed ${seed}: ${lost}`);
		}
	});
}

test('loses nothing at 0 and everything at 1, in every process', (t) => {
	for (const kind of ['random', 'burst'] as const) {
		t.is(countLost(run({kind, loss: 0, meanBurst: 3}, 5000)), 0);
		t.is(countLost(run({kind, loss: 1, meanBurst: 3}, 5000)), 5000);
	}
});

test('random losses come in runs of 1 / (1 - loss)', (t) => {
	const lengths = bursts(run({kind: 'random', loss: 0.2}, 400_000));
	t.true(Math.abs(mean(lengths) - 1.25) < 0.01, `${mean(lengths)}`);
});

for (const [loss, meanBurst] of [
	[0.01, 2],
	[0.1, 5],
	[0.3, 10],
	[0.2, 1],
	[0.6, 1.5],
] as const) {
	test(`burst losses of ${loss * 100} % have mean length ${meanBurst}`, (t) => {
		const lost = run({kind: 'burst', loss, meanBurst}, 1_000_000, 'burst');
		const lengths = bursts(lost);
		// Correlated losses spread the share by about sqrt(2 x burst) more than independent ones.
		const deviation = Math.sqrt((loss * (1 - loss) * 2 * meanBurst) / lost.length);
		t.true(Math.abs(mean(lost.map(Number)) - loss) < 4 * deviation, `${mean(lost.map(Number))}`);
		const spread = Math.sqrt((meanBurst * (meanBurst - 1)) / lengths.length);
		t.true(Math.abs(mean(lengths) - meanBurst) <= 4 * spread, `${mean(lengths)}`);
	});
}

test('burst lengths are geometric', (t) => {
	const lengths = bursts(run({kind: 'burst', loss: 0.1, meanBurst: 4}, 1_000_000));
	for (let length = 1; length <= 8; length++) {
		const expected = 0.25 * 0.75 ** (length - 1);
		const seen = lengths.filter((value) => value === length).length / lengths.length;
		t.true(Math.abs(seen - expected) < 4 * Math.sqrt(expected / lengths.length), `${length}`);
	}
});

test('the first datagram of a burst process meets the mean loss as well', (t) => {
	let lost = 0;
	for (let seed = 0; seed < 10_000; seed++) {
		if (run({kind: 'burst', loss: 0.3, meanBurst: 20}, 1, seed)[0] === true) lost++;
	}
	t.true(Math.abs(lost - 3000) < 3.29 * Math.sqrt(2100), `${lost}`);
});

test('replays a trace and starts again at its end', (t) => {
	const config: LossConfig = {kind: 'trace', lost: [true, false, false]};
	t.deepEqual(run(config, 7), [true, false, false, true, false, false, true]);
});

test('refuses impossible parameters', (t) => {
	const impossible: LossConfig[] = [
		{kind: 'random', loss: -0.1},
		{kind: 'random', loss: 1.1},
		{kind: 'random', loss: Number.NaN},
		{kind: 'burst', loss: 0.1, meanBurst: 0.9},
		{kind: 'burst', loss: 0.1, meanBurst: Number.POSITIVE_INFINITY},
		{kind: 'burst', loss: 0.9, meanBurst: 5},
		{kind: 'trace', lost: []},
	];
	for (const config of impossible) t.throws(() => run(config, 1), {instanceOf: RangeError});
});

test('goes on in its random stream when the parameters change', (t) => {
	const whole = run({kind: 'random', loss: 0.5}, 200, 9);
	const process = new LossProcess({kind: 'random', loss: 0.5}, new Prng(9));
	const first = Array.from({length: 100}, () => process.next());
	process.configure({kind: 'random', loss: 0.1});
	process.configure({kind: 'random', loss: 0.5});
	const second = Array.from({length: 100}, () => process.next());
	t.deepEqual([...first, ...second], whole);
});

test('stays in its bad state when the mean burst grows', (t) => {
	const process = new LossProcess({kind: 'burst', loss: 0.5, meanBurst: 5}, new Prng(2));
	while (!process.next());
	process.configure({kind: 'burst', loss: 0.5, meanBurst: 1e12});
	t.true(Array.from({length: 100}, () => process.next()).every(Boolean));
});
