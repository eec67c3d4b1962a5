/*
 * Whole tunnels over paths that lose packets at random, at slow and fast rates: what is lost or
 * late is what the formula says.
 */
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {residualWithin} from '../../src/fec/decay.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {outcomeAt, sendingOf, settle, streamed} from '../support/lanes/outcome.ts';
import {randomLoss} from '../support/world/tunnel-world.ts';

const TRAFFIC = 2;
const WITHIN: Millis = 40;
const DELAY: Millis = 20;
/** Slots beyond which the window of repairs says more than the formula. */
const MOST_SLOTS = 64;
/** By so much it is less than what is seen where a deadline has two slots. */
const COARSE = 3;

/** Share that T 2 leaves by the formula; where two paths carry copies instead, what these leave. */
function leaves(paths: number, loss: number, rate: number): number {
	const share = {sources: 1 / paths, repairs: (TRAFFIC - 1) / paths, loss};
	const shares = new Array<typeof share>(paths).fill(share);
	const coded = residualWithin(shares, Math.min(MOST_SLOTS, (rate * WITHIN) / 1000));
	return paths === 2 && loss <= 0.01 ? Math.max(coded, loss ** 2) : coded;
}

const LOSSES = [0.01, 0.05, 0.1, 0.2, 0.3];

for (const {paths, rate, before, duration} of [
	{paths: 3, rate: 50, before: 2000, duration: 20_000},
	{paths: 3, rate: 500, before: 1500, duration: 6000},
	{paths: 3, rate: 10_000, before: 200, duration: 400},
	{paths: 3, rate: 80_000, before: 50, duration: 100},
	{paths: 2, rate: 50, before: 2000, duration: 20_000},
	{paths: 2, rate: 500, before: 1500, duration: 6000},
	{paths: 2, rate: 10_000, before: 200, duration: 400},
]) {
	test(`fec 2 over ${paths} paths at ${rate}/s leaves what the formula says, at 1 to 30 %`, (t) => {
		for (const loss of LOSSES) {
			const world = laneWorld(
				codedPolicy({traffic: TRAFFIC, within: WITHIN}),
				links(paths, {delay: DELAY, loss: randomLoss(loss)}),
				{echo: false},
			);
			settle(world);
			streamed(world, rate, before);
			const which = streamed(world, rate, duration);
			// The last ones have others behind them.
			streamed(world, rate, rate === 50 ? 200 : 20);
			world.run(world.now + 500);
			const {count, lost, late, bad} = outcomeAt(world, 'server', which, DELAY + WITHIN);
			const expected = COARSE * leaves(paths, loss, rate) * count;
			const most = expected + 3 * Math.sqrt(expected) + 2;
			const figures = `${100 * loss} %: ${lost} lost, ${late} late of ${count}`;
			t.log(`${figures}, at most ${most.toFixed(1)}`);
			t.true(bad <= most, `${figures}, at most ${most}`);
			const {meanTraffic} = sendingOf(world, 'client');
			t.true(meanTraffic < TRAFFIC + 0.05, `T ${meanTraffic}`);
			t.deepEqual(world.faults, []);
		}
	});
}
