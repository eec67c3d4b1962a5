import test from 'ava';
import {Histogram} from './histogram.ts';

test('quantiles are exact to 1.6 %', (t) => {
	const histogram = new Histogram();
	for (let i = 1; i <= 10_000; i++) histogram.add(i);
	for (const part of [0.01, 0.5, 0.99]) {
		const ratio = histogram.quantile(part) / (part * 10_000);
		t.true(Math.abs(ratio - 1) < 0.016, `${part}: ${ratio}`);
	}
});

test('one slow datagram in a hundred is the 99th percentile, not the median', (t) => {
	const histogram = new Histogram();
	for (let i = 0; i < 98; i++) histogram.add(50);
	histogram.add(9000);
	histogram.add(9000);
	t.true(Math.abs(histogram.quantile(0.5) / 50 - 1) < 0.016);
	t.true(Math.abs(histogram.quantile(0.99) / 9000 - 1) < 0.016);
});

test('nothing has no quantile, and a cleared one holds nothing', (t) => {
	const histogram = new Histogram();
	histogram.add(7);
	histogram.clear();
	t.is(histogram.count, 0);
	t.true(Number.isNaN(histogram.quantile(0.5)));
});
