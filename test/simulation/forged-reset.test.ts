import test from 'ava';
import {encodeReset} from '../../src/wire/handshake.ts';
import {headerPacketNumber, headerSessionId} from '../../src/wire/header.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

const links = [{delay: 10}, {delay: 20}, {delay: 15}];

/** A world whose path 2 belongs to somebody who forges a RESET of a packet seen there. */
function worldWithForger(seed: number, echo: boolean) {
	let latest: Uint8Array | undefined;
	const world = new TunnelWorld({
		seed,
		links,
		echo,
		intercept: ({bytes}, path, up) => {
			if (up && path === 2 && bytes[0]! >> 4 === 4) latest = bytes;
			return true;
		},
	}).start();
	const forge = () => {
		const reset = encodeReset(headerSessionId(latest!, 0), headerPacketNumber(latest!, 0));
		world.inject('client', 2, reset);
	};
	return {world, forge};
}

for (const [echo, traffic] of [
	[true, 'in both directions'],
	[false, 'in one direction'],
] as const) {
	test(`a bridge that forges a RESET every second costs no datagram and no time, with traffic ${traffic}`, (t) => {
		const {world, forge} = worldWithForger(31, echo);
		world.run(1000);
		const sessions: unknown[] = [];
		for (let second = 0; second < 8; second++) {
			world.at(world.now + 333, forge);
			world.stream(5000, 1000);
			sessions.push(world.client!.status(world.now).sessions[0]!.session);
		}
		world.run(world.now + 500);
		t.deepEqual(world.faults, []);
		t.deepEqual(world.lostAtServer(), []);
		const slowest = Math.max(...world.atServer.map(({at, sentAt}) => at - sentAt));
		t.true(slowest < 10.01, `${slowest} ms, the best path takes 10`);
		t.deepEqual([...new Set(sessions)], [1]);
	});
}

test('RESETs for ever cause ever fewer resumes', (t) => {
	const {world, forge} = worldWithForger(32, true);
	world.run(1000);
	for (let i = 0; i < 600; i++) {
		world.at(world.now + 10, forge);
		world.stream(100, 100);
	}
	const {rekeys} = world.client!.status(world.now).sessions[0]!;
	// After 1, 2, 4, 8 and 16 s, then every 16 s.
	t.true(rekeys >= 5 && rekeys <= 8, `${rekeys} in a minute`);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(), []);
});

test('after false RESETs a restart of the server is found as soon as nothing genuine comes', (t) => {
	const {world, forge} = worldWithForger(33, true);
	world.run(1000);
	for (let i = 0; i < 50; i++) {
		world.at(world.now + 10, forge);
		world.stream(100, 100);
	}
	world.killServer();
	world.startServer();
	const restarted = world.now;
	world.stream(200, 2000);
	t.deepEqual(world.faults, []);
	const first = world.atServer.find(({at}) => at > restarted + 40)!;
	t.true(first.at - restarted < 350, `back after ${first.at - restarted} ms`);
});

test('what is sent between a true RESET and its RESP arrives once, behind it', (t) => {
	const {world} = worldWithForger(34, true);
	world.run(1000);
	world.stream(1000, 1000);
	world.killServer();
	world.startServer();
	const [met, at] = [world.sent, world.now];
	world.stream(1000, 1000);
	world.run(world.now + 200);
	t.deepEqual(world.faults, []);
	const lost = world.lostAtServer(met);
	t.true(lost.every((sequence) => world.sentAt(sequence) <= at + 20.01));
	t.true(lost.length <= 21, `${lost.length} lost`);
});
