import test from 'ava';
import fc from 'fast-check';
import {
	deriveKey,
	equalBytes,
	formatKey,
	generateKey,
	KEY_TEXT_LENGTH,
	keyHint,
	mac,
	parseKey,
} from '../../src/crypto/keys.ts';
import {SystemRandom} from '../../src/crypto/system-random.ts';
import {fromHex, readVectors, toHex} from './fixtures.ts';

const vector = readVectors<{
	key: string;
	text: string;
	hint: number;
	label: string;
	derived: string;
	mac: {parts: string[]; mac: string}[];
}>('keys');
const KEY = fromHex(vector.key);

const key = fc.uint8Array({minLength: 32, maxLength: 32});

test('a key is read and written as in the vector', (t) => {
	t.deepEqual(parseKey(vector.text), {ok: true, key: KEY});
	t.is(formatKey(KEY), vector.text);
});

test('a key that was written is read again', (t) => {
	fc.assert(
		fc.property(
			key.filter((bytes) => bytes.some((byte) => byte !== 0)),
			(bytes) => {
				const text = formatKey(bytes);
				t.is(text.length, KEY_TEXT_LENGTH);
				t.deepEqual(parseKey(text), {ok: true, key: bytes});
			},
		),
	);
});

test('a part of a larger array is written as that part', (t) => {
	const bytes = new Uint8Array(100);
	bytes.set(KEY, 50);
	t.is(formatKey(bytes.subarray(50, 82)), vector.text);
});

const ENDS_WRONG =
	'a key is 44 characters of base64 that end in one "=", this is wrong at character';
const refused: [title: string, text: string, reason: string][] = [
	['an empty key', '', 'a key is 44 characters of base64, this has 0'],
	['a short key', 'abcdefghijkl', 'a key is 44 characters of base64, this has 12'],
	['a newline behind', `${vector.text}\n`, 'a key is 44 characters of base64, this has 45'],
	[
		'a key without padding',
		vector.text.slice(0, 43),
		'a key is 44 characters of base64, this has 43',
	],
	['a blank inside', `${vector.text.slice(0, 4)} ${vector.text.slice(5)}`, `${ENDS_WRONG} 5`],
	['the URL alphabet', `-${vector.text.slice(1)}`, `${ENDS_WRONG} 1`],
	['33 bytes', Buffer.alloc(33, 7).toString('base64'), `${ENDS_WRONG} 44`],
	['31 bytes', Buffer.alloc(31, 7).toString('base64'), `${ENDS_WRONG} 43`],
	[
		'bits that no key has',
		vector.text.replace(/.=$/, '9='),
		'a key is 44 characters of base64, this has a last character that no key has',
	],
	['zeros', `${'A'.repeat(43)}=`, 'a key of zeros is no secret'],
];

for (const [title, text, reason] of refused) {
	test(`refuses ${title} and says why`, (t) => {
		t.deepEqual(parseKey(text), {ok: false, reason});
	});
}

test('arbitrary text is refused without being quoted', (t) => {
	const base64 = fc.base64String({minLength: 20, maxLength: 60});
	fc.assert(
		fc.property(fc.oneof(fc.string({minLength: 3, maxLength: 60}), base64), (text) => {
			const parsed = parseKey(text);
			if (parsed.ok) {
				t.is(formatKey(parsed.key), text);
			} else if (text.trim().length > 6) {
				t.false(parsed.reason.includes(text));
			}
		}),
	);
	const secret = `${vector.text.slice(0, 30)}!`;
	const parsed = parseKey(secret);
	t.false(!parsed.ok && parsed.reason.includes(secret.slice(0, 4)));
});

test('generates keys that differ and can be read', (t) => {
	const random = new SystemRandom();
	const texts = Array.from({length: 1000}, () => formatKey(generateKey(random)));
	t.is(new Set(texts).size, 1000);
	t.true(texts.every((text) => parseKey(text).ok));
});

test('hint, derived key and mac are those of the vector', (t) => {
	t.is(keyHint(KEY), vector.hint);
	t.is(toHex(deriveKey(KEY, vector.label)), vector.derived);
	for (const {parts, mac: expected} of vector.mac) {
		t.is(toHex(mac(KEY, ...parts.map(fromHex))), expected);
	}
});

test('mac meets RFC 4231, test case 2', (t) => {
	const tag = mac(
		Buffer.from('Jefe'),
		Buffer.from('what do ya want '),
		Buffer.from('for nothing?'),
	);
	t.is(toHex(tag), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});

test('derived keys differ by label and by key', (t) => {
	const other = Uint8Array.from(KEY).reverse();
	const keys = [deriveKey(KEY, 'a'), deriveKey(KEY, 'b'), deriveKey(other, 'a')];
	t.is(new Set(keys.map(toHex)).size, 3);
});

test('equalBytes is true for equal bytes only, whatever their lengths', (t) => {
	t.true(equalBytes(new Uint8Array(0), new Uint8Array(0)));
	t.false(equalBytes(new Uint8Array(3), new Uint8Array(4)));
	fc.assert(
		fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
			t.true(equalBytes(a, Uint8Array.from(a)));
			t.is(equalBytes(a, b), Buffer.compare(a, b) === 0);
		}),
	);
});
