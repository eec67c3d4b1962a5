import test from 'ava';
import fc from 'fast-check';
import {decodeTarget, encodeFixedTarget, MAX_NAME, TargetKind} from '../../src/wire/address.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';
import {decodeSurrounded} from '../support/reference/surrounded.ts';

const vectors = readVectors<{
	valid: {name: string; listener: string; application: string; hex: string}[];
	malformed: {name: string; hex: string}[];
}>('wire-target');

for (const {name, listener, application, hex} of vectors.valid) {
	test(`vector: ${name}`, (t) => {
		t.is(toHex(encodeFixedTarget(listener, application)), hex);
		const {result, same} = decodeSurrounded(fromHex(hex), decodeTarget);
		t.deepEqual(result, {kind: TargetKind.FIXED, listener, application});
		t.true(same);
	});
}

for (const {name, hex} of vectors.malformed) {
	test(`refuses ${name}`, (t) => {
		const {result, same, contained} = decodeSurrounded(fromHex(hex), decodeTarget);
		t.is(result, undefined);
		t.true(same && contained);
	});
}

const name = fc.string({unit: 'grapheme-ascii', maxLength: MAX_NAME});

test('every pair of names is read again', (t) => {
	fc.assert(
		fc.property(name, name, (listener, application) => {
			const bytes = encodeFixedTarget(listener, application);
			const {result, same} = decodeSurrounded(bytes, decodeTarget);
			t.deepEqual(result, {kind: TargetKind.FIXED, listener, application});
			t.true(same);
		}),
		{seed: 7},
	);
});

test('names are cut at their longest', (t) => {
	const bytes = encodeFixedTarget('l'.repeat(100), 'a'.repeat(65));
	const {result} = decodeSurrounded(bytes, decodeTarget);
	t.like(result, {listener: 'l'.repeat(MAX_NAME), application: 'a'.repeat(MAX_NAME)});
});

test('arbitrary bytes never throw and are never read past their end', (t) => {
	const small = fc.uint8Array({maxLength: 140, max: 70});
	fc.assert(
		fc.property(fc.oneof(small, fc.uint8Array({maxLength: 140})), fc.boolean(), (bytes, fixed) => {
			if (fixed) bytes[0] = TargetKind.FIXED;
			const {same, contained} = decodeSurrounded(bytes, decodeTarget);
			t.true(same && contained);
		}),
		{seed: 8, numRuns: 1000},
	);
});
