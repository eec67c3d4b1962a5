import {fileURLToPath} from 'node:url';
import test from 'ava';
import {BUGS} from './bugs.ts';
import {locate, readPlaces} from './place.ts';

const places = readPlaces(fileURLToPath(new URL('../../../', import.meta.url)));

test('every planted bug has exactly one place', (t) => {
	for (const {bug, place, code, to} of BUGS) {
		t.notThrows(() => locate(places, place, code), bug);
		t.not(code, to, bug);
	}
});

test('a place that has moved is looked for', (t) => {
	t.throws(() => locate(places, 'Nowhere.at', '++packet.datagrams > MAX_DATAGRAMS'), {
		message:
			/^Nowhere\.at holds `\+\+packet\.datagrams > MAX_DATAGRAMS` 0 times; it is in \w+\.#?\w+$/,
	});
	t.throws(() => locate(places, 'Nowhere.at', 'no such code'), {message: /it is nowhere$/});
});
