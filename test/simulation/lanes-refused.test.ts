/*
 * Where the other end recovers nothing, copies take the place of repairs, and are enough.
 */
import {crc32} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {type Coding, createCoding} from '../../src/core/coding.ts';
import type {FlowFacts, Policy} from '../../src/policy/policy.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSSY = links(3, {delay: 20, loss: randomLoss(0.1)});

/** Checks that a policy of T 3 leaves what three copies leave. */
function keepsWithCopies(t: ExecutionContext, coding: () => Coding): TunnelWorld {
	const world = laneWorld(codedPolicy({traffic: 3}), LOSSY, {coding});
	world.stream(200, 2000);
	const from = world.sent;
	world.stream(500, 8000);
	world.run(world.now + 1500);
	t.deepEqual(world.faults, []);
	// 1e-3 each way, of 4,000.
	t.true(world.lostAtServer(from).length <= 12, `${world.lostAtServer(from).length}`);
	t.true(world.lostAtClient(from).length <= 24, `${world.lostAtClient(from).length}`);
	const [lane] = world.client!.status(world.now).sessions[0]!.lanes;
	const sending = lane!.sending!;
	t.true(sending.copies > 7000, `${sending.copies} copies`);
	t.true(sending.repairs < 200, `${sending.repairs} repairs`);
	t.is(lane!.receiving!.recovered, 0);
	return world;
}

test('ends that recover nothing get copies', (t) => {
	const coding: Coding = {...createCoding(crc32, 2 ** 24), decodes: false};
	keepsWithCopies(t, () => coding);
	t.true(coding.memory.used <= 2 * 65, `${coding.memory.used}`);
});

test('ends without memory send copies, and get them', (t) => {
	const coding = createCoding(crc32, 0);
	keepsWithCopies(t, () => coding);
	t.is(coding.memory.used, 0);
});

test('a lane that is one too many is reported, and gets copies', (t) => {
	const policies = [1, 2, 3].map((number) => codedPolicy({name: `fec ${number}`, traffic: 3}));
	const choose = ({host}: FlowFacts): Policy => policies[Number(host!.at(-1)) % 3]!;
	const world = laneWorld(policies[0]!, LOSSY, {
		client: {policies: {choose}},
		server: {users: [{name: 'user', psk: new Uint8Array(32).fill(7), laneLimit: 1}]},
	});
	for (let i = 0; i < 9000; i++) {
		world.run(world.now + 1);
		world.sendTo(i % 3);
	}
	world.run(world.now + 1500);
	t.deepEqual(world.faults, []);
	const {lanes} = world.client!.status(world.now).sessions[0]!;
	const shares = lanes.map(({sending}) => sending!.copies / sending!.sources);
	t.is(shares.filter((share) => share < 0.5).length, 1, `${shares}`);
	t.is(shares.filter((share) => share > 1.8).length, 2, `${shares}`);
	const served = world.server!.status(world.now).sessions[0]!.lanes;
	t.is(served.filter(({obstacle}) => obstacle === 'too-many').length, 2);
	t.true(world.lostAtServer(1000).length <= 24, `${world.lostAtServer(1000).length}`);
});

test('copies in place of repairs keep to the rate of a promise', (t) => {
	const coding: Coding = {...createCoding(crc32, 2 ** 24), decodes: false};
	// Packets of 167 bytes: 668 kbit/s without copies.
	const rate = 1000;
	const world = laneWorld(codedPolicy({traffic: 3, floor: 1.5, rate}), LOSSY, {
		coding: () => coding,
	});
	world.stream(500, 12_000);
	const {sending} = world.client!.status(world.now).sessions[0]!.lanes[0]!;
	t.like(sending, {coded: false, sources: 6000});
	t.true(Math.abs(sending!.meanTraffic - sending!.allowed) < 0.06, `${sending!.meanTraffic}`);
	t.true(sending!.allowed < 1.6, `${sending!.allowed}`);
});
