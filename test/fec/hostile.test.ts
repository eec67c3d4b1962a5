import test from 'ava';
import {flood} from '../support/lanes/hostile.ts';

// `npm run bench:lanes` sends 10,000,000.
const REPAIRS = 100_000;

for (const seed of [1, 2, 3]) {
	test(`${REPAIRS} hostile repairs, seed ${seed}: work and memory are bounded, and honest traffic goes on`, (t) => {
		const found = flood(REPAIRS, seed);
		t.is(found.fates, REPAIRS);
		t.is(found.recovered, 0);
		t.true(found.operations <= found.mostOperations, JSON.stringify(found));
		t.true(found.operations > 10_000);
		t.true(found.slots <= found.mostSlots, JSON.stringify(found));
		t.is(found.lostAfter, 0);
		t.is(found.left, 0);
	});
}
