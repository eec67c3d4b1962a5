import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {type Flight, randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldOptions} from '../support/world/world-options.ts';

/** Largest UDP payload of IPv4 at an MTU of 1280 and of 1500. */
const NARROW = 1252;
const WIDE = 1472;

/** Limits of a path in both directions, in bytes of UDP payload; they may change. */
interface Limits {
	up: number;
	down: number;
}

/** A world with limits on the packets of its path 0. */
function limited(options: Omit<WorldOptions, 'intercept'>): {
	readonly world: TunnelWorld;
	readonly limits: Limits;
} {
	const limits = {up: WIDE, down: WIDE};
	const intercept = ({bytes}: Flight, path: number, up: boolean) =>
		path !== 0 || bytes.length <= (up ? limits.up : limits.down);
	return {world: new TunnelWorld({...options, intercept}).start(), limits};
}

const mtus = (world: TunnelWorld, end: 'client' | 'server') =>
	world[end]!.status(world.now).sessions[0]!.paths.map(({mtu}) => mtu);

/** How long after `from` the first datagram sent from then on came out at that end. */
function firstThrough(world: TunnelWorld, end: 'client' | 'server', from: Millis): Millis {
	const arrivals = end === 'client' ? world.atClient : world.atServer;
	const found = arrivals.find(({sentAt}) => sentAt >= from);
	return found === undefined ? Number.POSITIVE_INFINITY : found.at - from;
}

test('probes of a size are in no run with others, and nothing else is alone', (t) => {
	const counts = {alone: 0, largeAlone: 0, large: 0};
	const intercept: WorldOptions['intercept'] = ({bytes, alone}) => {
		if (alone) counts.alone++;
		if (bytes.length > 1200) counts.large++;
		if (alone && bytes.length > 1200) counts.largeAlone++;
		return true;
	};
	const world = new TunnelWorld({seed: 60, links: [{delay: 20}], echo: true, intercept}).start();
	world.run(2000);
	const {large} = counts;
	t.true(large > 0);
	t.deepEqual(counts, {alone: large, largeAlone: large, large});
	world.stream(200, 1000, 0, 1400);
	t.true(counts.large >= large + 390, `${counts.large}`);
	t.true(counts.alone < large + 10, `${counts.alone}`);
	t.is(counts.alone, counts.largeAlone);
});

for (const rate of [1000, 200, 20, 5]) {
	for (const {delay, loss, within} of [
		{delay: 5, loss: 0, within: 1500},
		{delay: 20, loss: 0, within: 1500},
		{delay: 150, loss: 0, within: 1500},
		{delay: 20, loss: 0.05, within: 2000},
		{delay: 20, loss: 0.2, within: 4000},
	]) {
		const name = `${rate} datagrams/s, ${2 * delay} ms, ${loss * 100} % loss`;
		test(`the only path narrows: large datagrams get through again (${name})`, (t) => {
			for (let seed = 0; seed < 5; seed++) {
				const links = [{delay, loss: randomLoss(loss)}];
				const {world, limits} = limited({seed: 1000 + seed, links, echo: true});
				world.run(2000);
				world.stream(rate, 3000, 0, 1400);
				t.deepEqual([mtus(world, 'client'), mtus(world, 'server')], [[WIDE], [WIDE]]);
				const fall = world.now;
				limits.up = NARROW;
				limits.down = NARROW;
				world.stream(rate, within + 500, 0, 1400);
				world.run(world.now + 500);
				for (const end of ['server', 'client'] as const) {
					const time = firstThrough(world, end, fall);
					t.true(time <= within, `seed ${seed}, ${end}: ${time} ms`);
					t.deepEqual(mtus(world, end), [1200], `seed ${seed}, ${end}`);
				}
			}
		});
	}
}

for (const direction of ['up', 'down'] as const) {
	test(`only what goes ${direction} narrows: the other direction stays as it is`, (t) => {
		const {world, limits} = limited({seed: 61, links: [{delay: 20}], echo: true});
		world.run(2000);
		world.stream(100, 1000, 0, 1400);
		const fall = world.now;
		limits[direction] = 1400;
		world.stream(100, 3000, 0, 1400);
		world.run(world.now + 500);
		t.true(firstThrough(world, 'client', fall) <= 500);
		t.deepEqual(mtus(world, 'client'), [direction === 'up' ? 1392 : WIDE]);
		t.deepEqual(mtus(world, 'server'), [direction === 'up' ? WIDE : 1392]);
	});
}

test('a path that is wide again is found to be within a minute, with traffic and without', (t) => {
	for (const size of [1400, 100]) {
		const {world, limits} = limited({seed: 62, links: [{delay: 20}], echo: true});
		world.run(2000);
		world.stream(100, 1000, 0, size);
		limits.up = NARROW;
		limits.down = NARROW;
		world.stream(20, 90_000, 0, size);
		t.deepEqual([mtus(world, 'client'), mtus(world, 'server')], [[1200], [1200]]);
		limits.up = WIDE;
		limits.down = WIDE;
		world.stream(20, 60_000, 0, size);
		t.deepEqual([mtus(world, 'client'), mtus(world, 'server')], [[WIDE], [WIDE]]);
		const from = world.sent;
		world.stream(100, 1000, 0, size);
		world.run(world.now + 500);
		t.deepEqual(world.lostAtClient(from), []);
	}
});

