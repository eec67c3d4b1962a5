import test from 'ava';
import fc from 'fast-check';
import {ReplayWindow, Seen} from '../../src/core/replay-window.ts';
import {SetWindow} from '../support/reference/set-window.ts';

/** Numbers that stay near each other, with now and then a leap. */
const moves = fc.array(
	fc.oneof(
		{weight: 8, arbitrary: fc.integer({min: -80, max: 40})},
		{weight: 2, arbitrary: fc.integer({min: -300, max: 300})},
		{weight: 1, arbitrary: fc.integer({min: 0, max: 2 ** 40})},
	),
	{maxLength: 120},
);

test('agrees with a set of all numbers', (t) => {
	fc.assert(
		fc.property(fc.constantFrom(32, 64, 96, 256), moves, (span, list) => {
			const window = new ReplayWindow(span);
			const twin = new SetWindow(span);
			for (const move of list) {
				const number = Math.max(0, twin.newest + move);
				t.is(window.peek(number), twin.peek(number));
				t.is(window.accept(number), twin.accept(number));
				t.is(window.peek(number) === Seen.FRESH, false);
			}
		}),
		{seed: 20, numRuns: 500},
	);
});

test('agrees with a set at the size that sessions use', (t) => {
	const window = new ReplayWindow(65_536);
	const twin = new SetWindow(65_536);
	let state = 1;
	for (let i = 0; i < 20_000; i++) {
		state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
		const number = Math.max(0, i * 20 - (state % 70_000));
		t.is(window.accept(number), twin.accept(number), `${number}`);
	}
});

test('peeking changes nothing', (t) => {
	const window = new ReplayWindow(64);
	window.accept(5);
	t.is(window.peek(1_000_000), Seen.FRESH);
	t.is(window.peek(5), Seen.DUPLICATE);
	t.is(window.peek(4), Seen.FRESH);
});

test('a number is remembered for at least the span', (t) => {
	for (const first of [0, 31, 32, 33, 63, 100]) {
		const window = new ReplayWindow(64);
		window.accept(first);
		window.accept(first + 64);
		t.is(window.peek(first), Seen.DUPLICATE, `${first}`);
		t.is(window.peek(first + 1), Seen.FRESH);
	}
});

test('a number one word beyond the span is too old', (t) => {
	const window = new ReplayWindow(64);
	window.accept(0);
	window.accept(96);
	t.is(window.peek(0), Seen.TOO_OLD);
	t.false(window.accept(31));
	t.is(window.peek(32), Seen.FRESH);
});

test('works up to the largest packet number', (t) => {
	const window = new ReplayWindow(64);
	t.true(window.accept(2 ** 48 - 2));
	t.true(window.accept(2 ** 48 - 1));
	t.false(window.accept(2 ** 48 - 2));
	t.is(window.peek(2 ** 48 - 1), Seen.DUPLICATE);
});

test('refuses a span that is no multiple of 32', (t) => {
	for (const span of [0, 31, 33, Number.NaN]) {
		t.throws(() => new ReplayWindow(span), {instanceOf: RangeError});
	}
});
