import test from 'ava';
import {Arrivals, Delays, LATE_AFTER} from '../../src/demo/arrivals.ts';

test('a datagram is late when one that was sent later came long before it', (t) => {
	const arrivals = new Arrivals();
	arrivals.accept(0, 0, 10);
	arrivals.accept(2, 4, 14);
	arrivals.accept(1, 2, 14 + LATE_AFTER);
	t.is(arrivals.late, 0);
	arrivals.accept(5, 20, 100);
	// What is due is not late because the first sign of it was.
	t.is(arrivals.late, 0);
	arrivals.accept(4, 18, 100 + LATE_AFTER + 0.1);
	t.is(arrivals.late, 1);
	t.is(arrivals.arrived, 5);
	// Number 3 never comes.
	arrivals.accept(4, 18, 200);
	t.deepEqual([arrivals.arrived, arrivals.twice, arrivals.late], [5, 1, 1]);
});

test('a gap longer than what is remembered leaves the newest judged as before', (t) => {
	const arrivals = new Arrivals();
	arrivals.accept(0, 0, 0);
	arrivals.accept(300_000, 0, 50);
	arrivals.accept(299_999, 0, 60);
	t.is(arrivals.late, 0);
	arrivals.accept(299_998, 0, 50 + LATE_AFTER + 1);
	t.is(arrivals.late, 1);
});

test('quantiles of delays are those of the counts of both', (t) => {
	const delays = new Delays();
	t.is(delays.quantile(0.5), undefined);
	for (let delay = 1; delay <= 50; delay++) delays.add(delay);
	const others = new Delays();
	for (let delay = 51; delay <= 100; delay++) others.add(delay);
	delays.addAll(others);
	t.is(delays.quantile(0.5), 50);
	t.is(delays.quantile(0.99), 99);
	t.is(delays.quantile(1), 100);
	delays.add(-1);
	delays.add(1e9);
	t.is(delays.quantile(0), 0);
	t.is(delays.quantile(1), 2000);
});
