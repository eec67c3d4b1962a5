/*
 * Coded lanes over paths of different sizes, and over some that become smaller inside a window:
 * datagrams that fill packets, and some that take seven of them.
 */
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {laneWorld, links} from '../support/lanes/lane-world.ts';
import {outcomeAt, sendingOf, settle, streamed} from '../support/lanes/outcome.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

/** Headers of IPv4 and UDP. */
const HEADERS = 28;
const ONE_WAY: Millis = 60;
const BOTH_WAYS: Millis = 120;

/** A world in use whose paths have these MTUs, which may change. */
function worldOf(policy: string, mtus: number[]): TunnelWorld {
	const world = laneWorld(parseBuiltIn(policy)!, links(3, {delay: 20, loss: randomLoss(0.02)}), {
		intercept: ({bytes}, path) => bytes.length + HEADERS <= mtus[path]!,
	});
	settle(world);
	world.run(world.now + 3000);
	return world;
}

const sizes = (world: TunnelWorld) =>
	(['client', 'server'] as const).map((end) => {
		return world[end]!.status(world.now).sessions[0]!.paths.map(({mtu}) => mtu);
	});

/** Datagrams of some size, and how many in a second. */
const DATAGRAMS = [
	{size: 1400, rate: 200},
	{size: 9000, rate: 50},
];

for (const {size, rate} of DATAGRAMS) {
	test(`${size} bytes over MTUs of 1500, 1492 and 1280: nothing is lost`, (t) => {
		const world = worldOf('fec 2', [1500, 1492, 1280]);
		streamed(world, rate, 1000, size);
		const which = streamed(world, rate, 8000, size);
		streamed(world, rate, 200, size);
		world.run(world.now + 500);
		t.deepEqual(sizes(world), [
			[1472, 1452, 1200],
			[1472, 1452, 1200],
		]);
		const up = outcomeAt(world, 'server', which, ONE_WAY);
		const back = outcomeAt(world, 'client', which, BOTH_WAYS);
		t.log(`${up.bad} and ${back.bad} of ${up.count}`);
		t.true(up.bad <= 1, `up: ${up.lost} lost, ${up.late} late`);
		t.true(back.bad <= 1, `back: ${back.lost} lost, ${back.late} late`);
		for (const end of ['client', 'server'] as const) {
			const {sourcePaths, meanTraffic} = sendingOf(world, end);
			t.is(sourcePaths.length, 3, end);
			t.true(meanTraffic < 2.02, `${meanTraffic}`);
		}
		t.deepEqual(world.faults, []);
	});
}

for (const {size, rate} of DATAGRAMS) {
	for (const {narrow, title, least, most} of [
		{narrow: [0], title: 'one path', least: 0, most: 0},
		// What is sent until the sizes are given up has no other way.
		{narrow: [0, 1, 2], title: 'every path', least: 0.1, most: 0.4},
	]) {
		test(`${title} lets through 1280 from now on: ${size} bytes fit again soon`, (t) => {
			const mtus = [1500, 1500, 1500];
			const world = worldOf('fec 2', mtus);
			streamed(world, rate, 3000, size);
			t.deepEqual(sizes(world).flat(), new Array(6).fill(1472));
			for (const path of narrow) mtus[path] = 1280;
			const during = streamed(world, rate, 3000, size);
			const after = streamed(world, rate, 4000, size);
			streamed(world, rate, 200, size);
			world.run(world.now + 500);
			const up = outcomeAt(world, 'server', during, ONE_WAY);
			const back = outcomeAt(world, 'client', during, BOTH_WAYS);
			t.log(`${up.bad} and ${back.bad} of ${up.count}`);
			t.true(up.bad <= most * rate + 3, `up: ${up.lost} lost, ${up.late} late`);
			t.true(back.bad <= 1.5 * most * rate + 3, `back: ${back.lost} lost, ${back.late} late`);
			// Some are, or the world is not what it should be.
			t.true(up.lost >= least * rate, `${up.lost} lost`);
			t.true(outcomeAt(world, 'server', after, ONE_WAY).bad <= 1);
			t.true(outcomeAt(world, 'client', after, BOTH_WAYS).bad <= 2);
			const expected = mtus.map((mtu) => (mtu === 1280 ? 1200 : 1472));
			t.deepEqual(sizes(world), [expected, expected]);
			for (const end of ['client', 'server'] as const) {
				const {coded, sourcePaths, meanTraffic} = sendingOf(world, end);
				t.true(coded && sourcePaths.length === 3, `${end}: ${sourcePaths}`);
				t.true(meanTraffic < 2.02, `${end}: ${meanTraffic}`);
			}
			t.deepEqual(world.faults, []);
		});
	}
}
