import {Encoder} from '../../../src/fec/encoder.ts';
import type {Kernel} from '../../../src/fec/kernel.ts';
import {CodedReceiver, MOST_CAPACITY} from '../../../src/fec/receiver.ts';
import {SYMBOL_SLOT, SymbolMemory} from '../../../src/fec/symbol-memory.ts';
import {createKernel} from '../../../src/fec/wasm-kernel.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {CHECKED} from '../../fec/checked-format.ts';
import {type LaneRowCase, thousands} from './row.ts';

/** Multiply-adds that a source pays for, those saved up at first, and the most beyond them. */
const PAID = 48;
const SAVED = 64 * 64;
const BEYOND = 193 + 64 * 128;
/** Repairs between two sieges, of a siege, and of those beside which a source comes. */
const SIEGE_EVERY = 2000;
const SIEGE = 600;
const SIEGE_SOURCES = 100;
/** Slots of symbols that a receiver may take: ring, repairs that wait, equations. */
const MOST_SLOTS = MOST_CAPACITY + MOST_CAPACITY / 2 + 64;

/** Operations on whole symbols that were asked of a kernel. */
class CountedKernel implements Kernel {
	operations = 0;
	readonly #kernel: Kernel;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
	}

	get bytes(): Uint8Array {
		return this.#kernel.bytes;
	}

	reserve(size: number): void {
		this.#kernel.reserve(size);
	}

	addScaled(target: number, source: number, length: number, coefficient: number): void {
		this.operations++;
		this.#kernel.addScaled(target, source, length, coefficient);
	}

	scale(target: number, length: number, coefficient: number): void {
		this.operations++;
		this.#kernel.scale(target, length, coefficient);
	}

	setTerm(index: number, source: number, length: number, coefficient: number): void {
		this.#kernel.setTerm(index, source, length, coefficient);
	}

	addTerms(target: number, count: number): void {
		this.operations += count;
		this.#kernel.addTerms(target, count);
	}
}

/** What a flood of hostile repairs cost. */
export interface Flood {
	readonly repairs: number;
	/** Sources among them, which pay for work. */
	readonly sources: number;
	/** Repairs by all fates together. */
	readonly fates: number;
	readonly operations: number;
	/** Operations that are allowed for so many sources. */
	readonly mostOperations: number;
	readonly slots: number;
	readonly mostSlots: number;
	/** Sources that hostile repairs made it deliver. */
	readonly recovered: number;
	/** Slots in use when all was over. */
	readonly left: number;
	/** Of 1,000 honest sources behind the flood, of which each tenth was lost: those not recovered. */
	readonly lostAfter: number;
}

/** A receiver under a flood. */
class Flooded {
	readonly kernel = new CountedKernel(createKernel());
	readonly memory = new SymbolMemory(this.kernel, 2 ** 26);
	readonly receiver = new CodedReceiver({
		...{memory: this.memory, format: CHECKED, capacity: 128, first: 0, within: 40},
	});
	readonly random: Prng;
	readonly bytes = new Uint8Array(70_000);
	now = 0;
	sources = 0;
	recovered = 0;
	slots = 0;

	constructor(seed: number) {
		this.random = new Prng(seed);
		this.random.fill(this.bytes);
	}

	source(sequence: number, length: number): void {
		this.sources++;
		const content = {bytes: this.bytes, start: sequence & 255, end: (sequence & 255) + length};
		this.receiver.source(sequence, this.random.integer(4), content, this.now);
		this.poll();
	}

	hostileRepair(): void {
		const {random} = this;
		const start = random.integer(256);
		const symbol = {bytes: this.bytes, start, end: start + lengthOf(random)};
		const newest = newestOf(random, this.receiver.newest, this.receiver.capacity);
		const repair = {packetNumber: random.uint32(), newest, count: countOf(random)};
		this.receiver.repair(repair, random.integer(70), symbol, this.now);
		this.poll();
	}

	/** A repair that costs as much as any: most of what it covers is known, and it solves nothing. */
	costlyRepair(): void {
		const start = this.random.integer(256);
		const symbol = {bytes: this.bytes, start, end: start + 200};
		const repair = {packetNumber: this.random.uint32(), newest: this.receiver.newest, count: 64};
		this.receiver.repair(repair, 0, symbol, this.now);
		this.poll();
	}

	poll(): void {
		const {receiver} = this;
		while (receiver.nextRecovered(this.now) >= 0) this.recovered++;
		this.slots = Math.max(this.slots, this.memory.used);
	}

	/** Lets all that waits time out. */
	settle(): void {
		for (let at = this.receiver.nextTimeout(); at < Number.POSITIVE_INFINITY; ) {
			this.now = Math.max(this.now, at);
			this.poll();
			at = this.receiver.nextTimeout();
		}
	}
}

