import test from 'ava';
import fc from 'fast-check';
import {Arrival, Decoder} from '../../src/fec/decoder.ts';
import {Encoder} from '../../src/fec/encoder.ts';
import type {Kernel} from '../../src/fec/kernel.ts';
import {SYMBOL_SLOT, SymbolMemory} from '../../src/fec/symbol-memory.ts';
import {TableKernel} from '../../src/fec/table-kernel.ts';
import {wasmKernel} from '../../src/fec/wasm-kernel.ts';
import {CHECKED} from './checked-format.ts';
import {PlainDecoder} from './plain-decoder.ts';

const MEBIBYTE = 1 << 20;

interface Packet {
	readonly sequence: number;
	/** 0: a source. */
	readonly count: number;
	readonly packetNumber: number;
	readonly bytes: Uint8Array;
}

function contentOf(sequence: number, length: number): Uint8Array {
	return Uint8Array.from({length}, (_, i) => (sequence * 131 + i * 29 + (i >> 3) + 7) & 255);
}

function memoryOf(kernel: Kernel = wasmKernel() ?? new TableKernel()): SymbolMemory {
	return new SymbolMemory(kernel, 16 * MEBIBYTE);
}

/** Sources with `repairs` after each, over the last `window`. */
function packetsOf(
	lengths: readonly number[],
	window: number,
	repairs: number,
	first = 0,
): Packet[] {
	const memory = memoryOf();
	const encoder = new Encoder(memory, CHECKED, first);
	const packets: Packet[] = [];
	let credit = 0;
	let packetNumber = 1000;
	for (const length of lengths) {
		const content = contentOf(encoder.newest + 1, length);
		const sequence = encoder.add(content, 0, length);
		packets.push({sequence, count: 0, packetNumber: packetNumber++, bytes: content});
		for (credit += repairs; credit >= 1; credit--) {
			const count = Math.min(window, encoder.count);
			const symbol = new Uint8Array(SYMBOL_SLOT);
			const end = encoder.repair(packetNumber, count, symbol, 0);
			packets.push({sequence, count, packetNumber: packetNumber++, bytes: symbol.slice(0, end)});
		}
	}
	encoder.close();
	if (memory.used !== 0) throw new Error('the encoder keeps memory');
	return packets;
}

/** A decoder, and the memory that its repairs come in. */
class Fed extends Decoder {
	readonly memory: SymbolMemory;

	constructor(memory: SymbolMemory, capacity: number, first = 0) {
		super(memory, CHECKED, capacity, first);
		this.memory = memory;
	}

	/** False when there is no memory for it. */
	feed({sequence, count, packetNumber, bytes}: Packet): boolean {
		if (count === 0) {
			this.source(sequence, bytes, 0, bytes.length);
			return true;
		}
		const slot = this.memory.take();
		if (slot < 0) return false;
		this.memory.load(slot, 0, bytes, 0, bytes.length);
		this.repair({packetNumber, newest: sequence, count, slot, length: bytes.length});
		return true;
	}
}

function feedPlain(decoder: PlainDecoder, {sequence, count, packetNumber, bytes}: Packet): void {
	if (count > 0) {
		decoder.repair(packetNumber, sequence, count, bytes);
		return;
	}
	const symbol = new Uint8Array(CHECKED.headLength + bytes.length);
	symbol.set(bytes, CHECKED.headLength);
	CHECKED.writeHead(sequence, symbol, 0, symbol.length);
	decoder.source(sequence, symbol);
}

/** Which packets get through, and how far each is late. */
const JOURNEY = fc.record({
	lengths: fc.array(fc.integer({min: 1, max: 90}), {minLength: 1, maxLength: 40}),
	window: fc.integer({min: 1, max: 24}),
	repairs: fc.constantFrom(0.25, 0.5, 1, 2),
	fates: fc.array(fc.tuple(fc.boolean(), fc.nat(9)), {minLength: 120, maxLength: 120}),
});

function journey(packets: readonly Packet[], fates: readonly (readonly [boolean, number])[]) {
	return packets
		.map((packet, i) => ({packet, arrives: fates[i % 120]![0], at: i + fates[i % 120]![1]}))
		.filter(({arrives}) => arrives)
		.toSorted((a, b) => a.at - b.at)
		.map(({packet}) => packet);
}

for (const [name, kernel] of Object.entries({
	WebAssembly: wasmKernel,
	tables: () => new TableKernel(),
})) {
	test(`${name}: recovers what the definition recovers, as soon, in every order and with every loss`, (t) => {
		fc.assert(
			fc.property(JOURNEY, ({lengths, window, repairs, fates}) => {
				const memory = memoryOf(kernel());
				const decoder = new Fed(memory, 128);
				const plain = new PlainDecoder();
				for (const packet of journey(packetsOf(lengths, window, repairs), fates)) {
					const before = new Set(plain.known.keys());
					feedPlain(plain, packet);
					decoder.feed(packet);
					const own = packet.count === 0 ? packet.sequence : -1;
					const gained = [...plain.known.keys()].filter((id) => !before.has(id) && id !== own);
					const recovered = [...decoder.recovered.subarray(0, decoder.recoveredCount)];
					t.deepEqual(
						recovered,
						gained.toSorted((a, b) => a - b),
					);
					for (const sequence of recovered) {
						const content = memory.kernel.bytes.slice(
							decoder.contentStart(sequence),
							decoder.contentEnd(sequence),
						);
						t.deepEqual(content, contentOf(sequence, lengths[sequence]!));
					}
				}
				t.is(decoder.corrupt, 0);
				decoder.close();
				t.is(memory.used, 0);
			}),
			{numRuns: 150},
		);
	});
}

