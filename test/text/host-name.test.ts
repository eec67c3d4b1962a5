import test from 'ava';
import fc from 'fast-check';
import {
	endsInNumber,
	hostName,
	isConfiguredHostName,
	isNameOnWire,
} from '../../src/text/host-name.ts';

const long = `${'a'.repeat(63)}.`.repeat(4);

/** A text; true when a frame carries it; the spelling it is looked up by; true when configurable. */
const NAMES: readonly (readonly [string, boolean, string | undefined, boolean])[] = [
	['localhost', true, 'localhost', true],
	['Bridge-1.Example.NET', true, 'bridge-1.example.net', true],
	['example.net.', true, 'example.net', true],
	['_under.score_', true, '_under.score_', true],
	['1.example', true, '1.example', true],
	['xn--bcher-kva.example', true, 'xn--bcher-kva.example', true],
	['-a.example', true, '-a.example', false],
	['a-', true, 'a-', false],
	['a-.example', true, 'a-.example', false],
	['--option', true, '--option', false],
	['1.2.3', true, undefined, false],
	['0x7f.1', true, undefined, false],
	['127.1', true, undefined, false],
	['2130706433', true, undefined, false],
	['0177.0.0.1', true, undefined, false],
	['a.0x', true, undefined, false],
	['.', true, undefined, false],
	['a..b', true, undefined, false],
	['a'.repeat(63), true, 'a'.repeat(63), true],
	['a'.repeat(64), true, undefined, false],
	[long.slice(0, 253), true, long.slice(0, 253), true],
	[`${long.slice(0, 253)}.`, false, long.slice(0, 253), true],
	[long.slice(0, 254), false, undefined, false],
	['', false, undefined, false],
	['a\0b', false, undefined, false],
	['a b', false, undefined, false],
	['a/b', false, undefined, false],
	['a:1', false, undefined, false],
	['a\n', false, undefined, false],
	['é', false, undefined, false],
	['\u212aelvin', false, undefined, false],
	['１.example', false, undefined, false],
	['[::1]', false, undefined, false],
	['fe80::1%1', false, undefined, false],
];

for (const [text, onWire, spelling, configurable] of NAMES) {
	test(`the name ${JSON.stringify(text)}`, (t) => {
		t.is(isNameOnWire(text), onWire);
		t.is(hostName(text), spelling);
		t.is(isConfiguredHostName(text), configurable);
	});
}

test('the spelling of a name is its own spelling', (t) => {
	const text = fc.string({unit: fc.constantFrom(...'aB1-_.x0'), maxLength: 12});
	fc.assert(
		fc.property(text, (name) => {
			const spelling = hostName(name);
			t.is(hostName(spelling ?? ''), spelling);
			t.false(spelling !== undefined && endsInNumber(spelling));
		}),
		{seed: 1, numRuns: 1000},
	);
});