function lengthOf(random: Prng): number {
	const kind = random.integer(8);
	if (kind === 0) return random.integer(8);
	if (kind === 1) return SYMBOL_SLOT + random.integer(3) - 1;
	if (kind === 2) return random.integer(66_000);
	return 6 + random.integer(SYMBOL_SLOT - 6);
}

function countOf(random: Prng): number {
	const kind = random.integer(8);
	if (kind === 0) return random.integer(256);
	if (kind === 1) return [0, -1, 65, 255, 2 ** 32, 0.5][random.integer(6)]!;
	return 1 + random.integer(64);
}

/** A newest sequence near the ring's, at its edges, or anywhere. */
function newestOf(random: Prng, newest: number, capacity: number): number {
	const kind = random.integer(64);
	if (kind === 0) return random.uint32();
	if (kind === 1) return (newest + capacity + random.integer(128) - 64) >>> 0;
	if (kind === 2) return (newest - capacity + random.integer(128) - 64) >>> 0;
	if (kind === 3) return (newest + 2 ** 31 + random.integer(3) - 1) >>> 0;
	return (newest - random.integer(200) + (kind < 8 ? 220 : 0)) >>> 0;
}

/** Honest traffic with repairs, in which each tenth source is lost; returns those not recovered. */
function honest(flooded: Flooded, sources: number): number {
	const {receiver} = flooded;
	const first = (receiver.newest + 1) >>> 0;
	const encoder = new Encoder(new SymbolMemory(createKernel(), 2 ** 20), CHECKED, first);
	const {received, recovered} = receiver.counts;
	const symbol = new Uint8Array(SYMBOL_SLOT);
	for (let i = 0; i < sources; i++) {
		flooded.now += 1;
		const sequence = encoder.add(flooded.bytes, (first + i) & 255, ((first + i) & 255) + 100);
		if (i % 10 !== 5) flooded.source(sequence, 100);
		if (i % 4 !== 3) continue;
		const packetNumber = 1e9 + i;
		const count = Math.min(16, encoder.count);
		const end = encoder.repair(packetNumber, count, symbol, 0);
		const repair = {packetNumber, newest: sequence, count};
		receiver.repair(repair, 1, {bytes: symbol, start: 0, end}, flooded.now);
		flooded.poll();
	}
	flooded.settle();
	const gained = receiver.counts.received + receiver.counts.recovered - received - recovered;
	return sources - gained;
}

/**
 * Sends a receiver hostile repairs, with few sources among them, then honest traffic. Most repairs
 * are of any kind, those of a siege cost the most.
 */
export function flood(repairs: number, seed: number): Flood {
	const flooded = new Flooded(seed);
	const {receiver, random, kernel, memory} = flooded;
	for (let i = 0; i < repairs; i++) {
		flooded.now += random.integer(64) === 0 ? 50 : 0.01;
		const turn = i % SIEGE_EVERY;
		if (turn < SIEGE_SOURCES) {
			flooded.source((receiver.newest + (turn % 20 === 0 ? 2 : 1)) >>> 0, 100);
		} else if (i % 32 === 0) {
			const sequence = (receiver.newest + 1 - random.integer(3)) >>> 0;
			flooded.source(sequence, 1 + random.integer(1400));
		}
		if (turn < SIEGE) flooded.costlyRepair();
		else flooded.hostileRepair();
	}
	flooded.settle();
	const {used, needless, dependent, stale, refused, malformed} = receiver.repairs;
	const {operations} = kernel;
	const {sources, slots, recovered} = flooded;
	// Sources first, which pay for the work that the flood has taken.
	honest(flooded, 2000);
	const lostAfter = honest(flooded, 1000);
	receiver.close();
	return {
		repairs,
		sources,
		fates: used + needless + dependent + stale + refused + malformed,
		operations,
		mostOperations: PAID * sources + SAVED + BEYOND,
		slots,
		mostSlots: MOST_SLOTS,
		recovered,
		left: memory.used,
		lostAfter,
	};
}

/** The flood as a row of the table of figures. */
export const floodRow: LaneRowCase = {
	name: 'l: hostile repairs',
	run: (share) => {
		const found = flood(Math.round(1e7 * share), 1);
		const {repairs, sources, operations, mostOperations, slots, mostSlots} = found;
		return {
			name: `l: ${thousands(repairs)} hostile repairs beside ${thousands(sources)} sources`,
			figure: `${thousands(operations)} multiply-adds, ${thousands(slots)} symbols kept, ${found.recovered} recovered, ${found.lostAfter} of 1,000 lost afterwards`,
			limit: `<= ${thousands(mostOperations)}, <= ${thousands(mostSlots)}, 0, 0`,
			holds:
				operations <= mostOperations &&
				slots <= mostSlots &&
				found.recovered === 0 &&
				found.lostAfter === 0,
		};
	},
};
