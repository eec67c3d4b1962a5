import test from 'ava';
import {type Flight, randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

/** A world whose path `narrow` carries packets up to `limit` bytes only. */
function worldWithLimit(seed: number, limit: () => number, loss = 0): TunnelWorld {
	return new TunnelWorld({
		seed,
		links: [
			{delay: 15, loss: randomLoss(loss)},
			{delay: 20, loss: randomLoss(loss)},
		],
		echo: true,
		intercept: ({bytes}: Flight, path: number) => path !== 1 || bytes.length <= limit(),
	}).start();
}

const mtus = (world: TunnelWorld) =>
	world.client!.status(world.now).sessions[0]!.paths.map(({mtu}) => mtu);

test('each path finds its own largest packet within a second or so of clean path', (t) => {
	const world = worldWithLimit(51, () => 1400);
	world.run(1200);
	t.deepEqual(mtus(world), [1472, 1392]);
	t.deepEqual(
		world.server!.status(world.now).sessions[0]!.paths.map(({mtu}) => mtu),
		[1472, 1392],
	);
});

test('a path of 30 % loss is not mistaken for a narrow one', (t) => {
	const world = worldWithLimit(52, () => 1472, 0.3);
	world.run(200);
	world.stream(20, 20_000);
	t.deepEqual(mtus(world), [1472, 1472]);
});

test('datagrams of every size get through, split into equal parts where they must be', (t) => {
	const world = worldWithLimit(53, () => 1400);
	world.run(1500);
	for (const size of [
		7, 100, 1100, 1169, 1170, 1360, 1361, 1362, 1500, 2800, 9000, 30_000, 65_507,
	]) {
		world.send(0, size);
		world.run(world.now + 20);
	}
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(), []);
	t.deepEqual(world.lostAtClient(), []);
});

test('large datagrams under loss arrive whole or not at all, and memory for the rest is freed', (t) => {
	const world = new TunnelWorld({
		seed: 54,
		links: [
			{delay: 15, loss: randomLoss(0.2)},
			{delay: 40, jitter: 30, loss: randomLoss(0.2)},
		],
		echo: true,
	}).start();
	world.run(500);
	for (let i = 0; i < 300; i++) {
		world.send(i % 3, 20_000 + 100 * i);
		world.run(world.now + 10);
	}
	world.run(world.now + 5000);
	t.deepEqual(world.faults, []);
	t.true(world.atServer.length > 50);
});

test('datagrams that are split are counted, and said after 5 s and once a minute', (t) => {
	const world = worldWithLimit(56, () => 1472);
	world.run(1500);
	world.stream(10, 4000, 0, 1442);
	// The first one, which names its target.
	t.is(world.client!.status(world.now).sessions[0]!.datagramsSplit, 1);
	world.stream(10, 130_000, 0, 1443);
	const events = [...world.clientEvents, ...world.serverEvents]
		.map(({event}) => event)
		.filter(({type}) => type === 'datagrams-split');
	// Of each end: after 5, 65 and 125 s.
	t.is(events.length, 6);
	for (const event of events) t.like(event, {size: 1443, fits: 1442});
	t.is(world.client!.status(world.now).sessions[0]!.datagramsSplit, 1301);
	t.true(world.server!.status(world.now).sessions[0]!.datagramsSplit >= 1299);
});

test('a size that stops getting through is given up soon while traffic flows', (t) => {
	let limit = 1472;
	const world = worldWithLimit(55, () => limit);
	world.run(1500);
	world.stream(200, 1000, 0, 1400);
	limit = 1300;
	world.configure(0, {loss: randomLoss(1)});
	world.stream(200, 10_000, 0, 1400);
	const from = world.sent;
	world.stream(200, 3000, 0, 1400);
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
	t.true(mtus(world)[1]! <= 1280);
});
