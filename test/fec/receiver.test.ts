import test from 'ava';
import {Arrival} from '../../src/fec/decoder.ts';
import {Encoder} from '../../src/fec/encoder.ts';
import {CodedReceiver, firstExpected} from '../../src/fec/receiver.ts';
import {SYMBOL_SLOT, SymbolMemory} from '../../src/fec/symbol-memory.ts';
import {TableKernel} from '../../src/fec/table-kernel.ts';
import {links} from '../support/lanes/lane-cases.ts';
import {LaneRun} from '../support/lanes/lane-run.ts';
import {planOf} from '../support/lanes/plan.ts';
import {CHECKED} from './checked-format.ts';

const LENGTH = 20;

function contentOf(sequence: number): Uint8Array {
	return Uint8Array.from({length: LENGTH}, (_, i) => (sequence >> (i & 3)) * 31 + i);
}

interface FedInit {
	readonly slots?: number;
	readonly capacity?: number;
	readonly first?: number;
	readonly within?: number;
}

/** A receiver with an encoder of the same sources, and what was recovered, by sequence. */
class Fed {
	readonly memory: SymbolMemory;
	readonly receiver: CodedReceiver;
	readonly recovered = new Map<number, Uint8Array>();
	readonly #encoder: Encoder;
	#packetNumber = 0;

	constructor({slots = 10_000, capacity = 128, first = 0, within = 40}: FedInit = {}) {
		this.memory = new SymbolMemory(new TableKernel(), slots * SYMBOL_SLOT);
		const {memory} = this;
		this.receiver = new CodedReceiver({memory, format: CHECKED, capacity, first, within});
		this.#encoder = new Encoder(new SymbolMemory(new TableKernel(), 1 << 20), CHECKED, 0);
	}

	source(sequence: number, path: number, now: number): Arrival {
		const bytes = contentOf(sequence);
		const content = {bytes, start: 0, end: LENGTH};
		const arrival = this.receiver.source(sequence, path, content, now);
		this.#poll(now);
		return arrival;
	}

