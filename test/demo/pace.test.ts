import test from 'ava';
import {Pace} from '../../src/demo/pace.ts';

test('the pace starts low, reaches the rate, and keeps to it', (t) => {
	const pace = new Pace(1000, 0);
	let first = 0;
	for (let now = 2; now <= 250; now += 2) first += pace.due(now);
	t.true(first > 240 * 0.25 && first < 260 * 0.25, `${first}`);
	for (let now = 252; now <= 5000; now += 2) pace.due(now);
	let sent = 0;
	for (let now = 5002; now <= 6000; now += 2) sent += pace.due(now);
	t.true(Math.abs(sent - 1000) <= 2, `${sent}`);
});

test('a late timer sends no burst, and often late means slower', (t) => {
	const pace = new Pace(1000, 0);
	for (let now = 2; now <= 5000; now += 2) pace.due(now);
	t.true(pace.due(6000) <= 20);
	for (let now = 6100; now <= 8000; now += 100) t.true(pace.due(now) <= 20);
	t.is(pace.rate, 500);
	t.true(pace.limited);
	for (let now = 8002; now <= 30_000; now += 2) pace.due(now);
	t.is(pace.rate, 1000);
});
