/*
 * Paths that lose packets in bursts, each at times of its own. While two of three are in one, T 2
 * brings back nothing of what is sent, beyond what the window of a repair reaches over: that is
 * 3 p^2 of the time.
 */
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {Prng} from '../../src/sim/prng.ts';
import {laneWorld, links} from '../support/lanes/lane-world.ts';
import {type Outcome, outcomeAt, settle, streamed} from '../support/lanes/outcome.ts';
import {binomialInterval} from '../support/world/statistics.ts';
import type {TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSS = 0.1;
const RATE = 1000;
const DURATION: Millis = 20_000;
/** Delay of the links, and the deadline of `fec`. */
const DELAY: Millis = 20;
const WITHIN: Millis = 40;

/** What became of the datagrams under a policy, and packets sent for each. */
function runs(policy: string, paths: readonly Partial<LinkConfig>[]): Outcome & {traffic: number} {
	const world: TunnelWorld = laneWorld(parseBuiltIn(policy)!, paths, {echo: false});
	settle(world);
	streamed(world, RATE, 1000);
	const before = world.copies.reduce((sum, packets) => sum + packets, 0);
	const which = streamed(world, RATE, DURATION);
	const after = world.copies.reduce((sum, packets) => sum + packets, 0);
	// The last ones have others behind them.
	streamed(world, RATE, 200);
	world.run(world.now + 1000);
	const outcome = outcomeAt(world, 'server', which, DELAY + WITHIN);
	return {...outcome, traffic: (after - before) / outcome.count};
}

/** Packets a source, with probes and reports, that T 2 may take. */
const TWICE = 2.05;

for (const {mean, most} of [
	// Shorter than the deadline: hardly anything is left.
	{mean: 3, most: 2e-4},
	// Overlaps of 5 packets in the mean; those of more than 20 are beyond a window of 40.
	{mean: 10, most: 5e-3},
	// A burst lasts 75 ms. Their length is in packets, so that it lasts longer yet where few are sent.
	{mean: 50, most: LOSS},
]) {
	test(`bursts of ${mean} packets on each path: fec 2 against redundant`, (t) => {
		const loss = {kind: 'burst', loss: LOSS, meanBurst: mean} as const;
		const paths = links(3, {delay: DELAY, loss});
		const coded = runs('fec 2', paths);
		const copied = runs('redundant', paths);
		t.log(`${coded.lost} lost and ${coded.late} late of ${coded.count}; copies: ${copied.lost}`);
		t.true(coded.bad <= most * coded.count, `${coded.lost} lost, ${coded.late} late`);
		t.true(coded.traffic < TWICE, `${coded.traffic}`);
		t.true(copied.traffic > 2.95, `${copied.traffic}`);
		// All three at once: of bursts there are fewer than of packets, so that chance has more room.
		const [, high] = binomialInterval(Math.ceil(copied.count / mean), LOSS ** 3, 0.999);
		t.true(copied.lost <= high * mean, `${copied.lost} of ${copied.count}`);
		if (mean === 3) t.true(coded.bad < copied.lost, `${coded.bad} against ${copied.lost}`);
	});
}

/** Outages of a path that begin at random. @param mean of their lengths */
function outages(random: Prng, mean: Millis): LinkConfig['outages'] {
	const found: {from: Millis; until: Millis}[] = [];
	const length = (of: Millis) => -Math.log(1 - random.uniform()) * of;
	for (let at = 2000; at < 30_000; at = found.at(-1)!.until) {
		const from = at + length((mean * (1 - LOSS)) / LOSS);
		found.push({from, until: from + length(mean)});
	}
	return found;
}

for (const {mean, most} of [
	{mean: 15, most: 0.01},
	// Paths are in use again soon after theirs.
	{mean: 75, most: 2 * LOSS ** 2},
	// The lane leaves a path for the longer part of such a burst.
	{mean: 300, most: 3 * LOSS ** 2},
]) {
	test(`bursts of ${mean} ms on each path: fec 2 loses no more than what two at once take`, (t) => {
		const random = new Prng(mean);
		const paths = [1, 2, 3].map(() => ({delay: DELAY, outages: outages(random, mean)}));
		const {lost, late, bad, count, traffic} = runs('fec 2', paths);
		t.log(`${lost} lost and ${late} late of ${count}`);
		t.true(bad <= most * count, `${lost} lost, ${late} late`);
		t.true(traffic < TWICE, `${traffic}`);
	});
}
