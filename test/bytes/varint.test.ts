import test from 'ava';
import fc from 'fast-check';
import {VARINT_MAX, varintLength, writeVarint} from '../../src/bytes/varint.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';
import {decodeSurrounded} from '../support/reference/surrounded.ts';

interface Vector {
	readonly name: string;
	readonly hex: string;
	readonly value: number;
}

const vectors = readVectors<{
	valid: Vector[];
	longer: Vector[];
	malformed: {name: string; hex: string}[];
}>('wire-varint');

function encode(value: number): Uint8Array {
	const bytes = new Uint8Array(varintLength(value));
	writeVarint(bytes, 0, value);
	return bytes;
}

for (const {name, hex, value} of vectors.valid) {
	test(`vector: ${name}`, (t) => {
		t.is(toHex(encode(value)), hex);
		const {result, same} = decodeSurrounded(fromHex(hex), (cursor) => cursor.varint());
		t.is(result, value);
		t.true(same);
	});
}

for (const {name, hex, value} of vectors.longer) {
	test(`is read though it is longer than needed: ${name}`, (t) => {
		const {result} = decodeSurrounded(fromHex(hex), (cursor) => cursor.varint());
		t.is(result, value);
	});
}

for (const {name, hex} of vectors.malformed) {
	test(`is malformed: ${name}`, (t) => {
		const {result, contained} = decodeSurrounded(fromHex(hex), (cursor) => {
			cursor.varint();
			return cursor.failed;
		});
		t.true(result);
		t.true(contained);
	});
}

test('every value is read again, in the length that was announced', (t) => {
	const small = fc.nat(0x5000);
	fc.assert(
		fc.property(fc.oneof(small, fc.nat(VARINT_MAX)), fc.nat(9), (value, at) => {
			const bytes = new Uint8Array(16);
			const end = writeVarint(bytes, at, value);
			t.is(end - at, varintLength(value));
			const span = bytes.slice(at, end);
			const {result, same} = decodeSurrounded(span, (cursor) => cursor.varint());
			t.is(result, value);
			t.true(same);
			t.is(fromTop(span), value);
		}),
		{seed: 3},
	);
});

/** The slow twin: through a DataView. */
function fromTop(span: Uint8Array): number {
	const view = new DataView(span.buffer, span.byteOffset, span.length);
	if (span.length === 1) return view.getUint8(0);
	return span.length === 2 ? view.getUint16(0) - 0x4000 : view.getUint32(0) - 0x8000_0000;
}
