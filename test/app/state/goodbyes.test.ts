import {
	existsSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {takeGoodbyes, writeGoodbyes} from '../../../src/app/state/goodbyes.ts';
import {attempt} from '../../support/machine/commands.ts';

const GOODBYE = {
	...{local: '127.0.0.1', host: '192.0.2.1', port: 4000, session: 0xffff_ffff},
	token: '00112233445566778899aabbccddeeff',
};

function folder(t: {teardown(run: () => void): void}): string {
	const path = mkdtempSync(join(tmpdir(), 'mptunnel-goodbyes-'));
	t.teardown(() => rmSync(path, {recursive: true}));
	return path;
}

test('the next process gets them once, for a minute', (t) => {
	const path = folder(t);
	writeGoodbyes(path, [GOODBYE], 1000);
	t.is(statSync(join(path, 'goodbyes.json')).mode & 0o777, 0o600);
	t.deepEqual(takeGoodbyes(path, 61_000), [GOODBYE]);
	t.false(existsSync(join(path, 'goodbyes.json')));
	t.deepEqual(takeGoodbyes(path, 61_000), []);
	writeGoodbyes(path, [GOODBYE], 1000);
	t.deepEqual(takeGoodbyes(path, 61_001), []);
});

test('without a folder there are none, and where there is nobody no file', (t) => {
	writeGoodbyes(undefined, [GOODBYE], 0);
	t.deepEqual(takeGoodbyes(undefined, 0), []);
	const path = folder(t);
	writeGoodbyes(path, [], 0);
	t.false(existsSync(join(path, 'goodbyes.json')));
});

test('what does not make sense is left out, a damaged file is none', (t) => {
	const path = folder(t);
	const wrong = [
		null,
		{...GOODBYE, host: 'example.com'},
		{...GOODBYE, port: 0},
		{...GOODBYE, port: 65_536},
		{...GOODBYE, session: -1},
		{...GOODBYE, session: 0.5},
		{...GOODBYE, token: '00'},
	];
	writeFileSync(
		join(path, 'goodbyes.json'),
		JSON.stringify({at: 0, goodbyes: [...wrong, GOODBYE]}),
	);
	t.deepEqual(takeGoodbyes(path, 0), [GOODBYE]);
	for (const text of ['', '{', 'null', '[]', '{"at":0}', '{"at":"0","goodbyes":[]}', '\0']) {
		writeFileSync(join(path, 'goodbyes.json'), text);
		t.deepEqual(takeGoodbyes(path, 0), []);
	}
});

const unix = process.platform === 'win32' ? test.skip : test;

unix('a pipe in its place keeps nobody waiting', (t) => {
	const path = folder(t);
	const pipe = join(path, 'goodbyes.json');
	t.is(attempt('sh', ['-c', 'mkfifo "$1"', 'sh', pipe]).status, 0);
	const module = new URL('../../../src/app/state/goodbyes.js', import.meta.url).href;
	const script = `import {takeGoodbyes} from ${JSON.stringify(module)};
		console.log(takeGoodbyes(${JSON.stringify(path)}, 0).length);`;
	const {stdout} = attempt(process.execPath, ['--input-type=module', '-e', script]);
	t.is(stdout, '0\n');
});

unix('a link in its place is not followed', (t) => {
	const path = folder(t);
	const elsewhere = join(folder(t), 'elsewhere');
	writeFileSync(elsewhere, JSON.stringify({at: 0, goodbyes: [GOODBYE]}));
	symlinkSync(elsewhere, join(path, 'goodbyes.json'));
	t.deepEqual(takeGoodbyes(path, 0), []);
	t.true(readFileSync(elsewhere, 'utf8').includes(GOODBYE.token));
});
