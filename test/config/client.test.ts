import {Buffer} from 'node:buffer';
import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {
	CLIENT_DEFAULTS,
	type ClientFlags,
	type ClientOptions,
	resolveClientOptions,
} from '../../src/config/client.ts';
import {ConfigError} from '../../src/config/errors.ts';
import type {EnvironmentVariables} from '../../src/config/settings.ts';
import {formatKey} from '../../src/crypto/keys.ts';
import {FIXTURES, folderOf, KEYS, problemsOf} from './surroundings.ts';

const [KEY, OTHER, THIRD] = KEYS;

function optionsOf(
	t: ExecutionContext,
	file: string,
	flags: ClientFlags = {},
	env: EnvironmentVariables = {},
	name = 'c.yaml',
): ClientOptions {
	const cwd = folderOf(t, {[name]: file, 'flag.key': KEY, 'file.key': THIRD});
	return resolveClientOptions({config: name, ...flags}, {env, cwd}).options;
}

function keyOf({keys}: ClientOptions): string {
	return keys.keyless ? 'keyless' : formatKey(keys.users[0].psk);
}

const BARE: ClientOptions = {
	configFile: '',
	paths: [],
	listen: CLIENT_DEFAULTS.listen,
	socks: undefined,
	forwards: [],
	policies: CLIENT_DEFAULTS.policies,
	copies: undefined,
	optimisticConnect: false,
	keys: {keyless: true},
	encrypt: true,
	state: undefined,
	crypto: undefined,
	io: undefined,
	busyPoll: false,
	streamMemory: 268_435_456,
	laneMemory: 268_435_456,
	hold: 500,
	congestionControl: 'bbr',
	stats: undefined,
	page: undefined,
	pageOpen: false,
	pageName: undefined,
	metrics: undefined,
	logLevel: 'info',
	logFormat: 'text',
};

test('a file of one path has the defaults for everything else', (t) => {
	const options = optionsOf(t, 'bridge 4000', {}, {}, 'c.conf');
	t.deepEqual({...options, configFile: '', paths: []}, BARE);
	t.is(options.paths.length, 1);
	t.deepEqual(options.listen, {host: 'localhost', port: 3000});
	t.true(options.configFile.endsWith('/c.conf'));
});

test('the full example sets every option, none to its default', (t) => {
	const surroundings = {env: {}, cwd: FIXTURES};
	const {options} = resolveClientOptions({config: 'full-client.yaml'}, surroundings);
	t.deepEqual(Object.keys(options).toSorted(), Object.keys(BARE).toSorted());
	for (const [name, value] of Object.entries(BARE)) {
		// Neither SOCKS5 nor a login goes with MPTUNNEL_ENCRYPT=0, so the example keeps the default.
		if (name === 'encrypt') continue;
		t.notDeepEqual(Object.entries(options).find(([key]) => key === name)?.[1], value, name);
	}
	t.is(options.state, join(FIXTURES, 'state/client'));
	const [, , path] = options.paths;
	t.deepEqual(path, {
		host: '2001:db8::7',
		port: 4002,
		name: 'dsl',
		bind: '2001:db8::2',
		device: undefined,
		mark: {value: 51_820, place: 'full-client.yaml:5: paths[2]'},
		localPort: 40_001,
		rate: {up: 16e6, down: 16e6},
		keepAlive: 25_000,
		metered: true,
		backup: true,
	});
	t.deepEqual(
		options.paths.map(({name}) => name),
		['1', 'lte', 'dsl', '4', '5'],
	);
	t.deepEqual(options.paths[3]?.rate, {up: 1e6, down: 8e6});
	t.is(options.paths[4]?.device, 'eth1');
});

test('the full classic example sets every word', (t) => {
	const surroundings = {env: {}, cwd: FIXTURES};
	const {paths} = resolveClientOptions({config: 'full-client.conf'}, surroundings).options;
	const unset = new Set([
		'name',
		'bind',
		'device',
		'mark',
		'localPort',
		'rate',
		'keepAlive',
		'metered',
		'backup',
	]);
	for (const path of paths) {
		for (const [key, value] of Object.entries(path)) {
			if (value !== undefined && value !== false) unset.delete(key);
		}
	}
	t.deepEqual([...unset], []);
	t.deepEqual(
		paths.map(({name}) => name),
		['1', '2', 'lte', 'dsl', '5', '6'],
	);
});

test('an interface to bind to excludes the back end that cannot', (t) => {
	const text = 'paths: [a 1 bind=eth1 name=x]\nio: dgram\n';
	const cwd = folderOf(t, {'c.yaml': text});
	t.deepEqual(
		problemsOf(t, () => resolveClientOptions({config: 'c.yaml'}, {env: {}, cwd})),
		[
			'bind "eth1" of path "x": the name of a network interface needs --io batch, others an IP address',
		],
	);
	t.is(optionsOf(t, text, {io: 'batch'}).paths[0]?.device, 'eth1');
});

