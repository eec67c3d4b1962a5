import test, {type ExecutionContext} from 'ava';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {type FlowFacts, REDUNDANT} from '../../src/policy/policy.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

const CODED = parseBuiltIn('fec 1.5')!;

/** A world in which the targets of these numbers have a code, and others have lane 0. */
function codedFor(...targets: readonly number[]): TunnelWorld {
	const hosts = targets.map((target) => `198.18.0.${target}`);
	const choose = ({host = ''}: FlowFacts) => (hosts.includes(host) ? CODED : REDUNDANT);
	const links = [{delay: 10}, {delay: 10}, {delay: 10}];
	const client = {policies: {choose}};
	const world = new TunnelWorld({seed: 1, links, lanes: true, echo: true, client}).start();
	world.run(1000);
	return world;
}

/** Sends to these targets in turn; all is answered. */
function talk(t: ExecutionContext, world: TunnelWorld, ...targets: readonly number[]): void {
	const from = world.sent;
	for (let i = 0; i < 100; i++) {
		world.run(world.now + 5);
		for (const target of targets) world.sendTo(target);
	}
	world.run(world.now + 200);
	t.deepEqual(world.lostAtClient(from), []);
	t.deepEqual(world.faults, []);
}

/** Datagrams that each end has sent with a code. */
function coded({client, server, now}: TunnelWorld): readonly number[] {
	return [client!, server!].map((end) => {
		const [lane] = end.status(now).sessions[0]!.lanes;
		return lane?.sending?.sources ?? 0;
	});
}

test('a target of lane 0 is answered in lane 0, though the first of its flow has a code', (t) => {
	const world = codedFor(0);
	talk(t, world, 0);
	talk(t, world, 1);
	t.deepEqual(coded(world), [100, 100]);
	talk(t, world, 0, 1, 2);
	t.deepEqual(coded(world), [200, 200]);
});

test('a target with a code is answered with it, though the first of its flow has none', (t) => {
	const world = codedFor(1);
	talk(t, world, 0);
	t.deepEqual(coded(world), [0, 0]);
	talk(t, world, 0, 1, 2);
	t.deepEqual(coded(world), [100, 100]);
});

/** The address of a target leads to that of another, as a name does. */
function lead(world: TunnelWorld, reference: number, to: number): void {
	const {flow} = world.atServer.at(-1)!;
	const address = Uint8Array.of(1, 198, 18, 0, to, 0, 53);
	world.poke('server', () => world.server!.targetReached(flow, reference, address, world.now));
}

/** A host that no rule is about answers. */
function answer(world: TunnelWorld, host: number): void {
	const {flow} = world.atServer.at(-1)!;
	const targetBytes = Uint8Array.of(1, 198, 18, 0, host, 0, 53);
	const bytes = Uint8Array.of(1, 2, 3);
	const from = {targetBytes, targetStart: 0, targetEnd: targetBytes.length};
	world.poke('server', () => {
		world.server!.sendDatagramFrom(flow, {bytes, start: 0, end: 3, ...from}, world.now);
	});
}

test('the address that a name led to answers in the lane of the newest that did', (t) => {
	const world = codedFor(1);
	talk(t, world, 0, 1);
	// References count up in the order of the first datagrams.
	const before = coded(world)[1]!;
	answer(world, 9);
	t.is(coded(world)[1], before);
	lead(world, 1, 9);
	answer(world, 9);
	t.is(coded(world)[1], before + 1);
	lead(world, 0, 9);
	answer(world, 9);
	t.is(coded(world)[1], before + 1);
	lead(world, 1, 9);
	answer(world, 9);
	t.is(coded(world)[1], before + 2);
	t.deepEqual(world.faults, []);
});
