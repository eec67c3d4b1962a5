import {readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {hasSameOrigin, isSameOrigin, isTrustedHost} from '../../../src/app/page/guard.ts';
import {parseOrder} from '../../../src/app/page/steering.ts';
import {createToken, isToken, removeUrl, writeUrl} from '../../../src/app/page/token.ts';
import {temporaryFolder} from '../../support/machine/options.ts';

test('a host is an address, localhost or a configured name', (t) => {
	const names = new Set(['tunnel.example.net']);
	for (const host of [
		...['127.0.0.1', '127.0.0.1:9479', '[::1]:9479', '[fe80::1]', 'localhost', 'LOCALHOST:80'],
		...['192.0.2.7:1', 'tunnel.example.net', 'Tunnel.Example.net:9479'],
	]) {
		t.true(isTrustedHost(host, names), host);
	}
	for (const host of [
		...[undefined, '', 'evil.example', 'evil.example:9479', '127.0.0.1.evil.example', '[::1'],
		...['localhost.evil.example', '127.0.0.1@evil.example', '2130706433', '::1', '127.0.0.1:x'],
		...['127.0.0.1:9479 ', '127.0.0.1/evil', '[evil.example]:1', '[127.0.0.1]', '0x7f.1'],
	]) {
		t.false(isTrustedHost(host, names), host);
	}
});

test('a request of another origin is known by either header', (t) => {
	const host = '127.0.0.1:9479';
	t.true(isSameOrigin({host}));
	t.true(isSameOrigin({host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin'}));
	t.true(isSameOrigin({host, 'sec-fetch-site': 'none'}));
	for (const origin of [
		'null',
		'http://evil.example',
		`http://${host}.evil.example`,
		'http://127.0.0.1',
	])
		t.false(isSameOrigin({host, origin}), origin);
	for (const site of ['cross-site', 'same-site'])
		t.false(isSameOrigin({host, 'sec-fetch-site': site}));
	t.false(hasSameOrigin({host}));
	t.true(hasSameOrigin({host, origin: `http://${host}`}));
});

test('a token is long, random and compared whole', (t) => {
	const token = createToken();
	t.regex(token, /^[\w-]{32}$/);
	t.not(createToken(), token);
	t.true(isToken(token, token));
	for (const other of ['', token.slice(1), `${token}x`, createToken()])
		t.false(isToken(other, token));
});

test('the file with the address is for this user alone, and never another one', (t) => {
	const folder = temporaryFolder(t);
	const file = join(folder, 'page.url');
	const foreign = join(folder, 'foreign');
	writeFileSync(foreign, 'precious');
	symlinkSync(foreign, file);
	t.is(writeUrl(folder, 'http://127.0.0.1:1/t/'), undefined);
	t.is(readFileSync(foreign, 'utf8'), 'precious');
	t.is(readFileSync(file, 'utf8'), 'http://127.0.0.1:1/t/\n');
	t.is(statSync(file).mode & 0o777, 0o600);
	removeUrl(folder);
	t.throws(() => statSync(file), {code: 'ENOENT'});
	removeUrl(folder);
	t.is(writeUrl(join(folder, 'none'), 'x'), 'no such file or folder');
});

test('an order is one of four words, and anything else is none', (t) => {
	t.deepEqual(parseOrder('{"action":"reload","path":1}'), {action: 'reload'});
	for (const action of ['use', 'backup', 'hold'] as const)
		t.deepEqual(parseOrder(JSON.stringify({action, path: 'dsl'})), {action, path: 'dsl'});
	for (const text of [
		...['', 'null', '[]', '{}', '"reload"', '{"action":"use"}', '{"action":"use","path":1}'],
		...['{"action":"__proto__","path":"x"}', '{"action":["use"],"path":"x"}', '{"action":'],
	]) {
		t.is(parseOrder(text), undefined, text);
	}
});
