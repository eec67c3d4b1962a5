import test from 'ava';
import {MtuSearch} from '../../../src/core/path/mtu.ts';
import {Prng} from '../../../src/sim/prng.ts';

const SIZES = [1200, 1280, 1392, 1420, 1452, 1472];

interface World {
	/** The largest packet that gets through. */
	limit: number;
	/** Loss of each direction. */
	readonly loss: number;
	/** The system tells of packets above this (EMSGSIZE). */
	readonly interfaceLimit?: number;
	readonly rtt?: number;
	readonly active?: boolean;
}

/** Runs a search from `from` to `until` and returns how many probes it sent. */
function run(search: MtuSearch, world: World, random: Prng, from: number, until: number): number {
	const failure = 1 - (1 - world.loss) ** 2;
	const answers: {readonly size: number; readonly at: number}[] = [];
	let probes = 0;
	let now = from;
	while (now < until) {
		for (const size of search.nextSizes(now, failure, world.active ?? true)) {
			probes++;
			if (size > (world.interfaceLimit ?? 1472)) search.tooLong(size, now);
			else if (size <= world.limit && random.uniform() >= failure) {
				answers.push({size, at: now + (world.rtt ?? 60)});
			}
		}
		const next = Math.min(search.nextTimeout(), answers[0]?.at ?? Number.POSITIVE_INFINITY);
		now = Math.max(now, Math.min(next, until));
		while (answers.length > 0 && answers[0]!.at <= now) search.answered(answers.shift()!.size, now);
	}
	return probes;
}

function started(): MtuSearch {
	const search = new MtuSearch();
	search.start(0);
	return search;
}

test('does nothing before the path works', (t) => {
	const search = new MtuSearch();
	t.is(search.nextTimeout(), Number.POSITIVE_INFINITY);
	t.is(search.confirmed, 1200);
});

test('trusts 1,472 bytes after one round trip on a clean path', (t) => {
	const search = started();
	run(search, {limit: 1472, loss: 0}, new Prng(1), 0, 61);
	t.is(search.confirmed, 1472);
});

for (const loss of [0, 0.1, 0.2, 0.3, 0.4]) {
	for (const limit of SIZES) {
		test(`finds ${limit} bytes at ${loss * 100} % loss`, (t) => {
			for (let seed = 0; seed < 50; seed++) {
				const search = started();
				run(search, {limit, loss}, new Prng(`${seed}`), 0, 40_000);
				t.is(search.confirmed, limit, `seed ${seed}`);
			}
		});
	}
}

test('calls a size too big by mistake less often than once in 1,000 searches', (t) => {
	let wrong = 0;
	for (let seed = 0; seed < 3000; seed++) {
		const search = started();
		run(search, {limit: 1472, loss: 0.3}, new Prng(`luck ${seed}`), 0, 40_000);
		if (search.confirmed !== 1472) wrong++;
	}
	t.true(wrong <= 3, `${wrong}`);
});

test('notices within a second that packets of the confirmed size vanish', (t) => {
	const search = started();
	const random = new Prng(2);
	run(search, {limit: 1472, loss: 0}, random, 0, 10_000);
	const world: World = {limit: 1392, loss: 0};
	run(search, world, random, 10_000, 16_000);
	t.is(search.confirmed, 1200);
	run(search, world, random, 16_000, 80_000);
	t.is(search.confirmed, 1392);
});

for (const loss of [0.1, 0.2, 0.3, 0.4]) {
	test(`takes ${loss * 100} % loss for no black hole in an hour of traffic`, (t) => {
		const search = started();
		const random = new Prng(`hole ${loss}`);
		run(search, {limit: 1472, loss}, random, 0, 40_000);
		let below = 0;
		for (let now = 40_000; now < 3_600_000; now += 1000) {
			run(search, {limit: 1472, loss}, random, now, now + 1000);
			if (search.confirmed < 1472) below++;
		}
		// One mistake costs a minute; 720 verifications at 1e-4 make 0.07 of them expected.
		t.true(below <= 130, `${below} s below`);
	});
}

test('losses of small probes as well are no black hole', (t) => {
	const search = started();
	const random = new Prng(3);
	run(search, {limit: 1472, loss: 0}, random, 0, 10_000);
	for (let now = 10_000; now < 20_000; now += 400) {
		search.nextSizes(now, 0, true);
		search.pathSilent();
	}
	t.is(search.confirmed, 1472);
});

test('an idle path is not verified', (t) => {
	const search = started();
	const random = new Prng(4);
	run(search, {limit: 1472, loss: 0}, random, 0, 1000);
	const probes = run(search, {limit: 1472, loss: 0, active: false}, random, 1000, 500_000);
	t.is(probes, 0);
});

test('a packet of the confirmed size that the system refuses takes the path back to 1,200', (t) => {
	const search = started();
	run(search, {limit: 1472, loss: 0}, new Prng(5), 0, 1000);
	search.tooLong(1472, 1000);
	t.is(search.confirmed, 1200);
	run(search, {limit: 1400, loss: 0, interfaceLimit: 1400}, new Prng(5), 1000, 70_000);
	t.is(search.confirmed, 1392);
});

test('a probe that the system refuses costs nothing that is confirmed', (t) => {
	const search = started();
	const world: World = {limit: 1420, loss: 0, interfaceLimit: 1420};
	const random = new Prng(6);
	run(search, world, random, 0, 1000);
	t.is(search.confirmed, 1420);
	// Long enough for the search to be raised again, which meets the same refusals.
	for (let now = 1000; now < 1_500_000; now += 1000) {
		run(search, world, random, now, now + 1000);
		t.is(search.confirmed, 1420, `${now}`);
	}
});

test('a size refused by the system is found even when its first answers are lost', (t) => {
	for (let seed = 0; seed < 50; seed++) {
		const search = started();
		run(search, {limit: 1420, loss: 0.3, interfaceLimit: 1420}, new Prng(seed), 0, 40_000);
		t.is(search.confirmed, 1420, `seed ${seed}`);
	}
});

test('1,200 bytes and less are never too long', (t) => {
	const search = started();
	search.tooLong(1200, 0);
	t.is(search.confirmed, 1200);
	run(search, {limit: 1472, loss: 0}, new Prng(7), 0, 100);
	t.is(search.confirmed, 1472);
});

test('looks for a larger size again after about ten minutes', (t) => {
	const search = started();
	const random = new Prng(8);
	run(search, {limit: 1392, loss: 0}, random, 0, 60_000);
	t.is(search.confirmed, 1392);
	run(search, {limit: 1472, loss: 0}, random, 60_000, 300_000);
	t.is(search.confirmed, 1392);
	run(search, {limit: 1472, loss: 0}, random, 300_000, 700_000);
	t.is(search.confirmed, 1472);
});
