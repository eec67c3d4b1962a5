import test from 'ava';
import {Arrivals} from './arrivals.ts';

test('counts each datagram once, and what came again or late', (t) => {
	const arrivals = new Arrivals();
	for (const sequence of [0, 1, 4, 2, 4, 5, 0]) arrivals.add(sequence, 100, 0, 1);
	t.is(arrivals.unique, 5);
	t.is(arrivals.bytes, 500);
	t.is(arrivals.duplicates, 2);
	t.is(arrivals.reordered, 1);
});

test('knows the longest silence, and when the last one came', (t) => {
	const arrivals = new Arrivals();
	for (const [sequence, now] of [10, 11, 40, 45].entries()) arrivals.add(sequence, 100, 0, now);
	t.is(arrivals.gapFrom, 11);
	t.is(arrivals.gapUntil, 40);
	arrivals.add(0, 100, 0, 300);
	t.is(arrivals.last, 45);
});

test('a new run knows nothing of the former', (t) => {
	const arrivals = new Arrivals();
	for (let sequence = 0; sequence < 1000; sequence++) arrivals.add(sequence, 100, 0, 1);
	arrivals.clear();
	for (let sequence = 0; sequence < 1000; sequence++) arrivals.add(sequence, 100, 0, 1);
	t.is(arrivals.unique, 1000);
	t.is(arrivals.duplicates, 0);
});
