import test from 'ava';
import fc from 'fast-check';
import {didYouMean} from '../../src/text/did-you-mean.ts';

const FIELDS = ['paths', 'listen', 'copies', 'keyFile', 'logLevel', 'logFormat'];

const suggests = test.macro({
	exec(t, word: string, expected: string | undefined) {
		t.is(didYouMean(word, FIELDS), expected === undefined ? '' : ` (did you mean "${expected}"?)`);
	},
	title: (_, word, expected) =>
		`suggests ${expected ?? 'nothing'} for ${JSON.stringify(String(word).slice(0, 40))}`,
});

for (const [word, expected] of [
	['listne', 'listen'],
	['path', 'paths'],
	['Copies', 'copies'],
	['key_file', 'keyFile'],
	['keyfiles', 'keyFile'],
	['log-level', 'logLevel'],
	['logformt', 'logFormat'],
	['colour', undefined],
	['', undefined],
	['x'.repeat(10_000), undefined],
] as const) {
	test(suggests, word, expected);
}

test('suggests a candidate for itself, and never throws', (t) => {
	fc.assert(
		fc.property(fc.array(fc.string(), {maxLength: 8}), fc.string(), (candidates, word) => {
			t.is(typeof didYouMean(word, candidates), 'string');
		}),
	);
	for (const field of FIELDS) t.is(didYouMean(field, FIELDS), ` (did you mean "${field}"?)`);
});
