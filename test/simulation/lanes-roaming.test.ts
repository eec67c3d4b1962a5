/*
 * Paths of a coded lane that come from another address, are refused, or die, while repairs cover
 * what was sent before and after.
 */
import test, {type ExecutionContext} from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {laneWorld, links} from '../support/lanes/lane-world.ts';
import {outcomeAt, sendingOf, settle, streamed} from '../support/lanes/outcome.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSS = randomLoss(0.05);
const RATE = 500;
const ONE_WAY: Millis = 60;
const BOTH_WAYS: Millis = 120;
const ALL = ['path 1', 'path 2', 'path 3'];

/** Most that may be lost or late of the datagrams of 3 s, and in which state all ends. */
interface Expected {
	readonly up: number;
	readonly back: number;
	readonly paths: readonly string[];
}

/** Lets something happen while datagrams of fec 2 go on, and checks what it costs. */
function costs(
	t: ExecutionContext,
	happens: (world: TunnelWorld) => void,
	{up, back, paths}: Expected,
): void {
	const world = laneWorld(parseBuiltIn('fec 2')!, links(3, {delay: 20, loss: LOSS}));
	settle(world);
	streamed(world, RATE, 2000);
	happens(world);
	const during = streamed(world, RATE, 3000);
	const after = streamed(world, RATE, 3000);
	streamed(world, RATE, 200);
	world.run(world.now + 500);
	const upDuring = outcomeAt(world, 'server', during, ONE_WAY);
	const backDuring = outcomeAt(world, 'client', during, BOTH_WAYS);
	t.log(`${upDuring.bad} and ${backDuring.bad} of ${upDuring.count}`);
	t.true(upDuring.bad <= up, `up: ${upDuring.lost} lost, ${upDuring.late} late`);
	t.true(backDuring.bad <= back, `back: ${backDuring.lost} lost, ${backDuring.late} late`);
	t.true(outcomeAt(world, 'server', after, ONE_WAY).bad <= 1);
	t.true(outcomeAt(world, 'client', after, BOTH_WAYS).bad <= 2);
	for (const end of ['client', 'server'] as const) {
		const {coded, sourcePaths, meanTraffic} = sendingOf(world, end);
		t.true(coded, end);
		t.deepEqual(sourcePaths.toSorted(), paths, end);
		t.true(meanTraffic < 2.02, `${end}: ${meanTraffic}`);
	}
	t.is(world.client!.status(world.now).sessions[0]!.session, 1);
	t.deepEqual(world.faults, []);
}

test('the address of a path changes inside a window: nothing is lost', (t) => {
	costs(t, (world) => world.changeAddress(0), {up: 1, back: 2, paths: ALL});
});

test('the addresses of all paths change at once: what is under way to the old ones is lost', (t) => {
	const happens = (world: TunnelWorld) => {
		for (const path of [0, 1, 2]) world.changeAddress(path);
	};
	// Back: 20 ms until a packet from the new addresses is there, and a round trip to prove them.
	costs(t, happens, {up: 1, back: 0.08 * RATE, paths: ALL});
});

test('addresses change every 300 ms, of one path after the other', (t) => {
	const happens = (world: TunnelWorld) => {
		for (let i = 0; i < 8; i++) world.at(world.now + 300 * i, () => world.changeAddress(i % 3));
	};
	// A path that was silent is left out until it is known to be back: all may be on the one that is next.
	costs(t, happens, {up: 1, back: 0.08 * RATE, paths: ALL});
});

test('the port of a path is closed for 1.5 s: nothing is lost, and it carries the lane again', (t) => {
	const happens = (world: TunnelWorld) => {
		world.configure(0, {loss: randomLoss(1)});
		for (let i = 1; i <= 10; i++) {
			world.at(world.now + 40 * i, () => {
				world.poke('client', () => world.client!.pathRefused(0, world.now, 'refused'));
			});
		}
		world.at(world.now + 1500, () => world.configure(0, {loss: LOSS}));
	};
	costs(t, happens, {up: 1, back: 2, paths: ALL});
});

test('a path dies without a word: nothing is lost, and the others carry the lane', (t) => {
	const happens = (world: TunnelWorld) => world.configure(0, {loss: randomLoss(1)});
	costs(t, happens, {up: 1, back: 2, paths: ['path 2', 'path 3']});
});