test('a mark excludes the back end that cannot, and knows its place', (t) => {
	const text = 'paths:\n  - a 1\n  - b 2 mark=7\nio: dgram\n';
	const cwd = folderOf(t, {'c.yaml': text});
	t.deepEqual(
		problemsOf(t, () => resolveClientOptions({config: 'c.yaml'}, {env: {}, cwd})),
		['c.yaml:3: paths[1]: mark=7 needs --io batch and the capability CAP_NET_ADMIN'],
	);
});

test('JSON is read as well', (t) => {
	const json = '{"paths": [{"host": "a", "port": 1, "metered": true}], "copies": 3}';
	t.is(optionsOf(t, json, {}, {}, 'c.json').copies, 3);
});

interface Precedence {
	readonly field: keyof ClientOptions;
	readonly file: string;
	readonly fromFile: unknown;
	readonly flags: ClientFlags;
	readonly fromFlags: unknown;
}

const PRECEDENCE: readonly Precedence[] = [
	{
		field: 'listen',
		file: 'listen: 127.0.0.1:1',
		fromFile: {host: '127.0.0.1', port: 1},
		flags: {listen: '[::1]:2'},
		fromFlags: {host: '::1', port: 2},
	},
	{
		field: 'listen',
		file: 'listen: false',
		fromFile: undefined,
		flags: {listen: '127.0.0.1:2'},
		fromFlags: {host: '127.0.0.1', port: 2},
	},
	{
		field: 'listen',
		file: 'listen: 127.0.0.1:1',
		fromFile: {host: '127.0.0.1', port: 1},
		flags: {listen: false},
		fromFlags: undefined,
	},
	{field: 'copies', file: 'copies: 2', fromFile: 2, flags: {copies: '3'}, fromFlags: 3},
	{
		field: 'crypto',
		file: 'crypto: node',
		fromFile: 'node',
		flags: {crypto: 'noble'},
		fromFlags: 'noble',
	},
	{field: 'io', file: 'io: dgram', fromFile: 'dgram', flags: {io: 'batch'}, fromFlags: 'batch'},
	{field: 'stats', file: 'stats: 1s', fromFile: 1000, flags: {stats: '2s'}, fromFlags: 2000},
	{
		field: 'logLevel',
		file: 'logLevel: warn',
		fromFile: 'warn',
		flags: {logLevel: 'debug'},
		fromFlags: 'debug',
	},
	{
		field: 'logFormat',
		file: 'logFormat: json',
		fromFile: 'json',
		flags: {logFormat: 'text'},
		fromFlags: 'text',
	},
	{field: 'state', file: 'state: /a', fromFile: '/a', flags: {state: '/b'}, fromFlags: '/b'},
];

for (const {field, file, fromFile, flags, fromFlags} of PRECEDENCE) {
	test(`flags win over the file: ${field}, ${file}, ${JSON.stringify(flags)}`, (t) => {
		const text = `paths: [a 1]\n${file}\n`;
		t.deepEqual(optionsOf(t, text)[field], fromFile);
		t.deepEqual(optionsOf(t, text, flags)[field], fromFlags);
		t.deepEqual(optionsOf(t, 'paths: [a 1]', flags)[field], fromFlags);
	});
}

test('a key flag wins over the variable, the variable over the file', (t) => {
	const file = 'paths: [a 1]\nkeyFile: file.key\n';
	const flags = {keyFile: ['flag.key']};
	const env = {MPTUNNEL_KEY: `${OTHER}\n`};
	t.is(keyOf(optionsOf(t, file)), THIRD);
	t.is(keyOf(optionsOf(t, file, {}, env)), OTHER);
	t.is(keyOf(optionsOf(t, file, flags, env)), KEY);
	t.is(keyOf(optionsOf(t, file, flags)), KEY);
	t.is(keyOf(optionsOf(t, 'a 1', {}, env, 'c.conf')), OTHER);
	t.is(keyOf(optionsOf(t, `paths: [a 1]\nkey: ${KEY}\n`)), KEY);
	t.is(keyOf(optionsOf(t, 'paths: [a 1]')), 'keyless');
});

test('MPTUNNEL_ENCRYPT wins over the file, and empty it says nothing', (t) => {
	const encrypt = (file: string, value?: string) =>
		optionsOf(t, `paths: [a 1]\n${file}`, {}, {MPTUNNEL_ENCRYPT: value}).encrypt;
	t.true(encrypt(''));
	t.true(encrypt('', ''));
	t.true(encrypt('', '1'));
	t.false(encrypt('', '0'));
	t.false(encrypt('encrypt: false'));
	t.false(encrypt('encrypt: false', ''));
	t.true(encrypt('encrypt: false', '1'));
	t.false(encrypt('encrypt: true', '0'));
});

const saysOf = test.macro({
	exec(t, flags: ClientFlags, env: EnvironmentVariables, ...expected: readonly string[]) {
		const cwd = folderOf(t, {'c.conf': 'a 1\n', empty: ''});
		const run = () => resolveClientOptions({config: 'c.conf', ...flags}, {env, cwd});
		t.deepEqual(problemsOf(t, run), expected);
	},
	title: (name) => `refuses ${name}`,
});

