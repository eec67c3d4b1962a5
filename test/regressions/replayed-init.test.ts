import test from 'ava';
import {PacketType} from '../../src/wire/constants.ts';
import {spoofedAddress} from '../support/operation-watch.ts';
import {TunnelWorld} from '../support/tunnel-world.ts';

test('a replayed INIT draws a RETRY, which is shorter, and leaves the session alone', (t) => {
	let init: Uint8Array | undefined;
	const answers: Uint8Array[] = [];
	const stranger = spoofedAddress(0);
	const world = new TunnelWorld({
		seed: 6,
		links: [{delay: 10}],
		observe: (from, bytes, to) => {
			if (from === 'client' && bytes[0]! >> 4 === PacketType.INIT) init ??= bytes;
			if (to?.key === stranger.key) answers.push(bytes);
		},
	}).start();
	world.run(1000);
	world.send();
	// By then the answer for copies of it is forgotten.
	world.run(15_000);
	const {sessions} = world.server!.status(world.now);
	world.inject('server', 0, init!, stranger);
	world.inject('server', 0, init!, stranger);
	t.deepEqual(
		answers.map((bytes) => bytes[0]! >> 4),
		[PacketType.RETRY, PacketType.RETRY],
	);
	t.is(world.server!.status(world.now).drops['stale-handshake'], 2);
	t.is(world.server!.status(world.now).sessions.length, sessions.length);
	const later = world.send();
	world.run(world.now + 100);
	t.true(world.arrived('server', later));
});
