import test from 'ava';
import {type Flight, randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldOptions} from '../support/world/world-options.ts';

/** Packets that only carry probes are shorter. */
const DATA = 200;

/** Sends 1,400 bytes at 100/s for a second and says how many packets each end made of a datagram. */
function packetsEach(world: TunnelWorld, count: {client: number; server: number}): number[] {
	count.client = 0;
	count.server = 0;
	world.stream(100, 1000, 0, 1400);
	world.run(world.now + 400);
	return [Math.round(count.client / 100), Math.round(count.server / 100)];
}

interface Counted {
	readonly world: TunnelWorld;
	/** Packets of data that left each end, whatever the number of copies. */
	readonly count: {client: number; server: number};
}

/** A world that counts packets; `drops` says whether path 0 drops one of that length. */
function counted(
	options: Omit<WorldOptions, 'intercept'>,
	drops: (length: number) => boolean,
): Counted {
	const count = {client: 0, server: 0};
	const last = {client: '', server: ''};
	const world = new TunnelWorld({
		...options,
		intercept: ({bytes}: Flight, path: number) => path !== 0 || !drops(bytes.length),
		observe: (from, bytes) => {
			// Copies have the same number.
			const number = Buffer.from(bytes.subarray(0, 11)).toString('hex');
			if (bytes.length >= DATA && number !== last[from]) count[from]++;
			last[from] = number;
		},
	}).start();
	world.run(2000);
	return {world, count};
}

const GOOD = {delay: 20};

test('a narrow path that delivers is served: every packet fits it and has a copy on it', (t) => {
	const links = [{delay: 15, loss: randomLoss(0.1)}, GOOD, GOOD];
	const {world, count} = counted({seed: 71, links, echo: true}, (length) => length > 1280);
	world.stream(200, 3000, 0, 1400);
	t.deepEqual(packetsEach(world, count), [2, 2]);
	t.deepEqual(world.lostAtClient(), []);
	const [before] = world.copies;
	world.stream(200, 1000, 0, 1400);
	t.true(world.copies[0]! - before! >= 400);
});

for (const [name, links, drops] of [
	[
		'loses most of its data',
		[{delay: 5}, GOOD, GOOD],
		(length: number, nth: number) => length > 1200 || (length >= DATA && nth % 5 !== 0),
	],
	['is far behind', [{delay: 400}, GOOD, GOOD], (length: number) => length > 1200],
] as const) {
	test(`a narrow path that ${name} makes nobody's packets smaller`, (t) => {
		let nth = 0;
		const {world, count} = counted({seed: 72, links, echo: true}, (length) => {
			return drops(length, nth++);
		});
		world.stream(200, 4000, 0, 1400);
		t.deepEqual(packetsEach(world, count), [1, 1]);
		t.deepEqual(world.lostAtClient(), []);
		// It gets other chances, each after a longer time: no more than a few seconds of five minutes.
		let split = 0;
		for (let i = 0; i < 50; i++) {
			const [up, down] = packetsEach(world, count);
			if (up! > 1 || down! > 1) split++;
			world.run(world.now + 4600);
		}
		t.true(split <= 8, `${split} of 50`);
	});
}

test('where the wide paths are worse still, packets are split for the narrow one', (t) => {
	const links = [
		{delay: 15, loss: randomLoss(0.1)},
		{...GOOD, loss: randomLoss(0.7)},
	];
	const {world, count} = counted({seed: 73, links, echo: true}, (length) => length > 1280);
	world.stream(200, 6000, 0, 1400);
	t.deepEqual(packetsEach(world, count), [2, 2]);
});

test('a narrow path with a loss about the bound does not flap', (t) => {
	const links = [{delay: 15, loss: randomLoss(0.4)}, GOOD, GOOD];
	const {world, count} = counted({seed: 74, links, echo: true}, (length) => length > 1280);
	world.stream(200, 4000, 0, 1400);
	let changes = 0;
	let before = '';
	for (let i = 0; i < 40; i++) {
		const now = `${packetsEach(world, count)}`;
		if (now !== before) changes++;
		before = now;
	}
	t.true(changes <= 4, `${changes}`);
});

test('a metered path finds its size too, with few packets, and does not make others smaller', (t) => {
	let large = 0;
	const paths = [{metered: true}, {}];
	const world = new TunnelWorld({
		seed: 75,
		links: [GOOD, GOOD],
		paths,
		intercept: ({bytes}: Flight, path: number) => {
			if (path === 0 && bytes.length > 1200) large++;
			return true;
		},
	}).start();
	world.stream(20, 60_000, 0, 100);
	const sizes = world.client!.status(world.now).sessions[0]!.paths.map(({mtu}) => mtu);
	t.deepEqual(sizes, [1472, 1472]);
	t.true(large <= 20, `${large}`);
});
