import test from 'ava';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const mbit = 1_000_000;

/** Round trip times of path 2, sampled every 50 ms while 10 Mbit/s flow. */
function roundTrips(world: TunnelWorld, seconds: number): number[] {
	const samples: number[] = [];
	for (let i = 0; i < seconds * 20; i++) {
		world.stream((10 * mbit) / 8 / 1000, 50, 0, 1000 - 28 - 31);
		samples.push(world.up[1]!.waitingBytes / ((2 * mbit) / 8000));
	}
	return samples;
}

for (const queue of [100, 300, 1000, 3000]) {
	test(`10 Mbit/s over 20 and 2 Mbit/s with ${queue} ms of buffer build no standing queue`, (t) => {
		const world = new TunnelWorld({
			seed: 41,
			links: [
				{delay: 20, rate: 20 * mbit, queue: {millis: 200}},
				{delay: 20, rate: 2 * mbit, queue: {millis: queue}},
			],
		}).start();
		world.run(1000);
		roundTrips(world, 3);
		const from = world.sent;
		const queued = roundTrips(world, 30);
		world.run(world.now + 1000);
		t.deepEqual(world.faults, []);
		t.deepEqual(world.lostAtServer(from), []);
		t.true(
			world.atServer
				.filter(({sequence}) => sequence >= from)
				.every(({at, sentAt}) => at - sentAt < 22),
		);
		const over = queued.filter((millis) => 40 + millis >= 200);
		t.deepEqual(over, [], `queue over ${over.length} of ${queued.length} samples`);
		// The slow path is used for what it carries, not given up.
		const carried = world.up[1]!.counts.delivered / world.up[0]!.counts.delivered;
		t.true(carried > 0.1, `${carried} of the copies went over the slow path`);
		const status = world.client!.status(world.now).sessions[0]!.paths;
		t.true(status[1]!.saturated > 0);
		t.is(status[0]!.saturated, 0);
	});
}

test('random loss, even with bursts, never limits a path', (t) => {
	const world = new TunnelWorld({
		seed: 42,
		links: [
			{delay: 20, jitter: 15, loss: randomLoss(0.4)},
			{delay: 40, jitter: 20, loss: {kind: 'burst', loss: 0.1, meanBurst: 5}},
		],
	}).start();
	world.run(500);
	world.stream(2000, 30_000);
	const paths = world.client!.status(world.now).sessions[0]!.paths;
	t.true(paths[0]!.saturated < 60, `${paths[0]!.saturated} of 60,000 copies dropped`);
	t.true(paths[1]!.saturated < 60, `${paths[1]!.saturated} of 60,000 copies dropped`);
});

test('a path that was saturated carries every copy again when the flow is small again', (t) => {
	const world = new TunnelWorld({
		seed: 43,
		links: [{delay: 20}, {delay: 20, rate: 2 * mbit, queue: {millis: 500}}],
	}).start();
	world.run(500);
	world.stream(1250, 5000, 0, 900);
	world.stream(50, 8000, 0, 900);
	const before = world.client!.status(world.now).sessions[0]!.paths[1]!.saturated;
	world.stream(50, 5000, 0, 900);
	t.is(world.client!.status(world.now).sessions[0]!.paths[1]!.saturated, before);
});

test('rate= is kept to within a tenth in both directions', (t) => {
	const world = new TunnelWorld({
		seed: 44,
		links: [{delay: 10}, {delay: 10}],
		paths: [{}, {rateUp: 1000, rateDown: 2000}],
		echo: true,
	}).start();
	world.run(500);
	const before = [world.up[1]!.counts.sent, world.down[1]!.counts.sent];
	world.stream(1000, 10_000, 0, 1000 - 28 - 31);
	const up = ((world.up[1]!.counts.sent - before[0]!) * 1000 * 8) / 10_000;
	const down = ((world.down[1]!.counts.sent - before[1]!) * 1000 * 8) / 10_000;
	t.true(up > 900 && up < 1100, `${up} kbit/s`);
	t.true(down > 1800 && down < 2200, `${down} kbit/s`);
	world.run(world.now + 500);
	t.deepEqual(world.lostAtClient(), []);
});

test('the only copy of a datagram is never dropped for a limit that was measured', (t) => {
	const world = new TunnelWorld({
		seed: 45,
		links: [{delay: 20, rate: 2 * mbit, queue: {millis: 1000}}],
	}).start();
	world.run(500);
	world.stream(1250, 2000, 0, 900);
	world.stream(50, 8000, 0, 900);
	t.is(world.client!.status(world.now).drops['saturated'] ?? 0, 0);
});

test('a small flow keeps its copies on paths that are late now and then', (t) => {
	const late = {delay: 20, jitter: 400};
	const world = new TunnelWorld({seed: 46, links: [{delay: 20}, late, late]}).start();
	world.run(500);
	world.stream(500, 20_000, 0, 5);
	for (const {saturated} of world.client!.status(world.now).sessions[0]!.paths) {
		t.true(saturated < 60, `${saturated} of 10,000 copies dropped`);
	}
});
