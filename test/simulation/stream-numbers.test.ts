import test from 'ava';
import {holds} from '../support/rates/numbered-case.ts';
import {STREAM_CASES} from '../support/rates/stream-cases.ts';

for (const {name, run} of STREAM_CASES) {
	test(`keeps its numbers: ${name}`, (t) => {
		for (const number of run(1)) {
			t.true(holds(number), `${number.name}: ${number.value}, limit ${number.limit}`);
		}
	});
}