test(
	'an empty MPTUNNEL_KEY',
	saysOf,
	{},
	{MPTUNNEL_KEY: ''},
	...['MPTUNNEL_KEY: is empty (leave it out altogether to run without a key)'],
);
test(
	'a bad MPTUNNEL_KEY',
	saysOf,
	{},
	{MPTUNNEL_KEY: 'x'},
	...['MPTUNNEL_KEY: a key is 44 characters of base64, this has 1'],
);
test(
	'a zero MPTUNNEL_KEY',
	saysOf,
	{},
	{MPTUNNEL_KEY: `${'A'.repeat(43)}=`},
	...['MPTUNNEL_KEY: a key of zeros is no secret'],
);
test(
	'a strange MPTUNNEL_ENCRYPT',
	saysOf,
	{},
	{MPTUNNEL_ENCRYPT: 'no'},
	...['MPTUNNEL_ENCRYPT: not 0 (off) or 1 (on): "no"'],
);
test(
	'an empty key file even beside a good variable',
	saysOf,
	{keyFile: ['empty']},
	{
		MPTUNNEL_KEY: KEY,
	},
	'--key-file: key file "empty": holds no key',
);
test(
	'two key files',
	saysOf,
	{keyFile: ['empty', 'none']},
	{},
	...[
		'--key-file: key file "empty": holds no key',
		'--key-file: key file "none" cannot be read: no such file or folder',
	],
);
test(
	'no file',
	saysOf,
	{config: undefined},
	{},
	'a configuration file is needed: mpclient FILE; see mpclient --help',
);
test(
	'a file that is not there',
	saysOf,
	{config: 'x"y'},
	{},
	...['configuration file "x\\"y" cannot be read: no such file or folder'],
);
test(
	'every bad flag, with every bad line of the file behind',
	saysOf,
	{
		config: 'empty',
		state: '',
		crypto: 'rot13',
		io: 'uring',
		stats: '10',
		logLevel: 'loud',
		logFormat: 'xml',
		listen: 'host:3000',
		socks: '127.0.0.1:0',
		copies: '17',
	},
	{},
	...[
		'--state: not a path: ""',
		'--crypto: not one of openssl, sodium, node, noble: "rot13"',
		'--io: not one of batch, dgram: "uring"',
		'--stats: not a duration of 100ms to 24h such as 10s: "10"',
		'--log-level: not one of error, warn, info, debug: "loud"',
		'--log-format: not one of text, json: "xml"',
		'--listen: not PORT or ADDR:PORT with an IP address ([ADDR]:PORT for IPv6): "host:3000"',
		'--socks: not 1 to 65535: "0"',
		'--copies: not 1 to 16: "17"',
		'empty: no paths: at least one is needed',
	],
);

test('a file above 1 MiB is refused', (t) => {
	const cwd = folderOf(t, {'c.conf': '#'.repeat(2 ** 20 + 1), 'd.conf': `a 1\n${'#'.repeat(1e6)}`});
	const run = (config: string) => resolveClientOptions({config}, {env: {}, cwd});
	t.deepEqual(
		problemsOf(t, () => run('c.conf')),
		['configuration file "c.conf" is larger than 1 MiB'],
	);
	t.is(run('d.conf').options.paths.length, 1);
});

test('warns of a readable file with a key in it', (t) => {
	const cwd = folderOf(t, {'c.yaml': `paths: [a 1]\nkey: ${KEY}\n`});
	const run = () => resolveClientOptions({config: 'c.yaml'}, {env: {}, cwd}).warnings;
	t.deepEqual(run(), []);
	chmodSync(join(cwd, 'c.yaml'), 0o644);
	t.deepEqual(run(), [
		'"c.yaml" holds a key and can be read by other users of this machine (chmod 600)',
	]);
});

test('any bytes as a configuration file are options or a ConfigError', (t) => {
	const cwd = folderOf(t);
	const valid = Buffer.from('paths:\n  - {host: a, port: 1, rate: 1mbit}\ncopies: 2\nkey: x\n');
	const damaged = fc
		.tuple(fc.nat(valid.length), fc.uint8Array({maxLength: 6}))
		.map(([at, bytes]) => Buffer.concat([valid.subarray(0, at), bytes, valid.subarray(at + 2)]));
	const bytes = fc.oneof(fc.uint8Array({maxLength: 200}), damaged);
	fc.assert(
		fc.property(bytes, fc.constantFrom('c.conf', 'c.yaml', 'c.json'), (content, config) => {
			writeFileSync(join(cwd, config), content);
			try {
				const {options} = resolveClientOptions({config}, {env: {}, cwd});
				t.true(options.paths.length >= 1);
			} catch (error) {
				if (!(error instanceof ConfigError)) throw error;
				t.true(error.problems.length > 0);
				// biome-ignore lint/suspicious/noControlCharactersInRegex: none may get through
				t.notRegex(error.message, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
			}
		}),
		{numRuns: 500},
	);
});
