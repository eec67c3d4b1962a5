import test from 'ava';
import fc from 'fast-check';
import {RecoveredSet} from '../../src/fec/recovered-set.ts';

const SPAN = 65_536;

test('what was added is remembered for as long as packet numbers are, and nothing else is', (t) => {
	const step = fc.oneof(
		{weight: 6, arbitrary: fc.integer({min: 1, max: 70})},
		{weight: 2, arbitrary: fc.integer({min: -900, max: 0})},
		{weight: 1, arbitrary: fc.integer({min: -70_000, max: 140_000})},
	);
	const start = fc.constantFrom(0, 31, 2 ** 31 - 50, 2 ** 32 - 100);
	fc.assert(
		fc.property(start, fc.array(step, {maxLength: 80}), (first, steps) => {
			const set = new RecoveredSet();
			const added = new Set<number>();
			let newest = first;
			let at = first;
			for (const by of steps) {
				at += by;
				set.add(at >>> 0);
				added.add(at);
				if (added.size === 1) newest = at;
				newest = Math.max(newest, at);
			}
			for (const near of [...added].flatMap((one) => [one - 1, one, one + 1, one - 32])) {
				const isKept = added.has(near) && newest - near < SPAN;
				t.is(set.has(near >>> 0), isKept, `${near} of ${newest}`);
			}
		}),
		{seed: 1, numRuns: 300},
	);
});

test('a set to which nothing was added has nothing', (t) => {
	t.false(new RecoveredSet().has(0));
});
