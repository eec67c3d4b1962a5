import test from 'ava';
import fc from 'fast-check';
import {
	escapeControls,
	escapeText,
	maskKeys,
	quoteText,
	TEXT_LIMIT,
} from '../../src/text/escape-text.ts';

const KEY = 'kJQd4N8sPDyiU0b5GIkbJPqOo8sXyyZ2v+LKJVbRQnE=';

const escapes = test.macro({
	exec(t, text: string, expected: string) {
		t.is(escapeText(text), expected);
	},
	title: (name) => `escapes ${name}`,
});

test('nothing in plain text', escapes, 'bridge-1.example.net', 'bridge-1.example.net');
test('nothing in other alphabets', escapes, 'Brücke 桥 🌉', 'Brücke 桥 🌉');
test('quotes and backslashes', escapes, 'a"b\\c', 'a\\"b\\\\c');
test('line feeds, returns and tabs', escapes, 'a\nb\rc\td', 'a\\nb\\rc\\td');
test('terminal sequences', escapes, '\u001b[31m\u009b2J\u007f', '\\u001b[31m\\u009b2J\\u007f');
test('line separators and bidirectional controls', escapes, '\u2028\u202e', '\\u2028\\u202e');
test('lone surrogates', escapes, 'a\ud800b\udc00', 'a\\ud800b\\udc00');

test('cuts at 255 characters, never inside an escape or a character', (t) => {
	t.is(escapeText('x'.repeat(255)), 'x'.repeat(255));
	t.is(escapeText('x'.repeat(256)), `${'x'.repeat(254)}…`);
	t.is(escapeText(`${'x'.repeat(253)}🌉y`), `${'x'.repeat(253)}…`);
	t.is(escapeText(`${'x'.repeat(250)}\u0000y`), `${'x'.repeat(250)}…`);
	t.is(escapeText('"'.repeat(1e6)).length, 255);
});

test('any text comes out printable, within the limit and without a bare quote', (t) => {
	fc.assert(
		fc.property(fc.string({unit: 'binary', maxLength: 600}), (text) => {
			const escaped = escapeText(text);
			t.true(escaped.length <= TEXT_LIMIT);
			t.is(escapeControls(escaped), escaped);
			t.notRegex(escaped.replaceAll(/\\./g, ''), /["\\]/);
		}),
	);
});

test('a quoted text shows no key, whole or nearly so', (t) => {
	t.is(quoteText('a.key'), '"a.key"');
	t.is(quoteText(KEY), '(looks like a key)');
	t.is(quoteText(KEY.slice(1)), '(looks like a key)');
	t.is(quoteText(KEY.slice(0, -1)), '(looks like a key)');
	t.is(quoteText(`key=${KEY}!`), '"key=(key)!"');
	t.is(maskKeys(`${KEY} and ${KEY}`), '(key) and (key)');
});
