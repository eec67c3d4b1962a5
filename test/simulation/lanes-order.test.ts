/*
 * Coded lanes over paths that change the order of packets, and packets that come tens of thousands
 * of packets late.
 */
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';
import type {Flight} from '../support/world/world-options.ts';

const LOSS = randomLoss(0.05);

/** Datagrams that took longer than `limit`, or never came. */
function badIn(world: TunnelWorld, limit: Millis): number {
	const inTime = world.atServer.filter(({at, sentAt}) => at - sentAt <= limit);
	return world.sent - inTime.length;
}

function receivingOf({server, now}: TunnelWorld) {
	return server!.status(now).sessions[0]!.lanes[0]!.receiving!;
}

interface Case {
	readonly title: string;
	readonly links: readonly Partial<LinkConfig>[];
	readonly within: Millis;
	/** Time that a packet takes at most without loss. */
	readonly slowest: Millis;
}

const CASES: readonly Case[] = [
	{
		title: 'jitter of 30 ms that keeps the order',
		links: links(3, {delay: 40, jitter: 30, loss: LOSS}),
		within: 120,
		slowest: 70,
	},
	{
		title: 'jitter of 20 ms that does not',
		links: links(3, {delay: 30, jitter: 20, jitterReorders: true, loss: LOSS}),
		within: 100,
		slowest: 50,
	},
	{
		title: 'one path that holds back every third packet for 40 ms',
		links: [
			{delay: 20, loss: LOSS},
			{delay: 20, loss: LOSS, reorder: 0.3, reorderBy: 40},
			{delay: 20, loss: LOSS},
		],
		within: 100,
		slowest: 60,
	},
];

for (const {title, links: paths, within, slowest} of CASES) {
	for (const rate of [100, 1000]) {
		test(`${title}, ${rate} a second: nothing comes twice, and next to nothing late`, (t) => {
			const world = laneWorld(codedPolicy({traffic: 1.75, within}), paths, {echo: false});
			world.run(500);
			world.stream(rate, 4000);
			world.run(world.now + 1000);
			const bad = badIn(world, slowest + within);
			t.log(`${bad} of ${world.sent} lost or late`);
			// Some at the start, while jitter is taken for a way that has become longer.
			t.true(bad <= 10, `${bad} of ${world.sent} lost or late`);
			t.deepEqual(world.faults, []);
		});
	}
}

test('packets that come 33,000 to 65,000 packets late come out once, or not at all', (t) => {
	const kept: {readonly packet: Flight; readonly isCopy: boolean}[] = [];
	let left = 0;
	const paths = links(2, {delay: 5, loss: randomLoss(0.02)});
	const world: TunnelWorld = laneWorld(codedPolicy({traffic: 1.25}), paths, {
		echo: false,
		intercept: (packet, _path, up) => {
			if (!up || left === 0) return true;
			left--;
			// Every other one arrives at once as well.
			kept.push({packet, isCopy: left % 2 === 0});
			return left % 2 === 0;
		},
	});
	world.run(500);
	world.stream(5000, 200);
	left = 120;
	world.stream(5000, 5600);
	t.is(kept.length, 120);
	for (let round = 0; round < 3; round++) {
		const before = receivingOf(world);
		for (const {packet} of kept.slice(40 * round, 40 * round + 40)) {
			world.inject('server', 0, packet.bytes);
		}
		const after = receivingOf(world);
		// The window of the lane is where it was, and nothing more is missing by it.
		t.is(after.missing, before.missing);
		t.is(after.received + after.recovered, before.received + before.recovered);
		const from = world.sent;
		world.stream(5000, 2600);
		world.run(world.now + 50);
		const lost = world.lostAtServer(from).length;
		t.true(lost <= 2, `${lost} of ${world.sent - from} lost behind them`);
	}
	t.true(receivingOf(world).recovered > 500);
	t.deepEqual(world.faults, []);
});
