import test from 'ava';
import fc from 'fast-check';
import {
	Cursor,
	copyBytes,
	readUint32,
	readUint48,
	writeUint16,
	writeUint32,
	writeUint48,
} from '../../src/bytes/cursor.ts';
import {POISONS, surrounded} from '../support/reference/surrounded.ts';
import {ViewCursor} from '../support/reference/view-cursor.ts';

const reads = ['uint8', 'uint16', 'uint32', 'uint48', 'varint'] as const;
const step = fc.oneof(
	fc.constantFrom(...reads),
	fc.nat(20).map((length) => ({copy: length})),
);

function cursorOver(bytes: Uint8Array): Cursor {
	const cursor = new Cursor();
	cursor.reset(bytes, 0, bytes.length);
	return cursor;
}

test('agrees with a DataView over exactly the span, whatever lies around it', (t) => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 60}), fc.array(step, {maxLength: 20}), (span, steps) => {
			for (const poison of POISONS) {
				const cursor = surrounded(span, poison);
				const twin = new ViewCursor(span);
				const start = cursor.position;
				for (const read of steps) {
					if (typeof read === 'string') t.is(cursor[read](), twin[read]());
					else t.deepEqual(cursor.copy(read.copy), twin.copy(read.copy));
					t.is(cursor.failed, twin.failed);
					t.is(cursor.position - start, twin.position);
					t.is(cursor.remaining, twin.remaining);
				}
			}
		}),
		{seed: 1},
	);
});

test('a read past the end returns 0, moves nothing and fails for good', (t) => {
	const cursor = cursorOver(Uint8Array.of(1, 2, 3));
	t.is(cursor.uint32(), 0);
	t.true(cursor.failed);
	t.is(cursor.position, 0);
	t.is(cursor.uint8(), 0);
	t.is(cursor.skip(1), -1);
	t.is(cursor.copy(1).length, 0);
});

test('reset forgets the failure', (t) => {
	const cursor = cursorOver(new Uint8Array(0));
	cursor.uint8();
	cursor.reset(Uint8Array.of(9), 0, 1);
	t.false(cursor.failed);
	t.is(cursor.uint8(), 9);
});

test('copies are the reader’s own', (t) => {
	const bytes = Uint8Array.of(1, 2, 3);
	const copy = cursorOver(bytes).copy(2);
	bytes.fill(0);
	t.deepEqual([...copy], [1, 2]);
});

test('what is written is read again, and nothing beside it changes', (t) => {
	const value = fc.tuple(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.nat(2 ** 48 - 1));
	fc.assert(
		fc.property(value, fc.nat(5), ([small, middle, large], at) => {
			const bytes = new Uint8Array(24).fill(0xa5);
			const end = writeUint48(
				bytes,
				writeUint32(bytes, writeUint16(bytes, at, small), middle),
				large,
			);
			t.is(end, at + 12);
			const cursor = new Cursor();
			cursor.reset(bytes, at, end);
			t.deepEqual([cursor.uint16(), cursor.uint32(), cursor.uint48()], [small, middle, large]);
			t.is(readUint32(bytes, at + 2), middle);
			t.is(readUint48(bytes, at + 6), large);
			t.true(bytes.every((byte, index) => (index >= at && index < end) || byte === 0xa5));
		}),
		{seed: 2},
	);
});

test('copyBytes copies the span and returns the offset behind it', (t) => {
	const source = Uint8Array.of(1, 2, 3, 4);
	const target = new Uint8Array(6);
	t.is(copyBytes(target, 1, source, 1, 3), 3);
	t.deepEqual([...target], [0, 2, 3, 0, 0, 0]);
	t.is(copyBytes(target, 2, source, 0, 4), 6);
	t.deepEqual([...target], [0, 2, 1, 2, 3, 4]);
});
