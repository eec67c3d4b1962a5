/*
 * What lanes cost: counts of those that are not coded, and the traffic of a user at its server.
 */
import test from 'ava';
import type {LaneStatus, TrafficStatus} from '../../src/core/events.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import type {FlowFacts, Policy} from '../../src/policy/policy.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

/** By the number of the target; the last one has lane 0. */
const POLICIES = ['best', 'redundant 2', 'pin path 2', 'fec 1.5', 'redundant'];

function mixedWorld(loss: number): TunnelWorld {
	const policies = POLICIES.map((name): Policy => {
		return name.startsWith('pin') ? {name, kind: 'pin', path: 'path 2'} : parseBuiltIn(name)!;
	});
	const choose = ({host}: FlowFacts): Policy => policies[Number(host!.at(-1))]!;
	const client = {policies: {choose}};
	return laneWorld(policies[0]!, links(3, {delay: 10, loss: randomLoss(loss)}), {client});
}

/** Sends so many datagrams to each target, which answers each of them. */
function talk(world: TunnelWorld, rounds: number): void {
	for (let i = 0; i < rounds; i++) {
		for (let target = 0; target < POLICIES.length; target++) {
			world.run(world.now + 1);
			world.sendTo(target, 0, 500);
		}
	}
	world.run(world.now + 500);
}

function byPolicy(lanes: readonly LaneStatus[]): ReadonlyMap<string, LaneStatus> {
	return new Map(lanes.map((lane) => [lane.policy, lane]));
}

function trafficOf({server, now}: TunnelWorld): TrafficStatus {
	return server!.status(now).users![0]!.traffic!;
}

test('lanes that are not coded count their datagrams, copies and traffic at both ends', (t) => {
	const world = mixedWorld(0.1);
	world.run(1000);
	talk(world, 600);
	for (const {lanes} of [world.client!, world.server!].flatMap((end) => {
		return end.status(world.now).sessions;
	})) {
		const shown = byPolicy(lanes);
		t.deepEqual([...shown.keys()].toSorted(), POLICIES.toSorted());
		const routed = (policy: string) => shown.get(policy)!.routed!;
		for (const [policy, copies] of [
			['pin path 2', 0],
			['redundant 2', 1],
			['redundant', 2],
		] as const) {
			const {datagrams, packets, traffic, copies: counted} = routed(policy);
			t.true(datagrams > 300 && datagrams === packets, `${policy}: ${datagrams}`);
			// Samples of what is left out are copies, too.
			t.true(counted >= copies * packets && counted < (copies + 0.1) * packets, `${counted}`);
			t.true(Math.abs(traffic - (1 + counted / packets)) < 0.01, `${traffic}`);
		}
		t.deepEqual(routed('pin path 2').paths, ['path 2']);
		const {loss = 0} = routed('pin path 2');
		t.true(loss > 0.03 && loss < 0.2, `${loss}`);
		t.is(routed('redundant').loss, undefined);
		t.is(routed('redundant').paths.length, 3);
		t.is(shown.get('fec 1.5')!.routed, undefined);
		t.true(routed('best').traffic < 2);
	}
	t.deepEqual(world.faults, []);
});

test('lane 0 is shown beside others only', (t) => {
	const plain = laneWorld(parseBuiltIn('redundant')!, links(2, {delay: 10}));
	plain.stream(100, 500);
	t.deepEqual(plain.client!.status(plain.now).sessions[0]!.lanes, []);
	const world = laneWorld(parseBuiltIn('best')!, links(2, {delay: 10}));
	world.stream(100, 500);
	const {lanes} = world.client!.status(world.now).sessions[0]!;
	t.deepEqual([...byPolicy(lanes).keys()], ['best']);
});

test('the traffic of a user is that of all its packets, also of sessions that are over', (t) => {
	const world = mixedWorld(0);
	let [sent, received] = [0, 0];
	const {server} = world;
	world.run(1000);
	talk(world, 200);
	const {paths, lanes} = server!.status(world.now).sessions[0]!;
	for (const {sending, receiving} of paths) {
		sent += sending.packets;
		received += receiving.packets;
	}
	const before = trafficOf(world);
	t.like(before, {packetsSent: sent, packetsReceived: received});
	// 500 bytes of an application, and what is around them on the wire.
	const data = before.sources + before.copies + before.repairs;
	t.true(before.bytesSent > 500 * data && before.bytesSent < 600 * sent, `${before.bytesSent}`);
	t.true(before.bytesReceived > 500 * data && before.bytesReceived < 600 * received);
	const {sources, repairs} = byPolicy(lanes).get('fec 1.5')!.sending!;
	t.is(before.repairs, repairs);
	t.is(before.sources, 4 * 200 + sources);
	t.is(sources, 200);
	// One, two, one, one and a half and three of each packet.
	t.true(Math.abs(before.factor - 8.5 / 5) < 0.05, `${before.factor}`);
	// The client comes back: another session of the same user.
	world.killClient();
	world.startClient();
	world.run(world.now + 1000);
	talk(world, 200);
	const after = trafficOf(world);
	t.is(server!.status(world.now).sessions.length, 1);
	t.is(after.sources, 2 * before.sources);
	t.true(after.packetsSent > 1.9 * before.packetsSent);
	t.true(after.bytesReceived > 1.9 * before.bytesReceived);
	t.deepEqual(world.faults, []);
});

test('a lane that is coded costs the user what it says', (t) => {
	const world = laneWorld(codedPolicy({traffic: 1.5}), links(3, {delay: 10}));
	world.stream(500, 4000);
	const {sending} = world.server!.status(world.now).sessions[0]!.lanes[0]!;
	const {sources, copies, repairs, factor} = trafficOf(world);
	t.like(sending, {sources, copies, repairs, meanTraffic: factor});
	t.true(repairs > 900, `${repairs}`);
});