	/** A repair over the `count` sources up to `newest`, which it encodes. */
	repair(newest: number, count: number, path: number, now: number): void {
		for (let next = (this.#encoder.newest + 1) >>> 0; next <= newest; next++) {
			this.#encoder.add(contentOf(next), 0, LENGTH);
		}
		const packetNumber = this.#packetNumber++;
		const bytes = new Uint8Array(64);
		const end = this.#encoder.repair(packetNumber, count, bytes, 0);
		const repair = {packetNumber, newest: this.#encoder.newest, count};
		this.receiver.repair(repair, path, {bytes, start: 0, end}, now);
		this.#poll(now);
	}

	#poll(now: number): void {
		const {receiver, memory} = this;
		for (let next = receiver.nextRecovered(now); next >= 0; next = receiver.nextRecovered(now)) {
			if (this.recovered.has(next)) throw new Error(`${next} was recovered twice`);
			const [start, end] = [receiver.contentStart(next), receiver.contentEnd(next)];
			this.recovered.set(next, memory.kernel.bytes.slice(start, end));
		}
	}

	/** Lets what waits time out. */
	settle(): void {
		this.#poll(this.receiver.nextTimeout());
	}
}

test('a recovered source is never counted as one that arrived', (t) => {
	const fed = new Fed();
	for (const sequence of [0, 1, 3]) fed.source(sequence, 0, sequence);
	fed.repair(3, 4, 0, 4);
	fed.settle();
	t.deepEqual([...fed.recovered], [[2, contentOf(2)]]);
	t.like(fed.receiver.counts, {received: 3, recovered: 1, missing: 0, late: 0, duplicate: 0});
	t.deepEqual([...fed.receiver.progress.packets.slice(0, 2)], [4, 0]);
	t.is(fed.source(2, 1, 5), Arrival.KNOWN);
	t.like(fed.receiver.counts, {received: 3, recovered: 1, missing: 0, late: 0, duplicate: 1});
});

test('a repair waits until what it covers is due on each path', (t) => {
	const fed = new Fed();
	fed.source(0, 0, 0);
	fed.source(1, 1, 120);
	fed.source(2, 0, 120);
	fed.source(4, 0, 121);
	// 3 may still come over path 1, which is some ms slower.
	fed.repair(4, 4, 0, 121);
	t.is(fed.recovered.size, 0);
	t.true(fed.receiver.nextTimeout() > 121);
	fed.source(3, 1, 122);
	t.is(fed.recovered.size, 0);
	t.is(fed.receiver.counts.received, 5);
	fed.source(5, 1, 122);
	t.is(fed.receiver.repairs.needless, 1);
});

test('at the start of a lane repairs wait, as the slower paths have brought nothing yet', (t) => {
	for (const [rate, within, delays] of [
		[80_000, 15, [10, 15, 20]],
		[20_000, 30, [10, 15, 25]],
		[1000, 40, [10, 15, 20]],
	] as const) {
		for (let seed = 1; seed <= 3; seed++) {
			const run = new LaneRun({
				...{seed, links: links(0.1, delays), rate, sources: 1500, within},
				plan: planOf(1.5, Math.min(64, (rate * within) / 1000)),
			});
			t.true(run.run().needless <= 3, `${rate}`);
			t.deepEqual(run.between(0, 1000), {lost: 0, late: 0}, `${rate}`);
		}
	}
});

test('a repair waits no longer than its patience', (t) => {
	const fed = new Fed();
	fed.source(0, 0, 0);
	fed.source(1, 1, 20);
	fed.source(3, 0, 21);
	fed.repair(3, 4, 0, 21);
	t.is(fed.recovered.size, 0);
	fed.settle();
	t.deepEqual([...fed.recovered.keys()], [2]);
});

/** Sources at 10 in a ms over two paths, of which the second is `skew` slower; each 10th is lost. */
function runSkewed(fed: Fed, sources: number, skew: number): void {
	const arrivals: {readonly at: number; readonly sequence: number; readonly path: number}[] = [];
	for (let sequence = 0; sequence < sources; sequence++) {
		const path = sequence % 2;
		if (sequence % 10 !== 5) arrivals.push({at: sequence / 10 + path * skew, sequence, path});
	}
	for (const {at, sequence, path} of arrivals.toSorted((a, b) => a.at - b.at)) {
		fed.source(sequence, path, at);
	}
}

test('the ring grows before a source that is not late yet falls out', (t) => {
	const fed = new Fed({within: 60});
	runSkewed(fed, 4000, 30);
	// 300 sources come in 30 ms; of those that are lost nothing is known for 60 ms.
	t.is(fed.receiver.capacity, 1024);
	t.is(fed.receiver.counts.late, 0);
	t.is(fed.receiver.counts.received, 3600);
	t.false(fed.receiver.isShort);
	const {used} = fed.memory;
	t.true(used <= 1024, `${used}`);
	fed.receiver.close();
	t.is(fed.memory.used, 0);
});

test('the ring grows for sources that come late all the time', (t) => {
	const fed = new Fed({within: 5});
	runSkewed(fed, 4000, 30);
	t.is(fed.receiver.capacity, 512);
	const {received, late, missing} = fed.receiver.counts;
	// All of the slower path are late; a few are older than the ring until it has grown, so missing.
	t.true(received >= 3500, `${received}`);
	t.true(late >= 1500 && late <= 1600, `${late}`);
	// Each is one or the other.
	t.true(received + missing <= 4000, `${received} and ${missing}`);
});

test('few late arrivals, and those far too late, need no larger ring', (t) => {
	const fed = new Fed();
	for (let sequence = 0; sequence < 20_000; sequence++) {
		if (sequence % 2000 !== 1000) fed.source(sequence, 0, sequence);
		if (sequence % 2000 === 1500) fed.source(sequence - 500, 1, sequence);
	}
	t.is(fed.receiver.capacity, 128);
	for (let i = 0; i < 100; i++) t.is(fed.source(i, 1, 20_000), Arrival.OLD);
	t.is(fed.receiver.capacity, 128);
	t.false(fed.receiver.isShort);
});

test('a gap of many sources asks for no more room than those that are not late', (t) => {
	const fed = new Fed();
	for (let sequence = 0; sequence < 200; sequence++) fed.source(sequence, 0, sequence);
	for (let sequence = 1200; sequence < 1500; sequence++) fed.source(sequence, 0, sequence);
	t.is(fed.receiver.capacity, 256);
	t.is(fed.receiver.counts.missing, 1000);
});

test('what is kept stays when the ring grows, and is recovered and known as before', (t) => {
	const fed = new Fed();
	for (let sequence = 0; sequence < 200; sequence++) {
		if (sequence !== 150) fed.source(sequence, 0, sequence / 10);
	}
	// Arrivals that ask for room; the ring begins with what it has.
	for (const sequence of [40, 41, 42, 43]) t.is(fed.source(sequence, 1, 20), Arrival.OLD);
	t.is(fed.receiver.capacity, 256);
	t.is(fed.source(44, 1, 20), Arrival.OLD);
	t.is(fed.source(199, 1, 20), Arrival.KNOWN);
	t.is(fed.source(72, 1, 20), Arrival.KNOWN);
	fed.repair(199, 60, 0, 20.1);
	fed.settle();
	t.deepEqual([...fed.recovered], [[150, contentOf(150)]]);
	t.is(fed.receiver.counts.missing, 0);
	for (let sequence = 200; sequence < 330; sequence++) fed.source(sequence, 0, 1 + sequence / 10);
	t.is(fed.source(76, 1, 34), Arrival.KNOWN);
	t.is(fed.receiver.counts.missing, 0);
});

test('without memory the ring stays as it is, says so, and takes no notice of it later', (t) => {
	const fed = new Fed({slots: 150, within: 60});
	runSkewed(fed, 4000, 30);
	t.is(fed.receiver.capacity, 128);
	t.true(fed.receiver.isShort);
	t.true(fed.memory.used <= 150);
	for (let sequence = 4000; sequence < 7000; sequence++) fed.source(sequence, 0, sequence);
	t.false(fed.receiver.isShort);
});

test('sources that cannot be kept are delivered, and it says so', (t) => {
	const fed = new Fed({slots: 50});
	for (let sequence = 0; sequence < 100; sequence++) {
		t.is(fed.source(sequence, 0, sequence), Arrival.NEW);
	}
	t.true(fed.receiver.isShort);
	t.is(fed.receiver.counts.received, 100);
});

test('repairs that cannot be kept are refused, and it says so', (t) => {
	const fed = new Fed({slots: 100});
	for (let sequence = 0; sequence < 100; sequence++) fed.source(sequence, 0, sequence);
	t.false(fed.receiver.isShort);
	fed.repair(100, 4, 0, 100);
	fed.source(99, 1, 101);
	t.is(fed.receiver.repairs.refused, 1);
	t.true(fed.receiver.isShort);
});

test('sources shortly before the first that arrives count, and are recovered', (t) => {
	t.is(firstExpected(3), 0);
	t.is(firstExpected(1000), 936);
	t.is(firstExpected(2 ** 32 - 1), 2 ** 32 - 65);
	const fed = new Fed({first: firstExpected(3)});
	t.is(fed.source(3, 0, 0), Arrival.NEW);
	t.is(fed.source(0, 1, 1), Arrival.NEW);
	fed.source(2, 1, 2);
	fed.repair(3, 4, 0, 2);
	fed.settle();
	t.deepEqual([...fed.recovered.keys()], [1]);
	const late = new Fed({first: firstExpected(1000)});
	t.is(late.source(1000, 0, 0), Arrival.NEW);
	t.is(late.source(936, 1, 1), Arrival.NEW);
	// Nothing is known of what was before: it may well be new.
	t.is(late.source(935, 1, 1), Arrival.OLD);
	for (let sequence = 1001; sequence < 1200; sequence++) late.source(sequence, 0, sequence);
	t.is(late.receiver.counts.missing, 63);
});

test('a path that cannot be counts for none, and its repairs are refused', (t) => {
	const fed = new Fed();
	for (const path of [64, 1e6, -1]) {
		t.is(fed.source(path & 63, path, 0), path === 1e6 ? Arrival.KNOWN : Arrival.NEW);
	}
	fed.repair(3, 4, 64, 0);
	t.is(fed.receiver.repairs.refused, 1);
	t.true(fed.receiver.progress.packets.every((packets) => packets === 0));
	t.is(fed.receiver.nextTimeout(), Number.POSITIVE_INFINITY);
});

test('the original of what was recovered is known, however late it comes', (t) => {
	const fed = new Fed();
	for (const sequence of [0, 1, 3]) fed.source(sequence, 0, sequence);
	fed.repair(3, 4, 0, 4);
	fed.settle();
	t.deepEqual([...fed.recovered.keys()], [2]);
	for (let sequence = 4; sequence < 60_000; sequence++) fed.source(sequence, 0, sequence);
	t.is(fed.source(2, 1, 60_000), Arrival.KNOWN);
	t.is(fed.source(1, 1, 60_000), Arrival.OLD);
	t.like(fed.receiver.counts, {recovered: 1, late: 0, duplicate: 1});
});

test('a source that is longer than any repair is delivered, and not kept', (t) => {
	const fed = new Fed();
	const used = () => fed.memory.used;
	fed.source(0, 0, 0);
	const before = used();
	const bytes = new Uint8Array(65_000).fill(0xff);
	const content = {bytes, start: 0, end: bytes.length};
	t.is(fed.receiver.source(1, 0, content, 1), Arrival.NEW);
	t.is(used(), before);
	t.is(fed.receiver.source(1, 0, content, 1), Arrival.KNOWN);
	fed.source(3, 0, 3);
	fed.repair(3, 4, 0, 4);
	t.is(fed.recovered.size, 0);
});
