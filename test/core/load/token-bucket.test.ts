import test from 'ava';
import {TokenBucket} from '../../../src/core/load/token-bucket.ts';

test('passes the burst at once, then the rate, whatever comes in between', (t) => {
	const bucket = new TokenBucket(10, 50);
	let passed = 0;
	for (let i = 0; i < 1000; i++) if (bucket.allow(5000)) passed++;
	t.is(passed, 50);
	for (let now = 5000; now < 15_000; now += 10) if (bucket.allow(now)) passed++;
	t.true(Math.abs(passed - 150) <= 1, `${passed}`);
	// A clock that stands still or goes back gives nothing.
	t.false(bucket.allow(14_990));
	t.false(bucket.allow(0));
});
