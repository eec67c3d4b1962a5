import test from 'ava';
import {MtuSearch} from '../../../src/core/path/mtu.ts';
import type {SizeCounts} from '../../../src/core/path/size-evidence.ts';
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
	/** Data packets of this size between two probes. */
	readonly data?: {readonly size: number; readonly count: number};
}

interface Answer {
	readonly size: number;
	readonly sentAt: number;
	readonly at: number;
	readonly packets: number;
	readonly arrived: number;
	readonly larger: SizeCounts;
}

/** A path around a search: probes without padding every 100 ms, and those that the search wants. */
class SearchedPath {
	readonly search = new MtuSearch();
	/** Probes with padding so far. */
	probes = 0;
	readonly #random: Prng;
	#now = 0;
	#packets = 0;
	#arrived = 0;
	#answers: Answer[] = [];
	#echoed: Answer | undefined;
	#nextProbe = 0;

	constructor(seed: number | string) {
		this.#random = new Prng(seed);
		this.search.start(0);
	}

	/** Sends a packet that is no probe, or whose answer is of no interest. */
	#send(size: number, isProbe: boolean, world: World): boolean {
		if (size > (world.interfaceLimit ?? 1472)) {
			this.search.tooLong(size, this.#now);
			return false;
		}
		this.#packets++;
		if (size > 1200) this.search.evidence.sent(size, isProbe);
		const arrives = size <= world.limit && this.#random.uniform() >= world.loss;
		if (arrives) this.#arrived++;
		return arrives;
	}

