import {Cursor} from '../../../src/bytes/cursor.ts';

/** What lies around a span in turn; a decoder that looks there gives different results. */
export const POISONS: readonly number[] = [0x00, 0xa5, 0xff];

const MARGIN = 40;

/** A cursor over a copy of the span in the middle of a larger buffer full of `poison`. */
export function surrounded(span: Uint8Array, poison: number): Cursor {
	const bytes = new Uint8Array(span.length + 2 * MARGIN).fill(poison);
	bytes.set(span, MARGIN);
	const cursor = new Cursor();
	cursor.reset(bytes, MARGIN, MARGIN + span.length);
	return cursor;
}

/**
 * Decodes the span under every poison. `same` tells whether all results are equal; `contained`
 * whether the cursor stayed inside the span.
 */
export function decodeSurrounded<T>(
	span: Uint8Array,
	decode: (cursor: Cursor) => T,
): {readonly result: T; readonly same: boolean; readonly contained: boolean} {
	let contained = true;
	const results = POISONS.map((poison) => {
		const cursor = surrounded(span, poison);
		const result = decode(cursor);
		const used = cursor.position - MARGIN;
		contained &&= used >= 0 && used <= span.length;
		// A failed decode may have filled its output with anything.
		return cursor.failed ? [false] : [result, used];
	});
	const texts = results.map((result) => JSON.stringify(result));
	const same = texts.every((text) => text === texts[0]);
	return {result: decode(surrounded(span, 0)), same, contained};
}
