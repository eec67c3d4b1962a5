import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {BUGS} from './bugs.ts';
import {locate, readPlaces} from './place.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const places = readPlaces(root);

/** Patterns of the titles of a file's tests; those of a loop have holes. */
function titlesIn(file: string): readonly RegExp[] {
	const text = readFileSync(join(root, 'test', file), 'utf8');
	return [...text.matchAll(/\btest(?:\.serial)?\(\s*(['"`])(.+?)\1,/g)].map(([, , title = '']) => {
		const parts = title.split(/\$\{[^}]*\}/);
		const escaped = parts.map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
		return new RegExp(`^${escaped.join('.+')}$`);
	});
}

test('every planted bug has exactly one place', (t) => {
	for (const {bug, place, code, to} of BUGS) {
		t.notThrows(() => locate(places, place, code), bug);
		t.not(code, to, bug);
	}
});

test('the test that is named beside a bug is there', (t) => {
	const named = BUGS.flatMap(({test: each}) => (each === undefined ? [] : [each]));
	t.true(named.length > 0);
	for (const [file, title] of named) {
		t.true(
			titlesIn(file).some((pattern) => pattern.test(title)),
			`${file}: ${title}`,
		);
	}
});

test('a place that has moved is looked for', (t) => {
	t.throws(() => locate(places, 'Nowhere.at', '++packet.datagrams > MAX_DATAGRAMS'), {
		message:
			/^Nowhere\.at holds `\+\+packet\.datagrams > MAX_DATAGRAMS` 0 times; it is in \w+\.#?\w+$/,
	});
	t.throws(() => locate(places, 'Nowhere.at', 'no such code'), {message: /it is nowhere$/});
});
