/*
 * Coded lanes over narrow links, beside streams of the same tunnel and beside the transfers of
 * others: they add no more than their traffic, and the others go on.
 */
import test, {type ExecutionContext} from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import type {Policy} from '../../src/policy/policy.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {codedPolicy} from '../support/lanes/lane-world.ts';
import {always} from '../support/world/always.ts';
import {StreamWorld, Talker} from '../support/world/stream-world.ts';
import type {TunnelWorld} from '../support/world/tunnel-world.ts';

const MBIT = 1_000_000;
const DELAY: Millis = 20;
/** Bits a second of each of three links. */
const RATE = 5 * MBIT;
/** Datagrams a second, and bytes of each. */
const DATAGRAMS = 200;
const SIZE = 1000;
/** Mbit/s of the datagrams, headers counted. */
const LANE = (8 * DATAGRAMS * (SIZE + 70)) / MBIT;
/** Mbit/s by which chance moves the rate of others. */
const CHANCE = 0.4;
const ENDLESS = 1e10;

const NARROW: Readonly<Record<string, Partial<LinkConfig>>> = {
	'a policer': {delay: DELAY, policer: {rate: RATE, burst: 30_000}},
	'5 ms of buffer': {delay: DELAY, rate: RATE, queue: {millis: 5}},
	'200 ms of buffer': {delay: DELAY, rate: RATE, queue: {millis: 200}},
};

const CODED = codedPolicy({traffic: 2, floor: 1.125, within: 60, residual: 1e-3});

/** A tunnel over three such links; the streams that it accepts are read. */
function narrow(policy: Policy, link: Partial<LinkConfig>) {
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 1, links: [link, link, link], lanes: true, client: {policies: always(policy)}},
		(stream) => {
			stream.accept(Uint8Array.of(1, 192, 0, 2, 1, 4, 210));
			peers.push(new Talker(world, stream, 0));
		},
	);
	world.start();
	world.run(1000);
	return {world, received: () => peers.reduce((sum, peer) => sum + peer.received, 0)};
}

function sendingOf({client, now}: TunnelWorld) {
	return client!.status(now).sessions[0]!.lanes[0]!.sending!;
}

/** Share of the datagrams from one on that never came. */
function lostFrom(world: TunnelWorld, from: number, to: number): number {
	return world.lostAtServer(from, to).length / (to - from);
}

/** Mbit/s that a stream gets beside datagrams of a policy, and what becomes of these. */
function beside(policy: Policy, link: Partial<LinkConfig>) {
	const {world, received} = narrow(policy, link);
	world.stream(DATAGRAMS, 1000, 0, SIZE);
	world.open(80, ENDLESS);
	world.stream(DATAGRAMS, 3000, 0, SIZE);
	const from = world.sent;
	const before = received();
	const started = world.now;
	world.stream(DATAGRAMS, 5000, 0, SIZE);
	const rate = (8 * (received() - before)) / (world.now - started) / 1000;
	const to = world.sent - 40;
	return {world, rate, lost: lostFrom(world, from, to)};
}

/** Checks that a lane takes from others what it may send, and loses next to nothing itself. */
function fits(
	t: ExecutionContext,
	world: TunnelWorld,
	shares: {
		/** Mbit/s that others get, and beside single copies of the same datagrams. */
		readonly rate: number;
		readonly alone: number;
		readonly lost: number;
		readonly most: number;
	},
): void {
	const {rate, alone, lost, most} = shares;
	const {meanTraffic} = sendingOf(world);
	const figures = `${rate.toFixed(2)} of ${alone.toFixed(2)} Mbit/s, T ${meanTraffic.toFixed(3)}`;
	t.log(`${figures}, ${(100 * lost).toFixed(2)} % lost`);
	t.true(meanTraffic <= 2.02, `T ${meanTraffic}`);
	t.true(rate >= alone - (meanTraffic - 1) * LANE - CHANCE, figures);
	t.true(lost <= most, `${lost}`);
}

for (const [name, link] of Object.entries(NARROW)) {
	test(`a stream and a coded lane share links with ${name}`, (t: ExecutionContext) => {
		const plain = beside({name: 'redundant 1', kind: 'redundant', copies: 1}, link);
		const {world, rate, lost} = beside(CODED, link);
		fits(t, world, {rate, lost, alone: plain.rate, most: 0.002});
		t.deepEqual(world.faults, []);
	});
}

/** The transfer of another over a link: AIMD, one window in a round trip; what it got through. */
function transfer(world: TunnelWorld, path: number, until: Millis): {packets: number} {
	const roundTrip = 50;
	const got = {packets: 0};
	let window = 4;
	const remote = world.remotes[path]!;
	const round = () => {
		if (world.now >= until) return;
		let dropped = false;
		const count = Math.floor(window);
		for (let i = 0; i < count; i++) {
			world.at(world.now + (i * roundTrip) / count, () => {
				const sent = world.up[path]!.send({bytes: new Uint8Array(1000), remote}, 1000, world.now);
				if (sent === 0) dropped = true;
				else got.packets++;
			});
		}
		world.at(world.now + roundTrip, () => {
			window = dropped ? Math.max(2, window / 2) : window + 1;
			round();
		});
	};
	round();
	return got;
}

for (const [name, link] of Object.entries(NARROW)) {
	test(`a transfer of others goes on beside a coded lane, on links with ${name}`, (t) => {
		const run = (policy: Policy) => {
			const {world} = narrow(policy, link);
			world.stream(DATAGRAMS, 1000, 0, SIZE);
			const others = [0, 1, 2].map((path) => transfer(world, path, world.now + 9000));
			world.stream(DATAGRAMS, 3000, 0, SIZE);
			const before = others.map(({packets}) => packets);
			const from = world.sent;
			world.stream(DATAGRAMS, 5000, 0, SIZE);
			const packets = others.reduce((sum, one, i) => sum + one.packets - before[i]!, 0);
			return {
				world,
				rate: (packets * 1028 * 8) / 5000 / 1000,
				lost: lostFrom(world, from, world.sent - 60),
			};
		};
		const plain = run({name: 'redundant 1', kind: 'redundant', copies: 1});
		const {world, rate, lost} = run(CODED);
		// What overflows a buffer comes in bursts; single copies lose 2 to 5 %.
		fits(t, world, {rate, lost, alone: plain.rate, most: plain.lost + 0.02});
		t.deepEqual(world.faults, []);
	});
}
