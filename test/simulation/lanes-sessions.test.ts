/*
 * Keys and sessions that change while datagrams of a coded lane are under way, and lanes without
 * keys and encryption.
 */
import {crc32} from 'node:zlib';
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {createCoding} from '../../src/core/coding.ts';
import {MAX_WINDOW} from '../../src/fec/encoder.ts';
import {LEAST_CAPACITY} from '../../src/fec/receiver.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {laneWorld, links} from '../support/lanes/lane-world.ts';
import {laneOf, outcomeAt, sendingOf, settle, streamed} from '../support/lanes/outcome.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldOptions} from '../support/world/world-options.ts';

const LOSSY = links(3, {delay: 20, loss: randomLoss(0.1)});
const RATE = 1000;
const ONE_WAY: Millis = 60;
const BOTH_WAYS: Millis = 120;

/** Symbols of one end's lane, whose ring has grown once. */
const MOST_KEPT = MAX_WINDOW + 1 + 2 * LEAST_CAPACITY;

/** A world of fec 2 in use. */
function worldOf(options: Partial<WorldOptions> = {}): TunnelWorld {
	const world = laneWorld(parseBuiltIn('fec 2')!, LOSSY, options);
	settle(world);
	streamed(world, RATE, 1000);
	return world;
}

/** Datagrams of [from, to) that are lost or late on their way to the server, and back. */
function badOf(world: TunnelWorld, which: readonly [from: number, to: number]) {
	const up = outcomeAt(world, 'server', which, ONE_WAY).bad;
	return {up, back: outcomeAt(world, 'client', which, BOTH_WAYS).bad};
}

for (const {title, options, least} of [
	{title: 'a rekey each second', options: {client: {rekeyInterval: 1000}}, least: 6},
	{
		title: 'no encryption',
		options: {client: {encrypt: false}, server: {encrypt: false}},
		least: 0,
	},
	{title: 'no key', options: {client: {psk: new Uint8Array(32), keyless: true}}, least: 0},
]) {
	test(`${title}: a coded lane loses nothing at 10 %`, (t) => {
		const world = worldOf(options);
		const which = streamed(world, RATE, 6000);
		streamed(world, RATE, 200);
		world.run(world.now + 500);
		const {up, back} = badOf(world, which);
		t.log(`${up} and ${back} of ${which[1] - which[0]}`);
		t.true(up <= 1, `${up} lost or late`);
		t.true(back <= 2, `${back} lost or late`);
		const {session, rekeys} = world.client!.status(world.now).sessions[0]!;
		t.is(session, 1);
		t.true(least === 0 ? rekeys === 0 : rekeys >= least, `${rekeys} rekeys`);
		for (const end of ['client', 'server'] as const) {
			const {receiving} = laneOf(world, end);
			// Nothing was needed twice, and nothing given up.
			t.true(receiving!.recovered > 0.08 * 6 * RATE, `${end}: ${receiving!.recovered}`);
			t.true(receiving!.missing <= 2, `${end}: ${receiving!.missing}`);
		}
		t.deepEqual(world.faults, []);
	});
}

test('the server is started again inside a window: the lane begins anew at both ends', (t) => {
	const world = worldOf();
	world.killServer();
	const from = world.sent;
	streamed(world, RATE, 100);
	world.startServer();
	streamed(world, RATE, 400);
	const which = streamed(world, RATE, 5000);
	streamed(world, RATE, 200);
	world.run(world.now + 500);
	// While there is no server; what comes before it knows the client is held or lost.
	const {lost} = outcomeAt(world, 'server', [from, which[0]], ONE_WAY);
	t.log(`${lost} lost in the restart of 100 ms`);
	t.true(lost >= 100 && lost <= 250, `${lost}`);
	const {up, back} = badOf(world, which);
	t.true(up <= 1, `${up} lost or late`);
	t.true(back <= 2, `${back} lost or late`);
	for (const end of ['client', 'server'] as const) {
		const {coded, sources, reported} = sendingOf(world, end);
		t.true(coded, end);
		t.true(sources < 6000, `${end}: ${sources}`);
		t.true(reported.received + reported.recovered > 0.9 * sources, end);
		t.true(laneOf(world, end).receiving!.recovered > 0.07 * sources, end);
	}
	t.deepEqual(world.faults, []);
});

test('the client is started again inside a window: its old lane keeps no memory at the server', (t) => {
	const codings = [createCoding(crc32, 2 ** 28), createCoding(crc32, 2 ** 28)] as const;
	let current: (typeof codings)[number] = codings[0];
	const world = worldOf({coding: () => current});
	world.killClient();
	current = codings[1];
	world.startClient();
	const which = streamed(world, RATE, 5000);
	streamed(world, RATE, 200);
	world.run(world.now + 500);
	const {up, back} = badOf(world, which);
	t.log(`${up} and ${back} of ${which[1] - which[0]}`);
	// A round trip without a session: what came was held.
	t.true(up <= 0.12 * RATE, `${up} lost or late`);
	t.true(outcomeAt(world, 'server', which, Number.POSITIVE_INFINITY).lost <= 5);
	t.true(back <= 0.15 * RATE, `${back} lost or late`);
	const settled = badOf(world, [which[0] + RATE, which[1]]);
	t.true(settled.up <= 1 && settled.back <= 2, `${settled.up} and ${settled.back}`);
	t.is(world.server!.status(world.now).sessions.length, 1);
	world.poke('client', () => world.client!.close(world.now));
	world.run(world.now + 2000);
	// Each of the two clients keeps its own half, as nobody ended the first; the server has none.
	for (const {memory} of codings) t.true(memory.used <= MOST_KEPT, `${memory.used} symbols`);
	t.deepEqual(world.faults, []);
});
