import test from 'ava';
import fc from 'fast-check';
import {type Account, unlimited} from '../../../src/core/budget.ts';
import {Reassembly} from '../../../src/core/lane/reassembly.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {ArrayReassembly} from '../../support/reference/array-reassembly.ts';

/** Adds a piece of `length` bytes of value `fill`. */
function add(
	reassembly: Reassembly,
	packetNumber: number,
	[index, count]: readonly [number, number],
	length = 10,
	now = 0,
): Uint8Array | 'malformed' | undefined {
	const bytes = new Uint8Array(length).fill(index);
	return reassembly.add(packetNumber - index, {index, count, bytes, start: 0, end: length}, now);
}

/** A reassembly and the account of its memory: a piece takes its bytes and 128 more. */
function newReassembly(): {reassembly: Reassembly; account: Account} {
	const account = unlimited();
	return {reassembly: new Reassembly(account), account};
}

interface Piece {
	readonly number: number;
	readonly index: number;
	readonly count: number;
	readonly bytes: Uint8Array;
}

test('joins what arrives in any order with losses, as a map of arrays does', (t) => {
	const wholes = fc.array(fc.integer({min: 2, max: 9}), {minLength: 1, maxLength: 12});
	fc.assert(
		fc.property(wholes, fc.nat(), (counts, seed) => {
			const random = new Prng(seed);
			const pieces: Piece[] = [];
			for (const count of counts) {
				for (let index = 0; index < count; index++) {
					const bytes = new Uint8Array(random.integer(20));
					random.fill(bytes);
					pieces.push({number: pieces.length, index, count, bytes});
				}
			}
			const order = pieces
				.filter(() => random.uniform() < 0.9)
				.map((piece) => ({piece, at: piece.number + random.integer(12)}))
				.sort((a, b) => a.at - b.at);
			const reassembly = new Reassembly();
			const twin = new ArrayReassembly();
			for (const {piece} of order) {
				const {number, index, count, bytes} = piece;
				const span = Uint8Array.of(0xa5, ...bytes, 0xa5);
				const joined = reassembly.add(
					number - index,
					{index, count, bytes: span, start: 1, end: span.length - 1},
					0,
				);
				span.fill(0);
				t.deepEqual(joined, twin.add(number, index, count, bytes));
			}
		}),
		{seed: 23},
	);
});

test('joins 64 pieces of the longest datagram', (t) => {
	const {reassembly, account} = newReassembly();
	let joined: Uint8Array | 'malformed' | undefined;
	for (let index = 63; index >= 0; index--) {
		joined = add(reassembly, 1000 + index, [index, 64], 1024);
	}
	t.is(joined?.length, 65_536);
	t.is(account.used, 0);
});

for (const [name, number, index, count] of [
	['a whole of one piece', 5, 0, 1],
	['a whole of none', 5, 0, 0],
	['65 pieces', 5, 0, 65],
	['an index beyond the count', 5, 2, 2],
	['a whole that began before number 0', 3, 4, 9],
] as const) {
	test(`refuses ${name}`, (t) => {
		const {reassembly, account} = newReassembly();
		t.is(add(reassembly, number, [index, count]), 'malformed');
		t.is(account.used, 0);
	});
}

test('forgets a whole whose pieces disagree on their count', (t) => {
	const {reassembly, account} = newReassembly();
	add(reassembly, 10, [0, 3]);
	t.is(add(reassembly, 11, [1, 4]), 'malformed');
	t.is(account.used, 0);
});

test('forgets a whole that grows beyond the longest datagram', (t) => {
	const {reassembly, account} = newReassembly();
	add(reassembly, 0, [0, 3], 40_000);
	t.is(add(reassembly, 1, [1, 3], 40_000), 'malformed');
	t.is(account.used, 0);
});

test('a piece that came twice changes nothing', (t) => {
	const reassembly = new Reassembly();
	add(reassembly, 10, [0, 2]);
	t.is(add(reassembly, 10, [0, 2]), 'malformed');
	t.is(add(reassembly, 11, [1, 2])?.length, 20);
});

test('gives up after 2 s', (t) => {
	const {reassembly, account} = newReassembly();
	add(reassembly, 0, [0, 2]);
	reassembly.expire(2000);
	t.is(account.used, 10 + 128);
	reassembly.expire(2001);
	t.is(account.used, 0);
	t.is(add(reassembly, 1, [1, 2]), undefined);
});

test('the 65th whole pushes the oldest out', (t) => {
	const {reassembly, account} = newReassembly();
	for (let i = 0; i < 65; i++) add(reassembly, 100 * i, [0, 2]);
	t.is(account.used, 64 * (10 + 128));
	t.is(add(reassembly, 101, [1, 2])?.length, 20);
	t.is(add(reassembly, 1, [1, 2]), undefined);
});

test('the oldest whole goes when all hold more than 4 MiB, and its memory is given back', (t) => {
	const {reassembly, account} = newReassembly();
	for (let round = 1; round <= 3; round++) {
		for (let i = 0; i < 64; i++) add(reassembly, 100 * i, [0, 2], 65_800, round * 10_000);
		t.is(account.used, 63 * (65_800 + 128));
		reassembly.expire(round * 10_000 + 2001);
		t.is(account.used, 0);
	}
});

test('hostile pieces never throw, and what is joined is never longer than a frame', (t) => {
	const piece = fc.tuple(fc.nat(400), fc.nat(70), fc.nat(70), fc.constantFrom(0, 1, 1400, 65_000));
	fc.assert(
		fc.property(fc.array(piece, {maxLength: 300, size: 'max'}), (pieces) => {
			const {reassembly, account} = newReassembly();
			for (const [i, [number, index, count, length]] of pieces.entries()) {
				const result = add(reassembly, number, [index, count], length, i);
				if (result instanceof Uint8Array) t.true(result.length <= 65_507 + 320);
				t.true(account.used <= 4 * 1024 * 1024 + 64 * 64 * 128);
			}
		}),
		{seed: 24},
	);
});
