import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {resolveClientOptions} from '../../src/config/client.ts';
import {resolveServerOptions} from '../../src/config/server.ts';
import {FIXTURES, problemsOf} from './surroundings.ts';

const INVALID = join(FIXTURES, 'invalid');
const SUFFIX = '.expected.txt';

const names = readdirSync(INVALID).filter((name) => !name.endsWith(SUFFIX));

for (const name of names) {
	test(`says every line of what is wrong with ${name}`, (t) => {
		const resolve = name.startsWith('server-') ? resolveServerOptions : resolveClientOptions;
		const lines = problemsOf(t, () => resolve({config: name}, {env: {}, cwd: INVALID}));
		t.deepEqual([...lines, ''], readFileSync(join(INVALID, name + SUFFIX), 'utf8').split('\n'));
	});
}

test('no expected message shows a piece of a key', (t) => {
	for (const name of names) {
		const text = readFileSync(join(INVALID, name + SUFFIX), 'utf8');
		t.notRegex(text, /kJQd4N8s|BRQnE/, name);
	}
});
