import {crc32} from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import {SYMBOL_HEAD_LENGTH, SymbolHead} from '../../src/wire/symbol.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';

const {symbols} = readVectors<{
	symbols: {sequence: number; content: string; hex: string}[];
}>('wire-lanes');

const head = new SymbolHead(crc32);

/** Bytes in front of a symbol, which are none of it. */
const AT = 3;

/** A symbol at AT, with its padding and other bytes around it. */
function symbolOf(sequence: number, content: Uint8Array, padding = 0): Uint8Array {
	const end = AT + SYMBOL_HEAD_LENGTH + content.length;
	const bytes = new Uint8Array(end + padding + AT).fill(0xa5);
	bytes.set(content, AT + SYMBOL_HEAD_LENGTH);
	bytes.fill(0, end, end + padding);
	head.writeHead(sequence, bytes, AT, end);
	return bytes;
}

function contentEnd(sequence: number, bytes: Uint8Array): number {
	return head.contentEnd(sequence, bytes, AT, bytes.length - AT);
}

for (const {sequence, content, hex} of symbols) {
	test(`vector: sequence ${sequence}, ${content.length / 2} bytes`, (t) => {
		const bytes = symbolOf(sequence, fromHex(content));
		t.is(toHex(bytes.subarray(AT, -AT)), hex);
		t.is(contentEnd(sequence, bytes), bytes.length - AT);
		t.deepEqual([...bytes.subarray(0, AT), ...bytes.subarray(-AT)], new Array(2 * AT).fill(0xa5));
	});
}

const SYMBOL = fc.record({
	// After this sequence a CRC-32 is the same for any number of zeros.
	sequence: fc.oneof(fc.nat(0xffff_ffff), fc.constant(0xffff_ffff)),
	// Contents that end with zeros are those whose length is hard to tell.
	content: fc
		.tuple(fc.uint8Array({maxLength: 60}), fc.nat(4))
		.map(([bytes, zeros]) => Uint8Array.from([...bytes, ...new Uint8Array(zeros)])),
	padding: fc.nat(20),
});

test('the content of every symbol is found, however it is padded', (t) => {
	fc.assert(
		fc.property(SYMBOL, ({sequence, content, padding}) => {
			const bytes = symbolOf(sequence, content, padding);
			const end = AT + SYMBOL_HEAD_LENGTH + content.length;
			t.is(contentEnd(sequence, bytes), end);
		}),
		{seed: 40},
	);
});

test('every byte that changes is found: in the check, the length, the content, the padding', (t) => {
	fc.assert(
		fc.property(SYMBOL, fc.integer({min: 1, max: 255}), (symbol, change) => {
			const {sequence, content, padding} = symbol;
			const bytes = symbolOf(sequence, content, padding);
			for (let at = AT; at < bytes.length - AT; at++) {
				bytes[at]! ^= change;
				t.is(contentEnd(sequence, bytes), -1, `byte ${at - AT}`);
				bytes[at]! ^= change;
			}
		}),
		{seed: 41},
	);
});

test('every other length is found', (t) => {
	fc.assert(
		fc.property(SYMBOL, ({sequence, content, padding}) => {
			const bytes = symbolOf(sequence, content, padding);
			for (let length = 0; length < content.length + padding + 3; length++) {
				if (length === content.length) continue;
				bytes[AT + 4] = length >> 8;
				bytes[AT + 5] = length & 255;
				t.is(contentEnd(sequence, bytes), -1, `length ${length}`);
			}
		}),
		{seed: 42},
	);
});

test('every other sequence is found', (t) => {
	fc.assert(
		fc.property(SYMBOL, fc.integer({min: 1, max: 0xffff_ffff}), (symbol, change) => {
			const {sequence, content, padding} = symbol;
			const bytes = symbolOf(sequence, content, padding);
			t.is(contentEnd((sequence ^ change) >>> 0, bytes), -1);
		}),
		{seed: 43},
	);
});

test('what is shorter than a head is no symbol, and nothing behind the end is looked at', (t) => {
	const bytes = symbolOf(7, Uint8Array.of(1, 2, 3));
	for (let length = 0; length < SYMBOL_HEAD_LENGTH + 3; length++) {
		t.is(head.contentEnd(7, bytes, AT, AT + length), -1, `${length} bytes`);
	}
	t.is(head.contentEnd(7, bytes, AT, bytes.length - AT), bytes.length - AT);
});
