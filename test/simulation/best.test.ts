import test from 'ava';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {always} from '../support/world/always.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const BEST = {client: {policies: always({name: 'best', kind: 'best'})}, lanes: true};

/** A world whose flows have the policy `best` in both directions, with its paths measured. */
function bestWorld(seed: number, links: readonly Partial<LinkConfig>[]): TunnelWorld {
	const world = new TunnelWorld({seed, links, ...BEST, echo: true}).start();
	world.stream(100, 3000);
	return world;
}

/** Copies that go out on each path during `run`. */
function copiesOf(world: TunnelWorld, run: () => void): readonly number[] {
	const before = [...world.copies];
	run();
	return world.copies.map((count, path) => count - before[path]!);
}

test('every datagram goes out on the quickest path, and on no other', (t) => {
	const world = bestWorld(1, [{delay: 40}, {delay: 10}, {delay: 70}]);
	const from = world.sent;
	const copies = copiesOf(world, () => world.stream(1000, 4000));
	world.run(world.now + 1000);
	t.is(world.lostAtServer(from).length, 0);
	t.is(world.lostAtClient(from).length, 0);
	t.true(copies[1]! >= 4000, `${copies}`);
	// Probes, and what was sent before the round trips were known.
	t.true(copies[0]! < 200 && copies[2]! < 200, `${copies}`);
	const answers = world.server!.status(world.now).sessions[0]!.paths.find(({id}) => id === 1)!;
	t.true(answers.sending.packets >= 4000);
	t.deepEqual(world.faults, []);
});

test('a path that dies in silence is left within its detection, and none beside it', (t) => {
	const world = bestWorld(2, [{delay: 10}, {delay: 30}, {delay: 60}]);
	world.configure(0, {loss: randomLoss(1)});
	const died = world.sent;
	world.stream(500, 5000);
	const moved = world.sent;
	const copies = copiesOf(world, () => world.stream(500, 5000));
	world.run(world.now + 1000);
	const lost = world.lostAtServer(died).filter((sequence) => sequence < moved).length;
	t.true(lost > 0 && lost < 500 * 1.5, `${lost} datagrams were lost`);
	t.is(world.lostAtServer(moved).length, 0);
	t.true(copies[1]! >= 2500 && copies[2]! < 200, `${copies}`);
	t.deepEqual(world.faults, []);
});

test('a path that loses data gives up the lead to one that is slower and loses none', (t) => {
	const world = bestWorld(3, [{delay: 10, loss: randomLoss(0.2)}, {delay: 40}]);
	world.stream(500, 10_000);
	const from = world.sent;
	const copies = copiesOf(world, () => world.stream(500, 20_000));
	world.run(world.now + 1000);
	t.true(copies[1]! >= 10_000, `${copies}`);
	t.true(copies[0]! < 1000, `${copies}`);
	t.is(world.lostAtServer(from).length, 0);
	t.is(world.lostAtClient(from).length, 0);
	t.deepEqual(world.faults, []);
});

test('more than the best path carries goes over the next one', (t) => {
	const paths = [{rateUp: 1000, rateDown: 1000}, {}];
	const links = [{delay: 10}, {delay: 40}];
	const world = new TunnelWorld({seed: 4, links, paths, ...BEST}).start();
	world.stream(100, 3000);
	const from = world.sent;
	// 2.5 Mbit/s, of which the first path may have 1.
	const copies = copiesOf(world, () => world.stream(250, 10_000, 0, 1100));
	world.run(world.now + 1000);
	t.is(world.lostAtServer(from).length, 0);
	t.true(copies[0]! > 800 && copies[0]! < 1400, `${copies}`);
	t.true(copies[1]! > 1200 && copies[1]! < 1900, `${copies}`);
	t.deepEqual(world.faults, []);
});

test('control frames go out on every path: a policy is for datagrams alone', (t) => {
	const world = bestWorld(5, [{delay: 10}, {delay: 30}]);
	world.run(world.now + 1000);
	const flows = () => world.server!.status(world.now).sessions[0]!.flows;
	t.is(flows(), 1);
	world.configure(0, {loss: randomLoss(1)});
	world.endApplication(0);
	world.run(world.now + 100);
	t.is(flows(), 0);
	t.deepEqual(world.faults, []);
});
