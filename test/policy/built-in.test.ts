import test from 'ava';
import fc from 'fast-check';
import {BUILT_IN_FORMS, isReserved, parseBuiltIn} from '../../src/policy/built-in.ts';
import {readDeadline, readFloor, readResidual, readTraffic} from '../../src/policy/limits.ts';
import {type CodedPolicy, type Policy, REDUNDANT} from '../../src/policy/policy.ts';
import {formatPromise} from '../../src/policy/promise.ts';
import {escapeControls} from '../../src/text/escape-text.ts';
import {ValueError} from '../../src/text/value-error.ts';

const FEC: CodedPolicy = {
	kind: 'fec',
	...{name: 'fec', residual: 1e-4, within: 40, traffic: 2, floor: 1.125},
	...{cheap: false, rate: 0, paths: []},
};

const GOOD: readonly (readonly [text: string, policy: Policy])[] = [
	['redundant', REDUNDANT],
	[' redundant ', REDUNDANT],
	['redundant 1', {name: 'redundant 1', kind: 'redundant', copies: 1}],
	['redundant\t16', {name: 'redundant 16', kind: 'redundant', copies: 16}],
	['best', {name: 'best', kind: 'best'}],
	['pin dsl', {name: 'pin dsl', kind: 'pin', path: 'dsl'}],
	['pin  1', {name: 'pin 1', kind: 'pin', path: '1'}],
	['fec', FEC],
	['fec cheap', {...FEC, name: 'fec cheap', cheap: true}],
	['fec 1.5', {...FEC, name: 'fec 1.5', traffic: 1.5, floor: 1.5}],
	['fec 1.50', {...FEC, name: 'fec 1.5', traffic: 1.5, floor: 1.5}],
	['fec 4', {...FEC, name: 'fec 4', traffic: 4, floor: 4}],
];

for (const [text, policy] of GOOD) {
	test(`reads ${JSON.stringify(text)}`, (t) => {
		t.deepEqual(parseBuiltIn(text), policy);
		t.deepEqual(parseBuiltIn(policy.name), policy);
	});
}

const BAD: readonly (readonly [text: string, reason: RegExp])[] = [
	['redundant 0', /1 to 16/],
	['redundant 17', /1 to 16/],
	['redundant 02', /1 to 16/],
	['redundant 2.0', /1 to 16/],
	['redundant two', /1 to 16/],
	['redundant 2 3', /one of redundant, /],
	['best 2', /best, which has nothing behind it/],
	['pin', /name of a path/],
	['pin a b', /one of redundant, /],
	['fec 1', /fec with a traffic factor up to 4/],
	['fec 4.1', /fec with a traffic factor/],
	['fec 1e0', /fec with a traffic factor/],
	['fec -2', /fec with a traffic factor/],
	['fec 1.5x', /fec with a traffic factor/],
	['fec Cheap', /fec with a traffic factor/],
	['bond', /a policy of this version/],
];

for (const [text, reason] of BAD) {
	test(`refuses ${JSON.stringify(text)}`, (t) => {
		const error = t.throws(() => parseBuiltIn(text), {instanceOf: ValueError});
		t.regex(error?.message ?? '', reason);
	});
}

test('what begins with none of the words is another policy', (t) => {
	for (const text of ['', ' ', 'voice', 'Best', 'fec1.5', 'redundant2', 'x'.repeat(1000)]) {
		t.is(parseBuiltIn(text), undefined, text);
	}
	t.is(parseBuiltIn(`pin ${'x'.repeat(1000)}`), undefined);
	for (const name of ['best', 'Fec', 'BOND', 'pin', 'redundant']) t.true(isReserved(name), name);
	t.false(isReserved('voice'));
	for (const form of BUILT_IN_FORMS) t.true(isReserved(form.split(' ')[0]!));
});

const anyText = fc.oneof(
	fc.string(),
	fc.string({unit: 'binary'}),
	fc
		.array(
			fc.constantFrom(
				...['redundant', 'best', 'pin', 'fec', 'bond', 'cheap', ' ', ' ', '.', '%', 'ms', 's'],
				...['0', '1', '2', '16', '1.5', '-', 'e', '\n', '\u0000', '\u202e'],
			),
			{maxLength: 6},
		)
		.map((pieces) => pieces.join('')),
);

test('throws nothing but its error value, and what it returns is read back from its name', (t) => {
	fc.assert(
		fc.property(anyText, (text) => {
			for (const read of [parseBuiltIn, readResidual, readDeadline, readTraffic, readFloor]) {
				try {
					const value = read(text);
					if (typeof value !== 'object') continue;
					t.deepEqual(parseBuiltIn(value.name), value);
					const promise = formatPromise(value);
					t.is(escapeControls(promise), promise);
					t.false(promise.includes('NaN'));
				} catch (error) {
					t.true(error instanceof ValueError, String(error));
				}
			}
		}),
		{numRuns: 3000},
	);
});

test('figures have their limits', (t) => {
	t.is(readResidual('0.01%'), 1e-4);
	t.is(readResidual('50%'), 0.5);
	t.true(readResidual('0.00001%') > 0);
	for (const text of ['0%', '0', '50.1%', '0.000001%', '0.01', '-1%']) {
		t.throws(() => readResidual(text), {instanceOf: ValueError}, text);
	}
	t.is(readDeadline('1ms'), 1);
	t.is(readDeadline('10s'), 10_000);
	for (const text of ['0ms', '0', '999us', '10001ms', '11s', '40']) {
		t.throws(() => readDeadline(text), {instanceOf: ValueError}, text);
	}
	t.is(readTraffic('1.000001'), 1.000001);
	t.is(readFloor('1'), 1);
	for (const text of ['1', '4.01', '0.5', '1.0000001', '', '1.', 'two']) {
		t.throws(() => readTraffic(text), {instanceOf: ValueError}, text);
	}
});

const PROMISES: readonly (readonly [text: string, promise: string])[] = [
	['redundant', 'a copy on every path'],
	['redundant 1', 'on the best path alone'],
	['redundant 2', 'a copy on each of the best 2 paths'],
	['best', 'the best path alone, with copies on the next while it is in doubt'],
	['pin dsl', 'path "dsl" alone'],
	['fec', '0.01 % lost or late within 40 ms, traffic up to 2, 1.125 standing'],
	[
		'fec cheap',
		'0.01 % lost or late within 40 ms, traffic up to 2, 1.125 standing, a gap when a path dies',
	],
	['fec 1.5', '0.01 % lost or late within 40 ms, traffic 1.5 for equal lengths'],
	['fec 2.5', '0.01 % lost or late within 40 ms, traffic always 2.5'],
];

test('every policy has its promise in words', (t) => {
	for (const [text, promise] of PROMISES) t.is(formatPromise(parseBuiltIn(text)!), promise);
	t.is(formatPromise(REDUNDANT, 3), 'a copy on each of the best 3 paths');
	const voice = {...FEC, name: 'voice', rate: 20_000, paths: ['dsl', 'lte'], residual: 1e-7};
	t.is(
		formatPromise(voice),
		'0.00001 % lost or late within 40 ms, traffic up to 2, 1.125 standing, ' +
			'at most 20000 kbit/s, on dsl, lte only',
	);
});
