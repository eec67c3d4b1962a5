import test from 'ava';
import fc from 'fast-check';
import {Ring} from '../../src/bytes/ring.ts';

test('behaves as an array of limited length', (t) => {
	const operations = fc.array(fc.constantFrom('push', 'push', 'shift', 'peek'), {maxLength: 80});
	fc.assert(
		fc.property(fc.integer({min: 1, max: 9}), operations, (capacity, list) => {
			const ring = new Ring<number>(capacity);
			const twin: number[] = [];
			for (const [index, operation] of list.entries()) {
				if (operation === 'push') {
					t.is(ring.push(index), twin.length < capacity);
					if (twin.length < capacity) twin.push(index);
				} else if (operation === 'shift') t.is(ring.shift(), twin.shift());
				else t.is(ring.peek(), twin[0]);
				t.is(ring.length, twin.length);
			}
		}),
		{seed: 4},
	);
});

test('refuses a capacity below 1', (t) => {
	for (const capacity of [0, -1, Number.NaN]) {
		t.throws(() => new Ring(capacity), {instanceOf: RangeError});
	}
});
