import test from 'ava';
import {PacketType} from '../../src/wire/constants.ts';
import {INIT_COOKIE_MAC} from '../../src/wire/handshake.ts';
import {spoofedAddress} from '../support/operations/operation-watch.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

/** A client that is up after `heldBack` ms in which nothing it sent arrived, and its first INIT. */
function eavesdrop(heldBack = 0) {
	const inits: Uint8Array[] = [];
	const answers: Uint8Array[] = [];
	const stranger = spoofedAddress(0);
	const world = new TunnelWorld({
		seed: 6,
		links: [{delay: 10}],
		intercept: (_, _path, up, now) => !up || now >= heldBack,
		observe: (from, bytes, to) => {
			if (from === 'client' && bytes[0]! >> 4 === PacketType.INIT) inits.push(bytes);
			if (to?.key === stranger.key) answers.push(bytes);
		},
	}).start();
	world.run(heldBack + 1000);
	const replay = (bytes: Uint8Array) => world.inject('server', 0, bytes, stranger);
	return {world, inits, answers, replay, dropped: () => world.server!.status(world.now).drops};
}

const typeOf = (bytes: Uint8Array) => bytes[0]! >> 4;

test('a replayed INIT is dropped as a recording and leaves the session alone', (t) => {
	const {world, inits, answers, replay, dropped} = eavesdrop();
	world.send();
	// By then the answer for copies of it is forgotten.
	world.run(15_000);
	const {sessions} = world.server!.status(world.now);
	replay(inits[0]!);
	replay(inits[0]!);
	t.deepEqual(answers, []);
	t.is(dropped()['stale-handshake'], 2);
	t.is(world.server!.status(world.now).sessions.length, sessions.length);
	const later = world.send();
	world.run(world.now + 100);
	t.true(world.arrived('server', later));
});

test('an INIT that was kept back and comes later draws a RETRY, which is shorter', (t) => {
	// The client made another by then, with a newer time.
	const {world, inits, answers, replay, dropped} = eavesdrop(5000);
	world.run(20_000);
	t.is(world.server!.status(world.now).sessions.length, 1);
	replay(inits[0]!);
	t.deepEqual(answers.map(typeOf), [PacketType.RETRY]);
	t.true(answers[0]!.length < inits[0]!.length);
	t.is(dropped()['stale-handshake'], 1);
	t.is(world.server!.status(world.now).halfOpen, 0);
});

test('a copy of an INIT with another cookie mac draws the same answer, and no session', (t) => {
	const {world, inits, answers, replay} = eavesdrop();
	world.send();
	world.run(2000);
	const forged = inits[0]!.slice();
	forged.fill(0xa5, INIT_COOKIE_MAC);
	replay(inits[0]!);
	replay(forged);
	t.deepEqual(answers.map(typeOf), [PacketType.RESP, PacketType.RESP]);
	t.deepEqual(answers[1], answers[0]);
	t.true(answers[1]!.length <= forged.length);
	t.is(world.server!.status(world.now).sessions.length, 1);
	t.is(world.server!.status(world.now).halfOpen, 0);
	// Its own mac covers everything else.
	forged[INIT_COOKIE_MAC - 1]! ^= 1;
	replay(forged);
	t.is(answers.length, 2);
});
