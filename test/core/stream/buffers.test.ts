import test from 'ava';
import fc from 'fast-check';
import {RangeSet} from '../../../src/core/stream/range-set.ts';
import {ReceiveBuffer} from '../../../src/core/stream/receive-buffer.ts';
import {SendBuffer} from '../../../src/core/stream/send-buffer.ts';

/** All ranges of a set, which must be in order, apart from each other, and as many as it says. */
function rangesOf(set: RangeSet): [number, number][] {
	const ranges: [number, number][] = [];
	for (let at = -1; ; ) {
		const start = set.startBehind(at);
		if (start === Number.POSITIVE_INFINITY) break;
		if (start <= at) throw new Error(`a range begins at ${start}, behind ${at}`);
		at = set.endAround(start);
		ranges.push([start, at]);
	}
	if (ranges.length !== set.size) throw new Error(`${ranges.length} ranges, not ${set.size}`);
	const [start, end] = ranges[0] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
	if (set.firstStart !== start || set.firstEnd !== end) throw new Error('another range is first');
	return ranges;
}

const range = fc.tuple(fc.nat(60), fc.nat(20)).map(([start, length]) => [start, start + length]);

test('a range set is the set of its numbers', (t) => {
	const operations = fc.array(fc.tuple(fc.boolean(), range), {maxLength: 60, size: 'max'});
	fc.assert(
		fc.property(operations, (steps) => {
			const ranges = new RangeSet();
			const twin = new Set<number>();
			for (const [adds, [start, end]] of steps) {
				if (adds) ranges.add(start!, end!);
				else ranges.remove(start!, end!);
				for (let i = start!; i < end!; i++) adds ? twin.add(i) : twin.delete(i);
				const numbers = rangesOf(ranges).flatMap(([from, to]) => {
					return Array.from({length: to - from}, (_, i) => from + i);
				});
				const expected = [...twin].sort((a, b) => a - b);
				if (`${numbers}` !== `${expected}`) return false;
			}
			return true;
		}),
	);
	t.pass();
});

test('a range set of thousands of ranges is the set of its numbers, wherever they go', (t) => {
	const step = fc.record({
		adds: fc.boolean(),
		start: fc.nat(8000),
		length: fc.oneof(fc.integer({min: 1, max: 5}), fc.integer({min: 1, max: 3000})),
		// Every so many numbers one; 1 = all.
		every: fc.constantFrom(1, 2, 3),
		isBackwards: fc.boolean(),
	});
	fc.assert(
		fc.property(fc.array(step, {minLength: 4, maxLength: 12, size: 'max'}), (steps) => {
			const ranges = new RangeSet();
			const twin = new Uint8Array(12_000);
			for (const {adds, start, length, every, isBackwards} of steps) {
				const count = every === 1 ? 1 : length;
				for (let i = 0; i < count; i++) {
					const from = start + (every === 1 ? 0 : isBackwards ? length - 1 - i : i);
					const to = every === 1 ? start + length : from + 1;
					if (every > 1 && from % every !== 0) continue;
					if (adds) ranges.add(from, to);
					else ranges.remove(from, to);
					twin.fill(adds ? 1 : 0, from, to);
				}
				const copy = new Uint8Array(twin.length);
				for (const [from, to] of rangesOf(ranges)) {
					if (from > 0 && copy[from - 1] === 1) return false;
					copy.fill(1, from, to);
				}
				if (copy.some((value, i) => value !== twin[i])) return false;
				for (let i = 0; i < twin.length - 3; i += 97) {
					if (ranges.touches(i, i + 2) !== twin.subarray(Math.max(0, i - 1), i + 3).includes(1)) {
						return false;
					}
				}
			}
			return true;
		}),
		{numRuns: 60},
	);
	t.pass();
});

test('a send buffer keeps what is not acknowledged, and only what is lost goes again', (t) => {
	const steps = fc.array(
		fc.tuple(
			fc.constantFrom('write', 'acknowledge', 'lose'),
			fc.nat(90),
			fc.integer({min: 1, max: 30}),
		),
		{maxLength: 80, size: 'max'},
	);
	fc.assert(
		fc.property(steps, (operations) => {
			const buffer = new SendBuffer();
			const acknowledged = new Set<number>();
			const lost = new Set<number>();
			for (const [what, at, length] of operations) {
				if (what === 'write') {
					buffer.append(Uint8Array.from({length}, (_, i) => (buffer.end + i) & 0xff));
					buffer.next = buffer.end;
					continue;
				}
				const count = Math.min(length, buffer.end - at);
				if (count <= 0) continue;
				if (what === 'acknowledge') buffer.acknowledge(at, count);
				else buffer.lose(at, count);
				for (let i = at; i < at + count; i++) {
					if (what === 'acknowledge') {
						acknowledged.add(i);
						lost.delete(i);
					} else if (!acknowledged.has(i)) lost.add(i);
				}
				let total = 0;
				for (const [from, to] of rangesOf(buffer.lost)) {
					const bytes = new Uint8Array(to - from);
					buffer.copy(from, bytes.length, bytes, 0);
					for (let j = 0; j < bytes.length; j++) {
						if (!lost.has(from + j) || bytes[j] !== ((from + j) & 0xff)) return false;
					}
					total += bytes.length;
				}
				if (total !== lost.size) return false;
			}
			let base = 0;
			while (acknowledged.has(base)) base++;
			return buffer.base === base && buffer.buffered === buffer.end - base;
		}),
	);
	t.pass();
});

test('a receive buffer gives back the bytes in order whatever the order of arrival', (t) => {
	const size = 50_000;
	const source = Uint8Array.from({length: size}, (_, i) => (i * 7 + (i >> 8)) & 0xff);
	const pieces = fc.array(
		fc.tuple(fc.nat(size - 1), fc.integer({min: 1, max: 9000}), fc.boolean()),
		{
			minLength: 30,
			maxLength: 60,
			size: 'max',
		},
	);
	fc.assert(
		fc.property(pieces, (arrivals) => {
			const buffer = new ReceiveBuffer();
			const out: number[] = [];
			const take = () => {
				for (let bytes = buffer.read(); bytes !== undefined; bytes = buffer.read()) {
					for (const byte of bytes) out.push(byte);
				}
			};
			for (const [offset, length, reads] of arrivals) {
				const end = Math.min(size, offset + length);
				if (!buffer.insert(offset, source, offset, end, end === size)) return false;
				if (reads) take();
			}
			buffer.insert(0, source, 0, size, true);
			take();
			return buffer.finished && out.length === size && out.every((byte, i) => byte === source[i]);
		}),
		{numRuns: 30},
	);
	t.pass();
});

test('an end that moves, and bytes behind the end, are refused', (t) => {
	const bytes = new Uint8Array(10);
	const buffer = new ReceiveBuffer();
	t.true(buffer.insert(0, bytes, 0, 10, true));
	t.false(buffer.insert(5, bytes, 0, 10, false));
	t.false(buffer.insert(0, bytes, 0, 5, true));
	t.true(buffer.insert(0, bytes, 0, 10, true));
	const other = new ReceiveBuffer();
	t.true(other.insert(20, bytes, 0, 10, false));
	t.false(other.insert(0, bytes, 0, 10, true));
});
