import {readFileSync} from 'node:fs';
import test from 'ava';
import {MUTATIONS} from './mutations.ts';
import {STREAM_MUTATIONS} from './stream-mutations.ts';

test('every planted bug still finds the text that it changes', (t) => {
	for (const {name, file, from, to} of [...MUTATIONS, ...STREAM_MUTATIONS]) {
		const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
		t.true(source.includes(from), name);
		t.not(from, to, name);
	}
});