	#probe(size: number, world: World): void {
		const arrived = this.#send(size, true, world);
		if (!arrived || this.#random.uniform() < world.loss) return;
		this.#answers.push({
			size,
			sentAt: this.#now,
			at: this.#now + (world.rtt ?? 60),
			packets: this.#packets,
			arrived: this.#arrived,
			larger: this.search.evidence.counts,
		});
	}

	#hear(answer: Answer, world: World): void {
		const before = this.#echoed;
		this.#echoed = answer;
		if (answer.size > 1200) this.search.answered(answer.size, this.#now);
		else if (before !== undefined) {
			const interval = {
				packets: answer.packets - before.packets,
				arrived: answer.arrived - before.arrived,
				from: before.larger,
				to: answer.larger,
			};
			this.search.reported(interval, before.sentAt, answer.sentAt, world.loss, this.#now);
		}
	}

	/** Goes on until then; how many probes with padding that took. */
	run(world: World, until: number): number {
		const failure = 1 - (1 - world.loss) ** 2;
		const before = this.probes;
		while (this.#now < until) {
			if (this.#now >= this.#nextProbe) {
				for (let i = 0; i < (world.data?.count ?? 0); i++) {
					const size = Math.min(world.data!.size, this.search.confirmed);
					this.#send(size, false, world);
				}
				this.#probe(100, world);
				this.#nextProbe = this.#now + 100;
			}
			const sizes = this.search.nextSizes(this.#now, failure, world.active ?? true);
			for (const size of sizes) this.#probe(size, world);
			this.probes += sizes.length;
			if (sizes.length > 0) this.#probe(100, world);
			const next = Math.min(
				this.search.nextTimeout(),
				this.#nextProbe,
				this.#answers[0]?.at ?? Number.POSITIVE_INFINITY,
			);
			this.#now = Math.max(this.#now, Math.min(next, until));
			while (this.#answers.length > 0 && this.#answers[0]!.at <= this.#now) {
				this.#hear(this.#answers.shift()!, world);
			}
		}
		return this.probes - before;
	}

	/** So many packets that were sent vanish. */
	lose(packets: number): void {
		this.#packets += packets;
	}

	get confirmed(): number {
		return this.search.confirmed;
	}
}

test('does nothing before the path works', (t) => {
	const search = new MtuSearch();
	t.is(search.nextTimeout(), Number.POSITIVE_INFINITY);
	t.is(search.confirmed, 1200);
});

test('trusts 1,472 bytes after one round trip on a clean path', (t) => {
	const path = new SearchedPath(1);
	path.run({limit: 1472, loss: 0}, 61);
	t.is(path.confirmed, 1472);
});

for (const loss of [0, 0.1, 0.2, 0.3, 0.4]) {
	for (const limit of SIZES) {
		test(`finds ${limit} bytes at ${loss * 100} % loss`, (t) => {
			for (let seed = 0; seed < 50; seed++) {
				const path = new SearchedPath(`${seed}`);
				path.run({limit, loss}, 40_000);
				t.is(path.confirmed, limit, `seed ${seed}`);
			}
		});
	}
}

for (const loss of [0, 0.1, 0.2, 0.3, 0.4]) {
	for (const data of [undefined, {size: 1430, count: 1}, {size: 1430, count: 20}]) {
		const name = data === undefined ? 'no data' : `${data.count} packets between probes`;
		test(`takes ${loss * 100} % loss for no black hole in an hour with ${name}`, (t) => {
			const path = new SearchedPath(`hole ${loss}`);
			const world = {limit: 1472, loss, ...(data === undefined ? {} : {data})};
			path.run(world, 40_000);
			let below = 0;
			for (let now = 41_000; now <= 3_600_000; now += 1000) {
				path.run(world, now);
				if (path.confirmed < 1472) below++;
			}
			t.true(below <= 4, `${below} s below`);
		});
	}
}

test('an idle path is not verified', (t) => {
	const path = new SearchedPath(4);
	path.run({limit: 1472, loss: 0}, 1000);
	t.is(path.run({limit: 1472, loss: 0, active: false}, 500_000), 0);
});

test('a size that the packets of the application prove is not verified', (t) => {
	const path = new SearchedPath(5);
	const world = {limit: 1472, loss: 0.1, data: {size: 1460, count: 3}};
	path.run(world, 2000);
	const {probes} = path;
	path.run(world, 60_000);
	t.true(path.probes - probes <= 4, `${path.probes - probes}`);
});

test('notices within 5.5 s that the confirmed size vanishes although no data needs it', (t) => {
	const path = new SearchedPath(2);
	path.run({limit: 1472, loss: 0}, 10_000);
	path.run({limit: 1392, loss: 0}, 15_500);
	t.is(path.confirmed, 1392);
});

for (const count of [1, 2, 20, 200]) {
	test(`notices within half a second that ${count} packets between two probes vanish`, (t) => {
		const path = new SearchedPath(2);
		const data = {size: 1430, count};
		path.run({limit: 1472, loss: 0, data}, 10_000);
		path.run({limit: 1392, loss: 0, data}, 10_500);
		t.is(path.confirmed, 1392);
		path.run({limit: 1472, loss: 0, data}, 55_000);
		t.is(path.confirmed, 1472);
	});
}

test('small packets beside those that vanish hide nothing', (t) => {
	const path = new SearchedPath(3);
	path.run({limit: 1472, loss: 0, data: {size: 300, count: 30}}, 10_000);
	path.run({limit: 1280, loss: 0, data: {size: 300, count: 30}}, 15_500);
	t.is(path.confirmed, 1280);
});

test('losses of small packets as well are no black hole', (t) => {
	const path = new SearchedPath(3);
	const data = {size: 1430, count: 20};
	path.run({limit: 1472, loss: 0, data}, 10_000);
	for (let now = 10_000; now < 60_000; now += 1000) {
		path.run({limit: 0, loss: 0, data}, now + 290);
		path.run({limit: 1472, loss: 0, data}, now + 1000);
		t.is(path.confirmed, 1472, `${now}`);
	}
});

test('a size that is searched again and again goes up and down less and less often', (t) => {
	const path = new SearchedPath(9);
	let falls = 0;
	let before = 0;
	// Whoever does this lets probes through and no data.
	for (let now = 0; now < 300_000; now += 50) {
		const data = path.confirmed > 1200 && now > 5000 ? 20 : 0;
		path.run({limit: 1472, loss: 0}, now);
		for (let i = 0; i < data; i++) path.search.evidence.sent(1430, false);
		if (data > 0) path.lose(data);
		if (path.confirmed < before) falls++;
		before = path.confirmed;
	}
	t.true(falls >= 2 && falls < 20, `${falls}`);
});

test('a packet of the confirmed size that the system refuses takes the path down at once', (t) => {
	const path = new SearchedPath(5);
	path.run({limit: 1472, loss: 0}, 1000);
	path.search.tooLong(1472, 1000);
	t.is(path.confirmed, 1200);
	path.run({limit: 1400, loss: 0, interfaceLimit: 1400}, 1100);
	t.is(path.confirmed, 1392);
});

test('a message of the network is believed for a round trip, and not twice in a second', (t) => {
	const path = new SearchedPath(5);
	path.run({limit: 1472, loss: 0}, 1000);
	path.search.hinted(1000);
	t.is(path.confirmed, 1200);
	path.run({limit: 1472, loss: 0}, 1070);
	t.is(path.confirmed, 1472);
	path.search.hinted(1900);
	t.is(path.confirmed, 1472);
	path.search.hinted(2000);
	t.is(path.confirmed, 1200);
});

test('a probe that the system refuses costs nothing that is confirmed', (t) => {
	const path = new SearchedPath(6);
	const world: World = {limit: 1420, loss: 0, interfaceLimit: 1420};
	path.run(world, 1000);
	t.is(path.confirmed, 1420);
	// Long enough for the search to be raised again, which meets the same refusals.
	for (let now = 1000; now < 600_000; now += 1000) {
		path.run(world, now);
		t.is(path.confirmed, 1420, `${now}`);
	}
});

test('a size refused by the system is found even when its first answers are lost', (t) => {
	for (let seed = 0; seed < 50; seed++) {
		const path = new SearchedPath(seed);
		path.run({limit: 1420, loss: 0.3, interfaceLimit: 1420}, 40_000);
		t.is(path.confirmed, 1420, `seed ${seed}`);
	}
});

test('1,200 bytes and less are never too long', (t) => {
	const path = new SearchedPath(7);
	path.search.tooLong(1200, 0);
	path.search.hinted(0);
	t.is(path.confirmed, 1200);
	path.run({limit: 1472, loss: 0}, 100);
	t.is(path.confirmed, 1472);
});

test('looks for a larger size again within a minute, for few probes', (t) => {
	const path = new SearchedPath(8);
	path.run({limit: 1392, loss: 0}, 600_000);
	t.is(path.confirmed, 1392);
	// Each of about 18 searches takes 3 rounds of 3 sizes; a verification every 5 s comes on top.
	t.true(path.probes < 350, `${path.probes}`);
	path.run({limit: 1472, loss: 0}, 646_000);
	t.is(path.confirmed, 1472);
});

test('an idle path looks for no larger size until it carries traffic again', (t) => {
	const path = new SearchedPath(8);
	path.run({limit: 1392, loss: 0}, 10_000);
	const world = {limit: 1472, loss: 0};
	t.is(path.run({...world, active: false}, 600_000), 0);
	path.run(world, 605_500);
	t.is(path.confirmed, 1472);
});
