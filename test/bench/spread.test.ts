import test from 'ava';
import {spread} from './spread.ts';

test('the median of an even number of values lies between the two in the middle', (t) => {
	t.deepEqual(spread([4, 1, 3, 2]), {median: 2.5, low: 1, high: 4});
	t.deepEqual(spread([10, 9, 100]), {median: 10, low: 9, high: 100});
});

test('what is no number is left out', (t) => {
	t.deepEqual(spread([Number.NaN, 5]), {median: 5, low: 5, high: 5});
	t.true(Number.isNaN(spread([]).median));
});
