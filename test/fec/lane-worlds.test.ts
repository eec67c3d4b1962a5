import process from 'node:process';
import test from 'ava';
import {runWorld} from '../support/lanes/random-world.ts';

/** Random worlds; more on demand. */
const WORLDS = Number(process.env['MPTUNNEL_LANE_WORLDS'] ?? 60);
/** Patience of repairs, and the longest skew and jitter of these worlds with its margin. */
const LONGEST_TIMER = 1000;

test(`${WORLDS} random worlds: nothing wrong or twice, memory and timers bounded, all well after an outage`, (t) => {
	for (let seed = 1; seed <= WORLDS; seed++) {
		const {lost, most, slots, mostSlots, timer, world} = runWorld(seed);
		t.true(slots <= mostSlots, `${slots} slots, seed ${seed}: ${world}`);
		t.true(timer <= LONGEST_TIMER, `timer of ${timer} ms, seed ${seed}: ${world}`);
		t.true(lost <= most, `${lost} lost of at most ${most}, seed ${seed}: ${world}`);
	}
});
