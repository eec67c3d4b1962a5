import test, {type ExecutionContext} from 'ava';
import {
	resolveServerOptions,
	type ServerFlags,
	type ServerOptions,
} from '../../src/config/server.ts';
import type {EnvironmentVariables} from '../../src/config/settings.ts';
import {FIXTURES, folderOf, KEYS, problemsOf} from './surroundings.ts';

const [KEY, OTHER, THIRD] = KEYS;
const WORDS: ServerFlags = {port: '2000', host: '127.0.0.1', targetPort: '1194'};

const BARE: ServerOptions = {
	configFile: undefined,
	port: 2000,
	bind: [],
	target: {host: '127.0.0.1', port: 1194},
	exit: undefined,
	keys: {keyless: true},
	users: new Map(),
	maxTraffic: undefined,
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

function optionsOf(
	t: ExecutionContext,
	flags: ServerFlags,
	file?: string,
	env: EnvironmentVariables = {},
): ServerOptions {
	const cwd = folderOf(t, {
		's.yaml': file ?? '',
		'a.key': KEY,
		'team.keys': `bob ${OTHER}\ncarol ${THIRD}\n`,
	});
	const config = file === undefined ? undefined : 's.yaml';
	return resolveServerOptions({config, ...flags}, {env, cwd}).options;
}

function textOf(value: unknown): string {
	return JSON.stringify(value instanceof Map ? [...value] : value);
}

function usersOf({keys}: ServerOptions): readonly string[] {
	return keys.keyless ? ['keyless'] : keys.users.map(({name}) => name);
}

test('three words are enough', (t) => {
	t.deepEqual(optionsOf(t, WORDS), BARE);
});

// `encrypt: false` and several users exclude each other, so the example leaves it on; see below.
test('the full example sets every option, none but encrypt to its default', (t) => {
	const surroundings = {env: {}, cwd: FIXTURES};
	const {options} = resolveServerOptions({config: 'full-server.yaml'}, surroundings);
	t.deepEqual(Object.keys(options).toSorted(), Object.keys(BARE).toSorted());
	const same = Object.entries(options).filter(
		([name, value]) =>
			textOf(value) === textOf(Object.entries(BARE).find(([key]) => key === name)?.[1]),
	);
	t.deepEqual(same.map(([name]) => name).toSorted(), ['encrypt', 'port', 'target']);
	t.deepEqual(usersOf(options), ['default', 'alice', 'bob', 'carol', 'dave']);
});

test('words and flags win over the file, the target as a whole', (t) => {
	const file =
		'port: 1\ntarget: {host: "::1", port: 2}\nbind: 127.0.0.9\nstats: 1s\nencrypt: false\n';
	const fromFile = optionsOf(t, {}, file);
	t.like(fromFile, {port: 1, target: {host: '::1', port: 2}, stats: 1000, encrypt: false});
	t.deepEqual(fromFile.bind, ['127.0.0.9']);
	const flags = {...WORDS, bind: ['127.0.0.2', '127.0.0.3'], stats: '2s'};
	const both = optionsOf(t, flags, file, {MPTUNNEL_ENCRYPT: '1'});
	t.deepEqual(both, {...BARE, configFile: both.configFile, stats: 2000, bind: flags.bind});
	t.deepEqual(optionsOf(t, {port: '3'}, file).target, {host: '::1', port: 2});
});

test('several key files are several users', (t) => {
	t.deepEqual(usersOf(optionsOf(t, {...WORDS, keyFile: ['a.key', 'team.keys']})), [
		'a',
		'bob',
		'carol',
	]);
});

test('keys come from the flags, else the variable, else the file, never mixed', (t) => {
	const file = 'keyFile: team.keys\nusers: [{name: dora, keyFile: a.key}]\n';
	const env = {MPTUNNEL_KEY: THIRD};
	t.deepEqual(usersOf(optionsOf(t, {...WORDS, keyFile: ['a.key']}, file, env)), ['a']);
	t.deepEqual(usersOf(optionsOf(t, WORDS, file, env)), ['default']);
	t.deepEqual(usersOf(optionsOf(t, WORDS, file)), ['bob', 'carol', 'dora']);
	t.deepEqual(usersOf(optionsOf(t, WORDS, 'state: x\n')), ['keyless']);
});

test('addresses given twice in any spelling count once', (t) => {
	const {bind} = optionsOf(t, {...WORDS, bind: ['[::1]', '0:0::1', '127.0.0.1', '127.0.0.1']});
	t.deepEqual(bind, ['::1', '127.0.0.1']);
});

const says = test.macro({
	exec(t, flags: ServerFlags, ...expected: readonly string[]) {
		t.deepEqual(
			problemsOf(t, () => optionsOf(t, flags)),
			expected,
		);
	},
	title: (name) => `refuses ${name}`,
});

test(
	'nothing',
	says,
	{},
	'a port to listen on is needed: mpserver PORT HOST PORT; see mpserver --help',
);
test(
	'no fixed target without a key',
	says,
	{port: '2000'},
	...[
		'a fixed target is needed (mpserver 2000 HOST PORT) without a key: ' +
			'clients may choose their targets only with one (--key-file FILE)',
	],
);
test(
	'--exit without a key',
	says,
	{...WORDS, exit: true},
	...[
		'--exit is not possible without a key: ' +
			'clients may choose their targets only with one (--key-file FILE)',
	],
);
test(
	'rules beside a fixed target without --exit',
	says,
	{...WORDS, keyFile: ['a.key'], allow: ['10.0.0.0/8'], deny: ['*:25'], nat64Prefix: ['fd00::/96']},
	...['--allow (allow:)', '--deny (deny:)', '--nat64-prefix (nat64Prefix:)'].map(
		(name) =>
			`${name} needs --exit (exit: true): ` +
			'clients get nothing but the fixed target until it is given',
	),
);
test(
	'rules that are none',
	says,
	{port: '2000', keyFile: ['a.key'], allow: ['10.0.0.1/8'], deny: ['127.1'], nat64Prefix: ['::/1']},
	...[
		'--allow: not a prefix with zeros after its length (10.0.0.0/8): "10.0.0.1/8"',
		'--deny: not an IPv4 address of four decimal numbers (10.0.0.1): "127.1"',
		'--nat64-prefix: not an IPv6 prefix of 32, 40, 48, 56, 64, 96 bits: "::/1"',
	],
);

test('without encryption nobody may choose targets', (t) => {
	const env = {MPTUNNEL_ENCRYPT: '0'};
	const run = (flags: ServerFlags) => () =>
		optionsOf(t, {...flags, keyFile: ['a.key']}, undefined, env);
	const rest = 'with MPTUNNEL_ENCRYPT=0: clients may choose their targets only with encryption';
	t.deepEqual(problemsOf(t, run({port: '1'})), [
		`a fixed target is needed (mpserver 1 HOST PORT) ${rest}`,
	]);
	t.deepEqual(problemsOf(t, run({...WORDS, exit: true})), [`--exit is not possible ${rest}`]);
});

test('a server without a fixed target is an exit, one with it only when asked', (t) => {
	const key = {keyFile: ['a.key']};
	const alone = optionsOf(t, {port: '2000', ...key});
	t.is(alone.target, undefined);
	t.deepEqual(alone.exit, {allow: [], deny: [], nat64Prefixes: []});
	t.is(optionsOf(t, {...WORDS, ...key}).exit, undefined);
	const both = optionsOf(t, {...WORDS, ...key, exit: true});
	t.deepEqual(both.target, BARE.target);
	t.truthy(both.exit);
});

test('exit: false needs a fixed target', (t) => {
	const run = () => optionsOf(t, {port: '2000', keyFile: ['a.key']}, 'exit: false\n');
	t.deepEqual(problemsOf(t, run), [
		'without --exit a fixed target is needed: mpserver 2000 HOST PORT',
	]);
});

test('rules come from flags or the file, each list as a whole', (t) => {
	const file =
		'port: 1\nexit: true\nallow: 10.0.0.0/8\ndeny: ["*:25", intranet.example]\n' +
		'nat64Prefix: "fd00:64::/96"\nkeyFile: a.key\n';
	const texts = ({exit}: ServerOptions) => [
		exit?.allow.map(({text}) => text),
		exit?.deny.map(({text}) => text),
		exit?.nat64Prefixes.map(({length}) => length),
	];
	t.deepEqual(texts(optionsOf(t, {}, file)), [['10.0.0.0/8'], ['*:25', 'intranet.example'], [96]]);
	const flags = {deny: ['192.0.2.0/24'], nat64Prefix: ['fd00:1::/32', 'fd00:2::/48']};
	t.deepEqual(texts(optionsOf(t, flags, file)), [['10.0.0.0/8'], ['192.0.2.0/24'], [32, 48]]);
});
test(
	'half a target',
	says,
	{port: '2000', host: 'a"b'},
	...[
		'HOST: not a host name or IP address: "a\\"b"',
		'the target "a\\"b" needs a port: mpserver PORT HOST PORT',
	],
);
test(
	'bad words',
	says,
	{port: 'x', host: 'a..b', targetPort: '0', bind: ['eth0', '::1']},
	...[
		'--bind: not an IP address: "eth0"',
		'HOST: not a host name or IP address: "a..b"',
		'target PORT: not 1 to 65535: "0"',
		'PORT: not 1 to 65535: "x"',
	],
);
test(
	'equal keys',
	says,
	{...WORDS, keyFile: ['a.key', 'a.key']},
	...['--key-file: equal keys: "a" (--key-file a.key:1) and "a" (--key-file a.key:1)'],
);

test('several users cannot share an unencrypted server', (t) => {
	const run = () =>
		optionsOf(t, {...WORDS, keyFile: ['team.keys']}, undefined, {MPTUNNEL_ENCRYPT: '0'});
	t.deepEqual(problemsOf(t, run), [
		'encryption is off (MPTUNNEL_ENCRYPT=0), which allows one key only, not 2',
	]);
	const one = optionsOf(t, {...WORDS, keyFile: ['a.key']}, undefined, {MPTUNNEL_ENCRYPT: '0'});
	t.false(one.encrypt);
});
