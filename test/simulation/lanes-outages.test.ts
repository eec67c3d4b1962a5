/*
 * Outages of one path and of all, with a coded lane in use: what they cost, and how soon it is over.
 */
import {crc32} from 'node:zlib';
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {createCoding} from '../../src/core/coding.ts';
import {MAX_WINDOW} from '../../src/fec/encoder.ts';
import {LEAST_CAPACITY} from '../../src/fec/receiver.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {laneWorld, links} from '../support/lanes/lane-world.ts';
import {outcomeAt, sendingOf, settle, streamed} from '../support/lanes/outcome.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSSY = links(3, {delay: 20, loss: randomLoss(0.05)});
const RATE = 200;
/** Delay and deadline, to the server and back. */
const ONE_WAY: Millis = 60;
const BOTH_WAYS: Millis = 120;

/** A world in use, with memory of its own for coded lanes. */
function worldOf(policy: string) {
	const coding = createCoding(crc32, 2 ** 28);
	const world = laneWorld(parseBuiltIn(policy)!, LOSSY, {coding: () => coding});
	settle(world);
	streamed(world, RATE, 4000);
	return {world, memory: coding.memory};
}

/** Lets paths be out, in both directions, while datagrams go on. */
function outage(world: TunnelWorld, paths: readonly number[], length: Millis) {
	for (const path of paths) {
		world.configure(path, {outages: [{from: world.now, until: world.now + length}]});
	}
	return streamed(world, RATE, length);
}

/** Symbols of a client's lane alone, whose ring has grown once: a client that ends goes as a whole. */
const MOST_KEPT = MAX_WINDOW + 1 + 2 * LEAST_CAPACITY;

/** The client ends the session; what lanes of both ends keep then. */
function keptAfterwards(world: TunnelWorld, memory: {readonly used: number}): number {
	world.poke('client', () => world.client!.close(world.now));
	world.run(world.now + 2000);
	return memory.used;
}

for (const policy of ['fec 2', 'fec']) {
	for (const seconds of [1, 10, 40]) {
		test(`one path is out for ${seconds} s: ${policy} loses next to nothing, and uses it again`, (t) => {
			const {world, memory} = worldOf(policy);
			const before = memory.used;
			const from = world.sent;
			outage(world, [0], seconds * 1000);
			streamed(world, RATE, 5000);
			const to = world.sent;
			streamed(world, RATE, 200);
			world.run(world.now + 500);
			const up = outcomeAt(world, 'server', [from, to], ONE_WAY);
			const back = outcomeAt(world, 'client', [from, to], BOTH_WAYS);
			t.log(`${up.bad} and ${back.bad} of ${up.count}`);
			t.true(up.bad <= 4, `${up.lost} lost, ${up.late} late`);
			t.true(back.bad <= 8, `${back.lost} lost, ${back.late} late`);
			for (const end of ['client', 'server'] as const) {
				const {coded, sourcePaths, meanTraffic} = sendingOf(world, end);
				t.true(coded, end);
				t.deepEqual(sourcePaths.toSorted(), ['path 1', 'path 2', 'path 3'], end);
				t.true(meanTraffic < 2.02, `${end}: ${meanTraffic}`);
			}
			t.true(memory.used <= 2 * before, `${before}, then ${memory.used} symbols`);
			t.true(keptAfterwards(world, memory) <= MOST_KEPT);
			t.deepEqual(world.faults, []);
		});
	}
}

for (const policy of ['fec 2', 'fec']) {
	for (const seconds of [5, 20, 40]) {
		test(`all paths are out for ${seconds} s: with ${policy} all is well a second after`, (t) => {
			const {world, memory} = worldOf(policy);
			const before = memory.used;
			outage(world, [0, 1, 2], seconds * 1000);
			const over = world.now;
			const sent = {...sendingOf(world, 'client')};
			const first = streamed(world, RATE, 1000);
			const then = {...sendingOf(world, 'client')};
			const later = streamed(world, RATE, 6000);
			streamed(world, RATE, 200);
			world.run(world.now + 500);
			// Paths that are down while data waits are probed each 200 ms or sooner, and a probe may be lost.
			const soonest = world.atServer.find(({at}) => at >= over)!.at - over;
			t.true(soonest < 500, `the first after ${soonest} ms`);
			const [upFirst, upLater] = [first, later].map((which) => {
				return outcomeAt(world, 'server', which, ONE_WAY);
			});
			const [backFirst, backLater] = [first, later].map((which) => {
				return outcomeAt(world, 'client', which, BOTH_WAYS);
			});
			t.log(`first after ${soonest} ms, ${upFirst!.bad}/${backFirst!.bad} of the first second`);
			t.true(upFirst!.bad <= 0.2 * RATE, `${upFirst!.bad} of the first second`);
			t.true(backFirst!.bad <= 0.3 * RATE, `${backFirst!.bad} of the first second`);
			t.true(upLater!.bad <= 1, `${upLater!.lost} lost, ${upLater!.late} late`);
			t.true(backLater!.bad <= 2, `${backLater!.lost} lost, ${backLater!.late} late`);
			// What waited is no reason to send more than the policy allows.
			const sources = then.sources - sent.sources;
			const extra = then.copies + then.repairs - sent.copies - sent.repairs;
			t.true(extra <= sources, `${extra} for ${sources}`);
			for (const end of ['client', 'server'] as const) {
				const {coded, meanTraffic, traffic, sourcePaths} = sendingOf(world, end);
				t.true(coded && sourcePaths.length === 3, end);
				t.true(meanTraffic < 2.02 && traffic > 1.5, `${end}: ${meanTraffic}, now ${traffic}`);
			}
			const since = sendingOf(world, 'client').repairs - then.repairs;
			t.true(since > 0.5 * 6 * RATE, `${since} repairs`);
			t.true(memory.used <= 2 * before, `${before}, then ${memory.used} symbols`);
			t.true(keptAfterwards(world, memory) <= MOST_KEPT);
			t.deepEqual(world.faults, []);
		});
	}
}
