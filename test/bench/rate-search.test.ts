import test from 'ava';
import {type Best, type RateTrial, searchRate} from './rate-search.ts';

function run(lossLimit: number, answer: (rate: number, index: number) => RateTrial): Best {
	const search = searchRate(lossLimit, undefined);
	let index = 0;
	let step = search.next();
	while (step.done !== true) step = search.next(answer(step.value, index++));
	return step.value;
}

/** Carries that many datagrams a second and loses the rest. */
function bounded(capacity: number, rate: number): RateTrial {
	const carried = Math.min(rate, capacity);
	return {offered: rate, carried, loss: 1 - carried / rate};
}

test('finds what a system carries, below and above the rate it begins with', (t) => {
	for (const capacity of [3000, 20_500, 61_000, 490_000]) {
		const {carried, limited} = run(0.01, (rate) => bounded(capacity, rate));
		t.true(carried <= capacity && carried > 0.85 * capacity, `${capacity}: ${carried}`);
		t.false(limited);
	}
});

test('a smaller loss is asked for', (t) => {
	const lossy = (rate: number) => ({offered: rate, carried: rate * 0.995, loss: 0.005});
	t.is(run(0.001, lossy).rate, 0);
	t.true(run(0.01, lossy).rate > 1_000_000);
});

test('a single spoilt run ends nothing', (t) => {
	const {carried} = run(0.01, (rate, index) =>
		index === 2 ? {offered: rate, carried: 0, loss: 1} : bounded(100_000, rate),
	);
	t.true(carried > 85_000);
});

test('what only fills a queue is not carried', (t) => {
	const queued = (rate: number) => ({offered: rate, carried: Math.min(rate, 40_000), loss: 0});
	t.true(run(0.01, queued).rate < 45_000);
});

test('says when the generator is at its end', (t) => {
	const {limited, rate} = run(0.01, (wanted) => bounded(1e9, Math.min(wanted, 130_000)));
	t.true(limited);
	t.is(rate, 130_000);
});
