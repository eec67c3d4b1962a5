import test from 'ava';
import {Prng} from '../../src/sim/prng.ts';
import {PacketType} from '../../src/wire/constants.ts';
import {binomialInterval} from '../support/world/statistics.ts';
import {type Flight, randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const isHandshake = ({bytes}: Flight) =>
	bytes[0]! >> 4 === PacketType.INIT || bytes[0]! >> 4 === PacketType.RESP;

test('a hundred rekeys a second apart lose nothing beyond the loss of the paths', (t) => {
	const links = [5, 105, 205].map((delay) => ({
		delay,
		jitter: 3,
		loss: randomLoss(0.1),
		duplicate: 0.05,
		reorder: 0.05,
		reorderBy: 60,
	}));
	const world = new TunnelWorld({seed: 11, links, client: {rekeyInterval: 1000}}).start();
	world.run(1000);
	const from = world.sent;
	world.stream(10_000, 102_000);
	world.run(world.now + 2000);
	const count = world.sent - from;
	const lost = world.lostAtServer(from).length;
	const [low, high] = binomialInterval(count, 0.001, 0.99);
	t.deepEqual(world.faults, []);
	t.true(lost >= low && lost <= high, `${lost} of ${count} lost, expected ${low} to ${high}`);
	const {rekeys, session} = world.client!.status(world.now).sessions[0]!;
	t.true(rekeys >= 95, `${rekeys} rekeys`);
	t.is(session, 1, 'the session never had to be replaced');
});

test('rekeys go through although half of all handshake packets are lost, doubled or late', (t) => {
	const random = new Prng(12);
	const world: TunnelWorld = new TunnelWorld({
		seed: 12,
		links: [
			{delay: 10, duplicate: 0.5},
			{delay: 40, reorder: 0.5, reorderBy: 700},
		],
		client: {rekeyInterval: 1000},
		intercept: (packet) => {
			if (!isHandshake(packet)) return true;
			const draw = random.uniform();
			if (draw < 0.5) return false;
			return true;
		},
	}).start();
	// The first handshake is as unlucky as the others.
	while (world.client!.status(world.now).sessions[0]?.state !== 'up') world.run(world.now + 1000);
	const from = world.sent;
	world.stream(500, 60_000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
	const {rekeys, session} = world.client!.status(world.now).sessions[0]!;
	// An attempt succeeds with 1 - (1 - 0.5 x 0.5)^2 = 44 %, so a rekey takes about two seconds.
	t.true(rekeys > 10, `${rekeys} rekeys`);
	t.is(session, 1, 'the session never had to be replaced');
});

test('two hours of traffic keep one session with a rekey every two minutes', (t) => {
	const world = new TunnelWorld({
		seed: 13,
		links: [
			{delay: 10, loss: randomLoss(0.05)},
			{delay: 30, loss: randomLoss(0.05)},
		],
		echo: true,
	}).start();
	world.run(500);
	const from = world.sent;
	world.stream(10, 7_200_000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	const count = world.sent - from;
	const [, high] = binomialInterval(count, 0.0025, 0.999);
	t.true(world.lostAtServer(from).length <= high);
	const status = world.client!.status(world.now).sessions[0]!;
	t.is(status.session, 1);
	t.true(status.rekeys >= 59 && status.rekeys <= 61, `${status.rekeys} rekeys`);
});

test('an outage of ten seconds on all paths ends without a new session and without loss after it', (t) => {
	const world = new TunnelWorld({seed: 14, links: [{delay: 20}, {delay: 30}], echo: true}).start();
	world.run(1000);
	world.stream(200, 2000);
	const begin = world.now;
	for (const path of [0, 1]) {
		world.configure(path, {outages: [{from: begin, until: begin + 10_000}]});
	}
	world.stream(200, 10_000);
	const end = world.now;
	const from = world.sent;
	world.stream(200, 5000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
	t.deepEqual(world.lostAtClient(from), []);
	t.is(world.client!.status(world.now).sessions[0]!.session, 1);
	const first = world.atServer.find(({at}) => at >= end)!;
	t.true(first.at - end <= 200 + 60 + 20, `first datagram ${first.at - end} ms after the outage`);
});

test('a client that restarts in the middle of a rekey gets a session and its flow back', (t) => {
	const world = new TunnelWorld({
		seed: 15,
		links: [{delay: 50}, {delay: 80}],
		client: {rekeyInterval: 2000},
		echo: true,
	}).start();
	world.run(1000);
	world.stream(100, 900);
	const flow = world.atServer.at(-1)!.flow;
	// The rekey begins at 2.1 s; its INIT is under way when the client dies.
	world.run(2150);
	world.killClient();
	world.startClient();
	const from = world.sent;
	world.stream(100, 3000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
	t.is(world.atServer.at(-1)!.flow, flow);
});

test('handshakes suppressed on all paths are said after two intervals, and end the session after an hour', (t) => {
	let suppress = false;
	let sealed = 0;
	const world = new TunnelWorld({
		seed: 18,
		links: [{delay: 20}, {delay: 30}],
		echo: true,
		intercept: ({bytes}, _path, up) => {
			if (up && bytes[0]! >> 4 === 4) sealed++;
			return !(suppress && up && bytes[0]! >> 4 === 1);
		},
	}).start();
	world.run(1000);
	suppress = true;
	const said = () =>
		world.clientEvents.filter(({event}) => event.type === 'warning' && event.code === 'old-keys');
	world.stream(5, 238_000);
	t.deepEqual(said(), []);
	world.stream(5, 3_000_000);
	t.is(said().length, 1);
	t.true(Math.abs(said()[0]!.at - 240_000) < 1000);
	const {keyAge} = world.client!.status(world.now).sessions[0]!;
	t.true(Math.abs(keyAge - world.now) < 1000);
	t.deepEqual(world.lostAtServer(), []);
	world.stream(5, 3_602_000 - world.now);
	t.is(world.client!.status(world.now).sessions[0]!.state, 'connecting');
	const down = world.clientEvents.findLast(({event}) => event.type === 'session-down')!;
	t.like(down.event, {reason: 'its keys are too old'});
	t.true(Math.abs(down.at - 3_600_000) < 1000);
	const before = sealed;
	world.stream(5, 500);
	t.is(sealed, before, 'nothing is sealed under the old keys');
	// The server, which cannot begin a handshake, ends it as well.
	world.killClient();
	world.run(world.now + 61_000);
	t.is(world.server!.status(world.now).sessions.length, 0);
	suppress = false;
	world.startClient();
	const from = world.send();
	world.run(world.now + 200);
	t.deepEqual(world.lostAtServer(from), []);
	t.deepEqual(world.faults, []);
});
