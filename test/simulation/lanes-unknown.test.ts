/*
 * As long as the server may not know a lane, datagrams go out as copies: repairs are for nothing.
 */
import test from 'ava';
import {HEADER_LENGTH} from '../../src/wire/constants.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSSY = links(3, {delay: 20, loss: randomLoss(0.1)});
const RATE = 200;
/** Time between two LANES, and the one after which it is doubted that the first arrived. */
const LANES_EVERY = 200;

/** A world of T 2 in which so many LANES are lost on all paths. */
function unknownFor(lost: number, seed: number): TunnelWorld {
	let left = 3 * lost;
	return laneWorld(codedPolicy(), LOSSY, {
		seed,
		// Frames can be told from outside then.
		client: {encrypt: false},
		server: {encrypt: false},
		intercept: ({bytes}, _path, up) => {
			if (!up || bytes[HEADER_LENGTH] !== FrameType.LANES || left === 0) return true;
			left--;
			return false;
		},
	});
}

test('copies go out until a lane is known, also when that takes four seconds', (t) => {
	const lost = 20;
	let datagrams = 0;
	let missing = 0;
	for (let seed = 1; seed <= 3; seed++) {
		const world = unknownFor(lost, seed);
		world.run(500);
		world.stream(RATE, lost * LANES_EVERY);
		const known = world.sent;
		const {meanTraffic} = world.client!.status(world.now).sessions[0]!.lanes[0]!.sending!;
		t.true(meanTraffic < 2.05, `T ${meanTraffic}`);
		world.run(world.now + LANES_EVERY);
		world.stream(RATE, 4000);
		world.run(world.now + 500);
		t.deepEqual(world.faults, []);
		datagrams += known;
		missing += world.lostAtServer(0, known).length;
		// The lane has its code then.
		t.true(world.lostAtServer(known).length <= 2, `seed ${seed}`);
		const {sending} = world.client!.status(world.now).sessions[0]!.lanes[0]!;
		t.like(sending, {coded: true});
		t.true(sending!.repairs > 0.8 * 4 * RATE, `${sending!.repairs} repairs`);
	}
	// One in ten until the first of them should have been confirmed, which takes LANES_EVERY, a
	// round trip and a plan; one in a hundred after that.
	const doubted = Math.min(datagrams, 3 * RATE * 0.35);
	const expected = 0.1 * doubted + 0.01 * (datagrams - doubted);
	t.true(missing <= expected + 3 * Math.sqrt(expected), `${missing}, ${expected} expected`);
});
