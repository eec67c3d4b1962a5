/*
 * Coded lanes over paths of which some are much slower than others: what the slow ones carry makes
 * nothing late that the fast ones could bring in time.
 */
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {codedPolicy, laneWorld} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSS = randomLoss(0.05);
const RATE = 500;

/** A lane whose paths have these delays and lose one packet in 20. */
function skewed(delays: readonly Millis[], within: Millis, traffic: number): TunnelWorld {
	const paths = delays.map((delay) => ({delay, loss: LOSS}));
	const world = laneWorld(codedPolicy({traffic, within}), paths, {echo: false});
	// By then all paths are up.
	world.run(500);
	return world;
}

/** Sources of [from, to) that are lost, or took longer than `limit`. */
function badIn(world: TunnelWorld, from: number, to: number, limit: Millis): number {
	let inTime = 0;
	for (const {sequence, at, sentAt} of world.atServer) {
		if (sequence >= from && sequence < to && at - sentAt <= limit) inTime++;
	}
	return to - from - inTime;
}

/** Sending direction of the client's only lane. */
function sendingOf({client, now}: TunnelWorld) {
	return client!.status(now).sessions[0]!.lanes[0]!.sending!;
}

/** Delays, and the deadline. */
const SKEWS: readonly (readonly [delays: readonly Millis[], within: Millis])[] = [
	[[20, 20, 20], 40],
	[[10, 20, 30], 60],
	[[10, 60, 110], 150],
	[[10, 110, 110], 150],
	[[10, 110, 210], 300],
	[[10, 10, 210], 60],
	[[10, 60, 110], 60],
	[[10, 210], 60],
	[[10, 210], 300],
];

for (const traffic of [1.5, 2]) {
	for (const [delays, within] of SKEWS) {
		test(`fec ${traffic} within ${within} ms over ${delays.join('/')} ms leaves nothing late`, (t) => {
			const world = skewed(delays, within, traffic);
			world.stream(RATE, 7000);
			const to = world.sent;
			// The last ones have others behind them.
			world.stream(RATE, 200);
			world.run(world.now + 500);
			const bad = badIn(world, 0, to, delays[0]! + within);
			t.true(bad <= 2, `${bad} of ${to} lost or late`);
			t.deepEqual(world.faults, []);
		});
	}
}

test('a path that is too slow for the deadline carries samples only, however lossy the fast one is', (t) => {
	const world = skewed([10, 210], 60, 2);
	world.configure(0, {loss: randomLoss(0.3)});
	world.stream(RATE, 2000);
	const before = world.copies[1]!;
	const from = world.sent;
	for (let second = 0; second < 8; second++) {
		world.stream(RATE, 1000);
		t.deepEqual(sendingOf(world).sourcePaths, ['path 1']);
	}
	const sources = world.sent - from;
	const samples = world.copies[1]! - before;
	world.run(world.now + 500);
	// One source in 50, and probes.
	t.true(samples < 0.05 * sources + 8 * 20, `${samples} packets over the slow path`);
	const bad = badIn(world, from, from + sources - 20, 70);
	t.true(bad <= 12, `${bad} of ${sources} lost or late`);
});

test('where the fast path falls silent the slow one carries all, and nothing once it is back', (t) => {
	const world = skewed([10, 210], 60, 2);
	world.stream(RATE, 3000);
	const from = world.sent;
	world.configure(0, {loss: randomLoss(1)});
	world.stream(RATE, 3000);
	world.configure(0, {loss: LOSS});
	world.stream(RATE, 3000);
	const back = world.sent;
	world.stream(RATE, 3000);
	const to = world.sent;
	world.stream(RATE, 200);
	world.run(world.now + 500);
	const lost = world.lostAtServer(from, back).length;
	// Half a second: what says so comes over the slow path, and so does what shows it.
	t.true(lost <= 280, `${lost} lost while the fast path was silent`);
	const bad = badIn(world, back, to, 70);
	t.true(bad <= 2, `${bad} of ${to - back} lost or late`);
});

/** A path whose way becomes longer while it carries sources. */
const CHANGES: readonly (readonly [delays: readonly Millis[], within: Millis, to: Millis])[] = [
	[[10, 10, 60], 60, 210],
	[[10, 60], 150, 310],
];

for (const [delays, within, longer] of CHANGES) {
	test(`a path that goes from ${delays[0]} to ${longer} ms makes sources late for less than two seconds`, (t) => {
		const world = skewed(delays, within, 1.5);
		world.stream(RATE, 3000);
		const changed = world.sent;
		world.configure(0, {delay: longer});
		world.stream(RATE, 1500);
		const settled = world.sent;
		world.stream(RATE, 5000);
		const to = world.sent;
		world.stream(RATE, 200);
		world.run(world.now + 800);
		const limit = delays[1]! + within;
		const early = badIn(world, changed, settled, limit);
		const later = badIn(world, settled, to, limit);
		t.true(early <= 500, `${early} of the first ${settled - changed} late`);
		t.true(later <= 30, `${later} of ${to - settled} late`);
		t.false(sendingOf(world).sourcePaths.includes('path 1'));
	});
}
