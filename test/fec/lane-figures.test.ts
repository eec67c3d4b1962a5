import test from 'ava';
import {LANE_ROWS} from '../support/lanes/lane-cases.ts';

/** Part of each row's full length. */
const SHARE = 0.03;

for (const row of LANE_ROWS) {
	test(`keeps its figures: ${row.name}`, (t) => {
		const {figure, limit, holds} = row.run(SHARE);
		t.log(figure);
		t.true(holds, `${figure}, expected ${limit}`);
	});
}