test('any losses up to what repairs make up are recovered, at every place of the ring', (t) => {
	for (const first of [0, 2 ** 32 - 60, 2 ** 31 - 60]) {
		const packets = packetsOf(new Array(120).fill(50), 16, 1, first);
		const decoder = new Fed(memoryOf(), 128, first);
		const recovered = new Set<number>();
		let lost = 0;
		packets.forEach((packet, i) => {
			// One of a source and its repair, changing places.
			if (packet.count === 0 && Math.floor(i / 2) % 2 === 1) {
				lost++;
				return;
			}
			decoder.feed(packet);
			for (let r = 0; r < decoder.recoveredCount; r++) recovered.add(decoder.recovered[r]!);
		});
		t.is(recovered.size, lost);
		t.is(decoder.repairs.needless + decoder.repairs.used, 120);
	}
});

test('a sequence that was recovered is known when it arrives, one older than the ring is old', (t) => {
	const [first, repair, ...rest] = packetsOf(new Array(200).fill(20), 4, 1);
	const decoder = new Fed(memoryOf(), 128);
	decoder.feed(repair!);
	t.deepEqual([...decoder.recovered.subarray(0, decoder.recoveredCount)], [0]);
	t.is(decoder.source(0, first!.bytes, 0, 20), Arrival.KNOWN);
	t.is(decoder.source(1, contentOf(1, 20), 0, 20), Arrival.NEW);
	for (const packet of rest) if (packet.count === 0) decoder.feed(packet);
	t.is(decoder.newest, 199);
	t.is(decoder.source(71, contentOf(71, 20), 0, 20), Arrival.OLD);
	t.is(decoder.newest, 199);
	t.is(decoder.source(72, contentOf(72, 20), 0, 20), Arrival.KNOWN);
});

test('what a liar sends is bounded in memory and work, and recovers nothing wrong', (t) => {
	const memory = memoryOf();
	const decoder = new Fed(memory, 256);
	const symbol = new Uint8Array(SYMBOL_SLOT);
	let sequence = 0;
	for (let i = 0; i < 20_000; i++) {
		symbol[i % SYMBOL_SLOT] = i & 255;
		const count = [0, 1, 63, 64, 65, 255][i % 6]!;
		const ahead = i % 97 === 0 ? 1_000_000 : i % 5;
		sequence = (sequence + ahead) >>> 0;
		const end = [0, 1, 6, 700, SYMBOL_SLOT, SYMBOL_SLOT][i % 5]!;
		decoder.feed({packetNumber: i, sequence, count: count || 300, bytes: symbol.subarray(0, end)});
		t.is(decoder.recoveredCount, 0);
	}
	const {used, needless, dependent, stale, refused, malformed} = decoder.repairs;
	t.is(used + needless + dependent + stale + refused + malformed, 20_000);
	t.true(memory.used <= 256 + 64, `${memory.used}`);
	// Nothing arrived that pays for more than what was saved up at first, and one repair.
	t.true(decoder.work <= 64 * 64 + 193, `${decoder.work}`);
	decoder.close();
	t.is(memory.used, 0);
});

test('a repair of other content than the sources is dropped by the check', (t) => {
	const packets = packetsOf(new Array(8).fill(40), 8, 1);
	const decoder = new Fed(memoryOf(), 128);
	for (const packet of packets.filter(({count, sequence}) => count === 0 && sequence !== 5)) {
		decoder.feed(packet);
	}
	const repair = packets.find(({count, sequence}) => count > 0 && sequence === 6)!;
	decoder.feed({...repair, bytes: repair.bytes.with(20, repair.bytes[20]! ^ 1)});
	t.is(decoder.corrupt, 1);
	t.is(decoder.recoveredCount, 0);
	t.false(decoder.knows(5));
	decoder.feed(packets.find(({count, sequence}) => count > 0 && sequence === 7)!);
	t.is(decoder.recoveredCount, 1);
	t.true(decoder.knows(5));
});

test('without memory nothing is recovered, and nothing breaks', (t) => {
	const memory = new SymbolMemory(new TableKernel(), 10 * SYMBOL_SLOT);
	const decoder = new Fed(memory, 128);
	const packets = packetsOf(new Array(60).fill(40), 8, 1);
	let refused = 0;
	for (const packet of packets) {
		if (packet.sequence % 3 !== 1 || packet.count > 0) refused += +!decoder.feed(packet);
	}
	t.true(memory.used <= 10);
	t.true(refused > 0);
	t.is(decoder.corrupt, 0);
	decoder.close();
	t.is(memory.used, 0);
});
