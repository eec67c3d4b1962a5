import test from 'ava';
import {LANE_ROWS} from '../support/lanes/lane-cases.ts';

/** Part of each row's full length; `npm run bench:lanes` runs all of it. */
const SHARE = 0.01;

for (const row of LANE_ROWS) {
	test(`keeps its figures: ${row.name}`, (t) => {
		const {figure, limit, holds} = row.run(SHARE);
		t.log(figure);
		t.true(holds, `${figure}, expected ${limit}`);
	});
}
