import {join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import {resolveClientOptions} from '../../src/config/client.ts';
import {formatOptions} from '../../src/config/effective.ts';
import {resolveServerOptions} from '../../src/config/server.ts';
import {FIXTURES, folderOf, KEYS} from './surroundings.ts';

const ENV = {env: {}, cwd: FIXTURES};

test('a client is shown as it was understood, with its defaults', (t) => {
	const cwd = folderOf(t, {'a.key': KEYS[0], 'c.conf': 'bridge 4000 name=lte rate=5mbit/20mbit\n'});
	const flags = {config: 'c.conf', keyFile: ['a.key'], forward: ['udp:53=9.9.9.9:53']};
	const {options} = resolveClientOptions(flags, {env: {}, cwd});
	const json = formatOptions(options, true);
	const shown = JSON.parse(json) as object;
	t.is(json.split('\n').length, 2);
	t.deepEqual(parse(formatOptions(options, false)), shown);
	t.like(shown, {
		configFile: join(cwd, 'c.conf'),
		paths: [{name: 'lte', host: 'bridge', port: 4000, rate: {up: 5e6, down: 2e7}}],
		listen: {host: 'localhost', port: 3000},
		socks: {listen: {host: 'localhost', port: 1080}, users: []},
		forwards: [{protocol: 'udp', listen: {host: 'localhost', port: 53}}],
		copies: 'all',
		encrypt: true,
		keys: ['a'],
		logLevel: 'info',
	});
});

test('the full examples show neither a key nor a password', (t) => {
	const client = resolveClientOptions({config: 'full-client.yaml'}, ENV).options;
	const server = resolveServerOptions({config: 'full-server.yaml'}, ENV).options;
	const passwords = (client.socks || undefined)?.users.map(({password}) => password) ?? [];
	t.true(passwords.length > 0);
	for (const options of [client, server]) {
		for (const json of [true, false]) {
			const text = formatOptions(options, json);
			t.false(/psk|password/i.test(text), text);
			for (const password of passwords) t.false(text.includes(password), password);
			for (const user of options.keys.keyless ? [] : options.keys.users) {
				t.true(text.includes(user.name));
				const psk = Buffer.from(user.psk);
				for (const form of [psk.toString('base64'), psk.toString('hex'), [...psk].join()]) {
					t.false(text.includes(form));
				}
			}
		}
	}
});

test('rules, prefixes and users of a server are shown as they are written', (t) => {
	const cwd = folderOf(t, {'a.key': KEYS[0]});
	const flags = {
		...{port: '2000', keyFile: ['a.key'], exit: true},
		...{allow: ['10.0.0.0/8'], deny: ['*:25'], nat64Prefix: ['64:ff9b:1::/48']},
	};
	const {options} = resolveServerOptions(flags, {env: {}, cwd});
	t.like(JSON.parse(formatOptions(options, true)), {
		port: 2000,
		bind: 'all',
		exit: {allow: ['10.0.0.0/8'], deny: ['*:25'], nat64Prefixes: ['64:ff9b:1::/48']},
	});
});
