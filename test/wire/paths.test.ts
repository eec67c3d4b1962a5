import test from 'ava';
import fc from 'fast-check';
import type {Cursor} from '../../src/bytes/cursor.ts';
import {MAX_PATHS} from '../../src/wire/constants.ts';
import {encodeFrame} from '../../src/wire/frames/codec.ts';
import {
	MAX_PATH_NAME,
	type PathSettings,
	type Paths,
	pathsFrame,
} from '../../src/wire/frames/paths.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';
import {decodeSurrounded} from '../support/reference/surrounded.ts';

const vectors = readVectors<{
	valid: {name: string; sequence: number; copies: number; paths: PathSettings[]; hex: string}[];
	malformed: {name: string; hex: string}[];
}>('wire-paths');

/** The decoder begins behind the type byte. */
function decode(cursor: Cursor): Paths | undefined {
	cursor.uint8();
	const frame = {sequence: 0, copies: 0, paths: []};
	return pathsFrame.decode(cursor, frame) ? frame : undefined;
}

for (const {name, hex, ...frame} of vectors.valid) {
	test(`vector: ${name}`, (t) => {
		t.is(toHex(encodeFrame(pathsFrame, frame)), hex);
		const {result, same} = decodeSurrounded(fromHex(hex), decode);
		t.deepEqual(result, frame);
		t.true(same);
	});
}

for (const {name, hex} of vectors.malformed) {
	test(`refuses ${name}`, (t) => {
		const {result, contained} = decodeSurrounded(fromHex(hex), decode);
		t.is(result, undefined);
		t.true(contained);
	});
}

const settings: fc.Arbitrary<PathSettings> = fc.record({
	id: fc.nat(MAX_PATHS - 1),
	name: fc.string({unit: 'grapheme-ascii', maxLength: MAX_PATH_NAME}),
	metered: fc.boolean(),
	backup: fc.boolean(),
	rateUp: fc.nat(0xffff_ffff),
	rateDown: fc.nat(0xffff_ffff),
});

test('every frame is read again', (t) => {
	const frame = fc.record({
		sequence: fc.nat(255),
		copies: fc.nat(MAX_PATHS),
		paths: fc.array(settings, {maxLength: MAX_PATHS}),
	});
	fc.assert(
		fc.property(frame, (sent) => {
			const {result, same} = decodeSurrounded(encodeFrame(pathsFrame, sent), decode);
			t.deepEqual(result, sent);
			t.true(same);
		}),
		{seed: 9},
	);
});

test('a held path has its flag', (t) => {
	const path = {id: 3, name: 'lte', metered: false, backup: true, rateUp: 0, rateDown: 0};
	const frame = {sequence: 1, copies: 0, paths: [{...path, held: true}]};
	const bytes = encodeFrame(pathsFrame, frame);
	t.is(bytes[5], 2 | 4);
	t.deepEqual(decodeSurrounded(bytes, decode).result, frame);
});

test('the longest frame has 692 bytes', (t) => {
	t.is(vectors.valid.find(({name}) => name === 'longest')!.hex.length / 2, 692);
});

test('a name is cut at its longest', (t) => {
	const path = {id: 0, name: 'n'.repeat(40), metered: false, backup: false, rateUp: 0, rateDown: 0};
	const {result} = decodeSurrounded(
		encodeFrame(pathsFrame, {sequence: 0, copies: 0, paths: [path]}),
		decode,
	);
	t.is(result?.paths[0]?.name, 'n'.repeat(MAX_PATH_NAME));
});

test('arbitrary bytes never throw and are never read past their end', (t) => {
	const start = fc.tuple(fc.nat(255), fc.nat(17), fc.nat(17));
	fc.assert(
		fc.property(start, fc.uint8Array({maxLength: 120, max: 130}), ([a, b, c], rest) => {
			const bytes = Uint8Array.of(0x28, a, b, c, ...rest);
			const {same, contained} = decodeSurrounded(bytes, decode);
			t.true(same && contained);
		}),
		{seed: 10, numRuns: 1000},
	);
});

test('a frame cut anywhere is malformed', (t) => {
	fc.assert(
		fc.property(fc.array(settings, {minLength: 1, maxLength: 3}), fc.nat(), (paths, cut) => {
			const bytes = encodeFrame(pathsFrame, {sequence: 1, copies: 1, paths});
			const {result} = decodeSurrounded(bytes.subarray(0, cut % bytes.length), decode);
			t.is(result, undefined);
		}),
		{seed: 11},
	);
});
