/*
 * Coded lanes with the traffic of applications: calls with pauses, games, pictures of a video, long
 * datagrams, rates that change a thousandfold, and many flows at once.
 */
import test, {type ExecutionContext} from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const DELAY: Millis = 20;
const WITHIN: Millis = 40;
const LOSSY = links(3, {delay: DELAY, loss: randomLoss(0.1)});

/** A lane over three paths of 10 %, which are up. */
function lossy(traffic: number, echo = false): TunnelWorld {
	const world = laneWorld(codedPolicy({traffic, within: WITHIN}), LOSSY, {echo});
	world.run(1000);
	return world;
}

/** Datagrams from `from` on that did not reach the server in time. */
function badFrom(world: TunnelWorld, from: number): number {
	let inTime = 0;
	for (const {sequence, at, sentAt} of world.atServer) {
		if (sequence >= from && at - sentAt <= DELAY + WITHIN) inTime++;
	}
	return world.sent - from - inTime;
}

function sendingOf({client, now}: TunnelWorld) {
	return client!.status(now).sessions[0]!.lanes[0]!.sending!;
}

/** Checks that at most so many of the datagrams were lost or late, and what they cost. */
function keeps(
	t: ExecutionContext,
	world: TunnelWorld,
	{bad, traffic}: {readonly bad: number; readonly traffic: number},
): void {
	world.run(world.now + 1000);
	const found = badFrom(world, 0);
	const {meanTraffic} = sendingOf(world);
	t.log(`${found} of ${world.sent} lost or late, T ${meanTraffic.toFixed(3)}`);
	t.true(found <= bad, `${found} of ${world.sent} lost or late`);
	t.true(meanTraffic <= traffic, `T ${meanTraffic}`);
	t.deepEqual(world.faults, []);
}

test('a rate that goes from 10 to 10,000 a second and back keeps its promise', (t) => {
	const world = lossy(2);
	world.stream(10, 5000);
	const rise = world.sent;
	world.stream(10_000, 100);
	const fast = world.sent;
	world.stream(10_000, 1000);
	const fall = world.sent;
	world.stream(10, 8000);
	const bad = (from: number, to: number) => badFrom(world, from) - badFrom(world, to);
	world.run(world.now + 1000);
	const found = [bad(0, rise), bad(rise, fast), bad(fast, fall), badFrom(world, fall)];
	t.log(`${found} of 50, 1,000, 10,000 and 80 lost or late`);
	// A slot longer than the deadline leaves copies on two paths of 10 %, beside the first moments.
	[4, 16, 3, 5].forEach((most, phase) => {
		t.true(found[phase]! <= most, `${found}`);
	});
	t.deepEqual(world.faults, []);
});

test('a call with pauses of two seconds keeps its promise', (t) => {
	const world = lossy(3);
	for (let talk = 0; talk < 25; talk++) {
		world.stream(50, 1000 + (talk % 5) * 250);
		world.run(world.now + 2000);
	}
	keeps(t, world, {bad: 5, traffic: 3.05});
});

test('a game of 30 a second with bursts keeps its promise', (t) => {
	const world = lossy(3);
	for (let tick = 0; tick < 1500; tick++) {
		world.run(world.now + 1000 / 30);
		const size = tick % 30 === 0 ? 8 : 1;
		for (let i = 0; i < size; i++) world.send(0, i === 0 ? 80 : 400);
	}
	// Repairs are as long as the long ones of a burst, so that fewer of them are had.
	keeps(t, world, {bad: 18, traffic: 3.55});
});

test('pictures of 10 to 40 packets, 25 a second, keep their promise', (t) => {
	const world = lossy(1.6);
	for (let picture = 0; picture < 200; picture++) {
		world.run(world.now + 40);
		const packets = picture % 25 === 0 ? 40 : 10 + ((picture * 7) % 20);
		world.batch(() => {
			for (let i = 0; i < packets; i++) world.send(0, 1100);
		});
	}
	keeps(t, world, {bad: 4, traffic: 1.65});
});

test('datagrams of 9,000 bytes keep their promise', (t) => {
	const world = lossy(2);
	for (let i = 0; i < 600; i++) {
		world.run(world.now + 10);
		world.send(0, 9000);
	}
	keeps(t, world, {bad: 3, traffic: 2.05});
});

test('200 flows in one lane come through together', (t) => {
	const world = lossy(1.5, true);
	for (let i = 0; i < 6000; i++) {
		world.run(world.now + 0.5);
		world.send(i % 200);
	}
	keeps(t, world, {bad: 3, traffic: 1.55});
	const {lanes} = world.server!.status(world.now).sessions[0]!;
	t.is(lanes.length, 1);
	t.true(world.lostAtClient().length <= 6, `${world.lostAtClient().length} answers lost`);
});
