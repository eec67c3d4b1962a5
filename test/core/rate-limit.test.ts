import test from 'ava';
import {RateLimit} from '../../src/core/rate-limit.ts';

test('allows so many events a second for each key', (t) => {
	const limit = new RateLimit(3, 10);
	const allowed = (key: string, now: number) =>
		Array.from({length: 5}, () => limit.allow(key, now)).filter(Boolean).length;
	t.is(allowed('a', 0), 3);
	t.is(allowed('b', 999), 3);
	t.is(allowed('a', 999), 0);
	t.is(allowed('a', 1000), 3);
});

test('refuses keys beyond its table, but not those in it', (t) => {
	const limit = new RateLimit(2, 2);
	t.true(limit.allow('a', 0));
	t.true(limit.allow('b', 0));
	t.false(limit.allow('c', 0));
	t.true(limit.allow('a', 0));
	t.true(limit.allow('c', 1000));
});

test('never allows more than twice the rate in any second', (t) => {
	const limit = new RateLimit(10, 1);
	const times: number[] = [];
	for (let now = 0; now < 5000; now += 7) if (limit.allow('', now)) times.push(now);
	for (const from of times) {
		t.true(times.filter((at) => at >= from && at < from + 1000).length <= 20);
	}
	t.true(times.length >= 40);
});
