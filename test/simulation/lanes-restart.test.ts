/*
 * What a restart of the server under traffic costs flows with a code, beside what it costs copies.
 */
import test from 'ava';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss} from '../support/world/tunnel-world.ts';

const RATE = 2000;
/** Round trip; below, the time from the restart in which a session is made anew, with repeats. */
const RTT = 30;
const ANEW = 250;
const BEHIND = 2000;

interface Cost {
	/** Datagrams lost there and back of those sent until a session is made anew. */
	readonly first: number;
	/** Those of what was sent from then on. */
	readonly later: number;
}

/** Cost of a restart after which the server is away for a while. */
function costOf(policy: string, away: number, seed: number): Cost {
	const link = {delay: RTT / 2, loss: randomLoss(0.1)};
	const world = laneWorld(parseBuiltIn(policy)!, links(3, link), {seed});
	world.run(500);
	world.stream(RATE, 1000);
	world.killServer();
	world.stream(RATE, away);
	world.startServer();
	const from = world.sent;
	world.stream(RATE, BEHIND);
	world.run(world.now + 1000);
	if (world.faults.length > 0) throw new Error(world.faults.join());
	const anew = from + (RATE * ANEW) / 1000;
	return {first: world.lostAtClient(from, anew).length, later: world.lostAtClient(anew).length};
}

for (const away of [0, 200]) {
	test(`a restart costs a code no more than copies, the server away for ${away} ms`, (t) => {
		for (const seed of [1, 2]) {
			const [copies, coded] = [costOf('redundant', away, seed), costOf('fec 1.5', away, seed)];
			const words = JSON.stringify({seed, copies, coded});
			t.log(words);
			// What was under way to the server that is gone, and what meets the new one too early.
			t.true(copies.first >= (RATE * RTT) / 2000, words);
			t.true(coded.first <= copies.first + 10, words);
			// 0.1 % of 3,500 there and 0.1 % back are left of copies.
			t.true(coded.later <= 5, words);
		}
	});
}
