import test from 'ava';
import {Prng} from '../../src/sim/prng.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

/** Packets of more bytes are data. */
const SMALL = 200;

/** A path that is full of light for probes and swallows so much of the data. */
class GreyHole {
	loss = 1;
	path: number;
	readonly #random = new Prng('grey hole');

	constructor(path: number) {
		this.path = path;
	}

	readonly passes = ({bytes}: {bytes: Uint8Array}, path: number): boolean =>
		path !== this.path || bytes.length <= SMALL || this.#random.uniform() >= this.loss;
}

/** Shares of the datagrams from `first` on that are lost, in both directions together. */
function lost(world: TunnelWorld, first: number): number {
	const count = world.sent - first;
	return (world.lostAtServer(first).length + world.lostAtClient(first).length) / (2 * count);
}

for (const copies of [1, 2]) {
	for (const rate of [20, 200, 2000]) {
		for (const loss of [1, 0.6]) {
			const name = `${copies} of three paths, ${rate}/s: one that loses ${100 * loss} % of data`;
			test(`${name} is left within 1 s and used again when it heals`, (t) => {
				const hole = new GreyHole(0);
				hole.loss = 0;
				const world = new TunnelWorld({
					seed: 80 + copies,
					links: [{delay: 5}, {delay: 20}, {delay: 35}],
					client: {copies},
					echo: true,
					intercept: hole.passes,
				}).start();
				world.run(1000);
				world.stream(rate, 3000, 0, 1000);
				const fastest = world.client!.status(world.now).sessions[0]!.paths[0]!;
				t.is(fastest.sending.dataLoss, 0);
				hole.loss = loss;
				world.stream(rate, 1000, 0, 1000);
				const from = world.sent;
				const carried = world.copies[0]!;
				world.stream(rate, 10_000, 0, 1000);
				const samples = world.copies[0]! - carried;
				world.run(world.now + 500);
				t.deepEqual(world.faults, []);
				t.is(lost(world, from), 0);
				// Probes, and some samples: of full size in the client's direction.
				t.true(samples <= 130 + Math.min(200, 5 * rate), `${samples} packets on the grey path`);
				const shown = world.client!.status(world.now).sessions[0]!.paths[0]!;
				t.is(shown.state, 'up');
				t.true(shown.sending.dataLoss! > loss - 0.25, `${shown.sending.dataLoss}`);
				hole.loss = 0;
				const healed = world.sent;
				world.stream(rate, 60_000, 0, 1000);
				world.run(world.now + 500);
				t.is(lost(world, healed), 0);
				const delays = world.atServer.slice(-10).map(({at, sentAt}) => at - sentAt);
				t.true(Math.max(...delays) < 6, `${delays}`);
			});
		}
	}
}

test('two grey paths of three leave the third, however slow and lossy it is', (t) => {
	const grey = new Set([0, 1]);
	const world = new TunnelWorld({
		seed: 84,
		links: [{delay: 5}, {delay: 10}, {delay: 120, loss: randomLoss(0.02)}],
		client: {copies: 1},
		intercept: ({bytes}, path) => !grey.has(path) || bytes.length <= SMALL,
	}).start();
	world.run(1000);
	world.stream(200, 2000, 0, 1000);
	const from = world.sent;
	world.stream(200, 20_000, 0, 1000);
	world.run(world.now + 500);
	const share = world.lostAtServer(from).length / (world.sent - from);
	t.true(share < 0.04, `${share}`);
});

test('where all paths are grey all carry what gets through, and a backup helps', (t) => {
	const random = new Prng('all grey');
	const world = new TunnelWorld({
		seed: 85,
		links: [{delay: 5}, {delay: 10}, {delay: 15}],
		paths: [{}, {}, {backup: true}],
		client: {copies: 1},
		intercept: ({bytes}, path) => path === 2 || bytes.length <= SMALL || random.uniform() > 0.9,
	}).start();
	world.run(1000);
	world.stream(200, 2000, 0, 1000);
	const from = world.sent;
	world.stream(200, 5000, 0, 1000);
	world.run(world.now + 500);
	t.deepEqual(world.lostAtServer(from), []);
});

test('a bridge that passes probes, swallows answers and data is left too', (t) => {
	const world = new TunnelWorld({
		seed: 86,
		links: [{delay: 5}, {delay: 20}],
		client: {copies: 1},
		intercept: ({bytes}, path, up, now) =>
			now < 3000 || path !== 0 || (up && bytes.length <= SMALL),
	}).start();
	world.run(1000);
	world.stream(200, 2000, 0, 1000);
	world.stream(200, 2000, 0, 1000);
	const from = world.sent;
	world.stream(200, 10_000, 0, 1000);
	world.run(world.now + 500);
	t.deepEqual(world.lostAtServer(from), []);
});

test('data that comes late is no reason to go back and forth', (t) => {
	const world: TunnelWorld = new TunnelWorld({
		seed: 87,
		links: [{delay: 5}, {delay: 20}],
		client: {copies: 1},
		intercept: (packet, path, up) => {
			if (path !== 0 || packet.bytes.length <= SMALL) return true;
			world.at(world.now + 1900, () => {
				(up ? world.up : world.down)[path]!.send(packet, packet.bytes.length, world.now);
			});
			return false;
		},
	});
	world.start();
	world.run(1000);
	world.stream(500, 60_000, 0, 1000);
	world.run(world.now + 3000);
	const late = world.atServer.filter(({at, sentAt}) => at - sentAt > 100).length;
	t.deepEqual(world.lostAtServer(), []);
	t.true(late / world.sent < 0.1, `${late} of ${world.sent} came late`);
});
