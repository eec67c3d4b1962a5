import test from 'ava';
import fc from 'fast-check';
import {Fifo} from '../../src/bytes/fifo.ts';

test('behaves as an array, whatever its length', (t) => {
	const operations = fc.array(fc.constantFrom('push', 'push', 'shift', 'first'), {maxLength: 200});
	fc.assert(
		fc.property(operations, (list) => {
			const fifo = new Fifo<number>();
			const twin: number[] = [];
			for (const [index, operation] of list.entries()) {
				if (operation === 'push') {
					fifo.push(index);
					twin.push(index);
				} else if (operation === 'shift') t.is(fifo.shift(), twin.shift());
				else t.is(fifo.first, twin[0]);
				t.is(fifo.length, twin.length);
			}
		}),
		{seed: 4},
	);
});
