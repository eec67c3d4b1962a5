import {chmodSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type ClientFlags, resolveClientOptions} from '../../src/config/client.ts';
import {folderOf, KEYS, problemsOf} from './surroundings.ts';

const FILES = {
	'a.key': KEYS[0],
	users: '# comment\n\nalice:secret\nbob:with:colons and spaces \n',
	'bad-users': 'alice:secret\nnonsense\n:nobody\nbob:\n',
	twice: 'a:b\na:c\n',
	empty: '# nobody\n',
};

function resolveIn(t: ExecutionContext, flags: ClientFlags, yaml = '', env = {}) {
	const cwd = folderOf(t, {...FILES, 'c.yaml': `paths: [a 1]\n${yaml}`});
	return () => resolveClientOptions({config: 'c.yaml', ...flags}, {env, cwd});
}

const KEYED = {keyFile: ['a.key']};

test('with a key SOCKS5 listens on 127.0.0.1:1080 without anybody asking for it', (t) => {
	t.deepEqual(resolveIn(t, KEYED)().options.socks, {
		listen: {host: 'localhost', port: 1080},
		explicit: false,
		users: [],
		authReply: 1,
		filter: 'none',
		advertise: undefined,
		udpPort: undefined,
		udpAnyPort: false,
	});
});

test('without a key, without encryption and after --no-socks it stays shut', (t) => {
	t.is(resolveIn(t, {})().options.socks, undefined);
	t.is(resolveIn(t, KEYED, '', {MPTUNNEL_ENCRYPT: '0'})().options.socks, undefined);
	t.is(resolveIn(t, KEYED, 'encrypt: false')().options.socks, undefined);
	t.false(resolveIn(t, {...KEYED, socks: false}, 'socks: 127.0.0.1:1')().options.socks);
	t.false(resolveIn(t, KEYED, 'socks: false')().options.socks);
	t.false(resolveIn(t, {socks: false})().options.socks);
});

test('a flag wins over the file, and each other setting is looked for by itself', (t) => {
	const yaml = 'socks: 127.0.0.1:1\nsocksUser: x:y\nsocksFilter: address\nsocksUdpPort: 5\n';
	t.like(resolveIn(t, KEYED, yaml)().options.socks, {
		listen: {port: 1},
		users: [{name: 'x', password: 'y'}],
		udpPort: 5,
	});
	const flags = {...KEYED, socks: '[::1]:2', socksUser: ['a:b'], socksUdpPort: '6'};
	t.like(resolveIn(t, flags, yaml)().options.socks, {
		listen: {host: '::1', port: 2},
		explicit: true,
		users: [{name: 'a', password: 'b'}],
		filter: 'address',
		udpPort: 6,
	});
});

test('users come from words and from a file, whose readers are warned of', (t) => {
	const flags = {...KEYED, socksUser: ['carol:x'], socksUsers: 'users'};
	const cwd = folderOf(t, {...FILES, 'c.conf': 'a 1\n'});
	const run = () => resolveClientOptions({config: 'c.conf', ...flags}, {env: {}, cwd});
	t.like(run().options.socks, {
		users: [
			{name: 'carol', password: 'x'},
			{name: 'alice', password: 'secret'},
			{name: 'bob', password: 'with:colons and spaces '},
		],
	});
	t.deepEqual(run().warnings, []);
	chmodSync(join(cwd, 'users'), 0o644);
	t.deepEqual(run().warnings, [
		'users file "users" can be read by other users of this machine (chmod 600)',
	]);
});

test('a configuration file with a password that others can read is warned of', (t) => {
	const cwd = folderOf(t, {...FILES, 'c.yaml': 'paths: [a 1]\nkeyFile: a.key\nsocksUser: a:b\n'});
	chmodSync(join(cwd, 'c.yaml'), 0o644);
	t.deepEqual(resolveClientOptions({config: 'c.yaml'}, {env: {}, cwd}).warnings, [
		'"c.yaml" holds a password and can be read by other users of this machine (chmod 600)',
	]);
});

test('SOCKS5 that was asked for needs a key', (t) => {
	const reason = 'SOCKS5 needs a key at both ends: see mptunnel keygen';
	t.deepEqual(problemsOf(t, resolveIn(t, {socks: '127.0.0.1:1'})), [`--socks: ${reason}`]);
	t.deepEqual(problemsOf(t, resolveIn(t, {}, 'socks: 127.0.0.1:1')), [
		`c.yaml:2: socks: ${reason}`,
	]);
});

test('SOCKS5 that was asked for needs encryption', (t) => {
	const plain = resolveIn(t, {...KEYED, socks: '127.0.0.1:1'}, '', {MPTUNNEL_ENCRYPT: '0'});
	t.deepEqual(problemsOf(t, plain), [
		'--socks: SOCKS5 needs encryption: it cannot go with MPTUNNEL_ENCRYPT=0',
	]);
});

test('beyond this machine SOCKS5 needs users or --socks-open', (t) => {
	const reason =
		'--socks: anybody who can reach this address could use it: ' +
		'give it users (--socks-users FILE), or say --socks-open';
	for (const socks of ['0.0.0.0:1', '192.0.2.1:1', '[::]:1', '[::ffff:192.0.2.1]:1']) {
		t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, socks})), [reason], socks);
	}
	const socks = '0.0.0.0:1';
	t.like(resolveIn(t, {...KEYED, socks, socksOpen: true})().options.socks, {users: []});
	t.like(resolveIn(t, {...KEYED, socks, socksUsers: 'users'})().options.socks, {explicit: true});
	t.like(resolveIn(t, {...KEYED, socks: '127.9.9.9:1'})().options.socks, {users: []});
});

test('what is wrong with users is said without their passwords', (t) => {
	const expected = 'not NAME:PASSWORD (each 1 to 255 bytes of UTF-8)';
	const socksUser = ['nocolon', ':x', 'x:', `a:${'p'.repeat(256)}`];
	t.deepEqual(
		problemsOf(t, resolveIn(t, {...KEYED, socksUser})),
		socksUser.map(() => `--socks-user: ${expected}`),
	);
	t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, socksUsers: 'bad-users'})), [
		`--socks-users: users file "bad-users" line 2: ${expected}`,
		`--socks-users: users file "bad-users" line 3: ${expected}`,
		`--socks-users: users file "bad-users" line 4: ${expected}`,
	]);
	t.deepEqual(problemsOf(t, resolveIn(t, KEYED, 'socksUser: [1, a]')), [
		`c.yaml:2: socksUser[0]: ${expected}`,
		`c.yaml:2: socksUser[1]: ${expected}`,
	]);
});

test('users that are none, missing or listed twice are errors', (t) => {
	const of = (socksUsers: string) => problemsOf(t, resolveIn(t, {...KEYED, socksUsers}));
	t.deepEqual(of('empty'), ['--socks-users: users file "empty": holds no user']);
	t.deepEqual(of('none'), [
		'--socks-users: users file "none" cannot be read: no such file or folder',
	]);
	t.deepEqual(of('twice'), ['two SOCKS users are called "a"']);
});

test('every bad value is named', (t) => {
	const flags = {
		...KEYED,
		socksAuthReply: 'five',
		socksFilter: 'port',
		socksAdvertise: '0.0.0.0',
		socksUdpPort: '0',
	};
	t.deepEqual(problemsOf(t, resolveIn(t, flags)), [
		'--socks-auth-reply: not one of 1, 5: "five"',
		'--socks-filter: not one of none, address: "port"',
		'--socks-advertise: not an IP address that clients can send to: "0.0.0.0"',
		'--socks-udp-port: not 1 to 65535: "0"',
	]);
});
