import test from 'ava';
import {newRenoGoodput, RATE_CASES} from '../../support/rates/cases.ts';
import {holds} from '../../support/rates/numbered-case.ts';

for (const {name, run} of RATE_CASES) {
	test(`keeps its numbers: ${name}`, (t) => {
		for (const seed of [1, 2]) {
			for (const number of run(seed)) {
				t.true(
					holds(number),
					`${number.name}: ${number.value}, limit ${number.limit}, seed ${seed}`,
				);
			}
		}
	});
}

test('the simulation shows what random loss does to NewReno', (t) => {
	const rate = newRenoGoodput(1);
	t.true(rate > 1 && rate < 6, `${rate} Mbit/s`);
});

test('a seed replays a run', (t) => {
	const [first] = RATE_CASES;
	t.deepEqual(first?.run(3), first?.run(3));
});