test('a path that is narrow for a second or two is wide again in a few', (t) => {
	const {world, limits} = limited({seed: 63, links: [{delay: 20}], echo: true});
	world.run(2000);
	world.stream(100, 1000, 0, 1400);
	limits.up = NARROW;
	limits.down = NARROW;
	world.stream(100, 2000, 0, 1400);
	limits.up = WIDE;
	limits.down = WIDE;
	world.stream(100, 4000, 0, 1400);
	t.deepEqual([mtus(world, 'client'), mtus(world, 'server')], [[WIDE], [WIDE]]);
});

test('what died by its size is not taken for loss of the path', (t) => {
	const {world, limits} = limited({seed: 64, links: [{delay: 20}], echo: true});
	world.run(2000);
	world.stream(200, 2000, 0, 1400);
	limits.up = NARROW;
	limits.down = NARROW;
	world.stream(200, 2000, 0, 1400);
	for (const end of ['client', 'server'] as const) {
		const [path] = world[end]!.status(world.now).sessions[0]!.paths;
		t.is(path!.state, 'up');
		t.true(path!.sending.loss! < 0.05, `${end}: ${path!.sending.loss}`);
	}
});

test('one of two paths narrows: nothing is lost, and the other is left alone', (t) => {
	const {world, limits} = limited({
		seed: 65,
		links: [{delay: 20}, {delay: 30}],
		echo: true,
	});
	world.run(2000);
	world.stream(200, 1000, 0, 1400);
	limits.up = NARROW;
	limits.down = NARROW;
	world.stream(200, 3000, 0, 1400);
	world.run(world.now + 500);
	t.deepEqual(world.lostAtClient(), []);
	t.deepEqual(
		[mtus(world, 'client'), mtus(world, 'server')],
		[
			[1200, WIDE],
			[1200, WIDE],
		],
	);
	// Copies of all parts go on the narrow path too.
	const [before] = world.copies;
	const from = world.sent;
	world.configure(1, {loss: randomLoss(1)});
	world.stream(200, 1000, 0, 1400);
	world.run(world.now + 500);
	t.deepEqual(world.lostAtServer(from), []);
	t.true(world.copies[0]! - before! >= 400);
});

test('the better of two paths narrows with a single copy: it falls as quickly', (t) => {
	const {world, limits} = limited({
		seed: 66,
		links: [{delay: 20}, {delay: 60}],
		echo: true,
		client: {copies: 1},
	});
	world.run(2000);
	world.stream(200, 1000, 0, 1400);
	const fall = world.now;
	limits.up = NARROW;
	limits.down = NARROW;
	world.stream(200, 3000, 0, 1400);
	world.run(world.now + 500);
	t.true(firstThrough(world, 'server', fall) <= 1000);
	t.true(firstThrough(world, 'client', fall) <= 1000);
	t.deepEqual(world.lostAtClient(world.sent - 200), []);
});

test('a short outage is not taken for a path that has narrowed', (t) => {
	let out = false;
	const world = new TunnelWorld({
		seed: 67,
		links: [{delay: 20}],
		echo: true,
		intercept: () => !out,
	}).start();
	world.run(2000);
	for (let outage = 20; outage < 240; outage += 20) {
		world.stream(200, 1500 + outage / 7, 0, 1400);
		out = true;
		world.stream(200, outage, 0, 1400);
		out = false;
		world.stream(200, 300, 0, 1400);
		t.deepEqual([mtus(world, 'client'), mtus(world, 'server')], [[WIDE], [WIDE]], `${outage}`);
	}
});

const SHUFFLED = {delay: 60, jitter: 50, jitterReorders: true, loss: randomLoss(0.05)};

test('jitter that puts packets out of order is not taken for a path that has narrowed', (t) => {
	for (const seed of [63, 68, 75]) {
		for (const rate of [10, 50, 300]) {
			const world = new TunnelWorld({seed, links: [SHUFFLED], echo: true}).start();
			world.run(3000);
			let below = 0;
			for (let second = 0; second < 60; second++) {
				world.stream(rate, 1000, 0, 1400);
				if (mtus(world, 'client')[0] !== WIDE || mtus(world, 'server')[0] !== WIDE) below++;
			}
			t.is(below, 0, `of 60 s at ${rate}/s, seed ${seed}`);
		}
	}
});

test('a path that puts packets out of order and narrows falls all the same', (t) => {
	for (let seed = 0; seed < 5; seed++) {
		for (const rate of [10, 50, 300]) {
			const {world, limits} = limited({seed: 700 + seed, links: [SHUFFLED], echo: true});
			world.run(3000);
			world.stream(rate, 4000, 0, 1400);
			t.deepEqual([mtus(world, 'client'), mtus(world, 'server')], [[WIDE], [WIDE]]);
			const fall = world.now;
			limits.up = NARROW;
			limits.down = NARROW;
			world.stream(rate, 4000, 0, 1400);
			for (const end of ['server', 'client'] as const) {
				const time = firstThrough(world, end, fall);
				t.true(time <= 3000, `seed ${seed}, ${rate}/s, ${end}: ${time} ms`);
			}
		}
	}
});
