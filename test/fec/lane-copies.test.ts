import test from 'ava';
import {LaneRun} from '../support/lanes/lane-run.ts';
import {planOf} from '../support/lanes/plan.ts';

const LOSS = 0.02;
const SOURCES = 60_000;

test('copies on two good paths leave what they leave without a bad one beside them', (t) => {
	const run = new LaneRun({
		seed: 1,
		links: [LOSS, LOSS, 0.95].map((loss) => ({delay: 20, loss: {kind: 'random', loss}})),
		rate: 1000,
		sources: SOURCES,
		within: 40,
		plan: planOf(1.5, 40),
		promise: {residual: 1e-4, within: 40, traffic: 2, most: 2, floor: 1.125, cheap: false, rate: 0},
	});
	run.run();
	t.like(run.sender.plan, {coded: false, sources: [0, 1], samples: [2]});
	const {lost, late} = run.between(5000, SOURCES);
	const expected = LOSS ** 2 * (SOURCES - 5000);
	t.true(lost + late < expected + 3 * Math.sqrt(expected), `${lost} lost, ${late} late`);
	// One packet in 50 keeps it known that the third is bad.
	const sent = run.meters[2]!.sent;
	t.true(sent > 0.015 * SOURCES && sent < 0.03 * SOURCES, `${sent}`);
});
