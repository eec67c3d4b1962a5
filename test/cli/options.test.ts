import {chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {CommanderError} from 'commander';
import {programVersion} from '../../src/app/version.ts';
import {parseClientArguments, parseServerArguments} from '../../src/cli/options.ts';
import {ConfigError} from '../../src/config/errors.ts';

const KEY = 'kJQd4N8sPDyiU0b5GIkbJPqOo8sXyyZ2v+LKJVbRQnE=';

type Program = 'mpclient' | 'mpserver';
const PARSERS = {mpclient: parseClientArguments, mpserver: parseServerArguments} as const;

function folderOf(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	writeFileSync(
		join(folder, 'mpclient.conf'),
		'bridge1.example.net 4000\nbridge2.example.net 4000\n',
	);
	writeFileSync(join(folder, 'mpclient.yaml'), 'paths: [bridge 4000]\nlisten: 127.0.0.1:9\n');
	for (const name of ['a.key', 'b.key']) writeFileSync(join(folder, name), KEY, {mode: 0o600});
	writeFileSync(join(folder, 'b.key'), `bob dBGdyT4Mai3cHjFSdrEi+kZmHNUI3kqOdwt94AgzZmA=\n`);
	chmodSync(join(folder, 'b.key'), 0o600);
	return folder;
}

function client(t: ExecutionContext, line: string, env = {}) {
	return parseClientArguments(split(line), env, {write: () => {}, cwd: folderOf(t)});
}

function server(t: ExecutionContext, line: string, env = {}) {
	return parseServerArguments(split(line), env, {write: () => {}, cwd: folderOf(t)});
}

function split(line: string): readonly string[] {
	return line.split(' ').filter((word) => word !== '');
}

test('the first lines of the README parse', (t) => {
	const {options, action, warnings} = client(t, 'mpclient.conf --key-file a.key');
	t.is(action, 'run');
	t.deepEqual(warnings, []);
	t.is(options.paths.length, 2);
	t.false(options.keys.keyless);
	const other = server(t, '2000 127.0.0.1 1194 --key-file a.key');
	t.deepEqual(other.options.target, {host: '127.0.0.1', port: 1194});
	t.is(other.options.port, 2000);
	t.false(other.options.keys.keyless);
	t.is(other.action, 'run');
});

test('every flag of mpclient arrives', (t) => {
	const {options} = client(
		t,
		'-c mpclient.conf --listen [::1]:1 --socks 127.0.0.1:2 --copies 2 --key-file a.key --state /s ' +
			'--crypto noble --io batch --busy-poll --stats 10s --log-level debug --log-format json ' +
			'--page 127.0.0.1:5 --page-open --page-name a.test --page-name b.test ' +
			'--optimistic-connect --policy best --lane-memory 32MiB --stream-memory 64MiB --hold 50ms --congestion-control newreno --forward tcp:22=host:22',
	);
	t.like(options, {
		listen: {host: '::1', port: 1},
		socks: {listen: {host: '127.0.0.1', port: 2}, explicit: true},
		copies: 2,
		optimisticConnect: true,
		streamMemory: 2 ** 26,
		laneMemory: 2 ** 25,
		policies: {rules: [], otherwise: {kind: 'best'}, otherwiseWhere: '--policy'},
		hold: 50,
		congestionControl: 'newreno',
		forwards: [
			{
				protocol: 'tcp',
				listen: {host: 'localhost', port: 22},
				target: {host: 'host', port: 22},
			},
		],
		state: '/s',
		crypto: 'noble',
		io: 'batch',
		busyPoll: true,
		stats: 10_000,
		page: {host: '127.0.0.1', port: 5},
		pageOpen: true,
		pageName: ['a.test', 'b.test'],
		logLevel: 'debug',
		logFormat: 'json',
	});
});

test('a page needs no place, and takes no word that is none', (t) => {
	const usual = {host: '127.0.0.1', port: 9479};
	t.deepEqual(client(t, '--page mpclient.conf').options.page, usual);
	t.deepEqual(client(t, 'mpclient.conf --page --copies 2').options.page, usual);
	t.deepEqual(client(t, 'mpclient.conf --page').options.page, usual);
	t.deepEqual(client(t, 'mpclient.conf --page=7').options.page, {...usual, port: 7});
	t.deepEqual(client(t, '--page localhost:7 mpclient.conf').options.page, {...usual, port: 7});
	t.deepEqual(client(t, '--page [::1]:7 mpclient.conf').options.page, {host: '::1', port: 7});
	t.is(client(t, 'mpclient.conf').options.page, undefined);
	const {options} = server(t, '--page 2000 127.0.0.1 1194 --key-file a.key');
	t.deepEqual(options.page, {host: '127.0.0.1', port: 9480});
	t.is(options.port, 2000);
	t.throws(() => client(t, 'mpclient.conf --page=nowhere'), {message: /--page/});
});

test('a page beyond loopback is asked for in so many words', (t) => {
	for (const place of ['0.0.0.0:7', '192.0.2.1:7', '[::]:7']) {
		const reason = t.throws(() => client(t, `mpclient.conf --page ${place}`));
		t.regex(String(reason?.message), /--page-open/);
		t.is(client(t, `mpclient.conf --page ${place} --page-open`).options.page?.port, 7);
	}
	t.throws(() => client(t, 'mpclient.conf --page --page-name a/b'), {message: /--page-name/});
});

test('every flag about SOCKS5 arrives, socks-user more than once', (t) => {
	const {options} = client(
		t,
		'mpclient.conf --key-file a.key --socks 127.0.0.1:2 --socks-user a:b --socks-user c:d ' +
			'--socks-auth-reply 5 --socks-filter address --socks-advertise 192.0.2.1 ' +
			'--socks-udp-port 3 --socks-udp-any-port',
	);
	t.deepEqual(options.socks, {
		listen: {host: '127.0.0.1', port: 2},
		explicit: true,
		users: [
			{name: 'a', password: 'b'},
			{name: 'c', password: 'd'},
		],
		authReply: 5,
		filter: 'address',
		advertise: '192.0.2.1',
		udpPort: 3,
		udpAnyPort: true,
	});
});

test('every flag of mpserver arrives, bind and key-file more than once', (t) => {
	const {options} = server(
		t,
		'2000 target.example 53 --bind 127.0.0.2 --bind ::1 --key-file a.key --key-file b.key ' +
			'--state s --max-traffic 2.5 --lane-memory 32MiB --crypto node --io dgram --stats 1m --log-level error --log-format json',
	);
	t.like(options, {
		port: 2000,
		target: {host: 'target.example', port: 53},
		maxTraffic: 2.5,
		laneMemory: 2 ** 25,
		crypto: 'node',
		io: 'dgram',
		busyPoll: false,
		stats: 60_000,
		logLevel: 'error',
		logFormat: 'json',
	});
	t.deepEqual(options.bind, ['127.0.0.2', '::1']);
	t.true(options.state?.endsWith('/s'));
	t.deepEqual(options.keys.keyless ? [] : options.keys.users.map(({name}) => name), ['a', 'bob']);
});

test('rules of mpserver arrive in their order, and make an exit with or without a fixed target', (t) => {
	const rules = '--allow 127.0.0.0/8 --allow *:25 --deny host.example --nat64-prefix fd00::/96';
	const {target, exit} = server(t, `2000 --key-file a.key ${rules}`).options;
	t.is(target, undefined);
	t.deepEqual(
		exit?.allow.map(({text}) => text),
		['127.0.0.0/8', '*:25'],
	);
	t.deepEqual(
		exit?.deny.map(({text}) => text),
		['host.example'],
	);
	t.is(exit?.nat64Prefixes.length, 1);
	const both = server(t, '2000 127.0.0.1 1194 --exit --key-file a.key').options;
	t.deepEqual(both.exit, {allow: [], deny: [], nat64Prefixes: []});
	t.deepEqual(both.target, {host: '127.0.0.1', port: 1194});
});

test('flags have no defaults of their own: the file shows through', (t) => {
	t.deepEqual(client(t, 'mpclient.yaml').options.listen, {host: '127.0.0.1', port: 9});
	t.is(client(t, 'mpclient.yaml --no-listen').options.listen, undefined);
	t.is(client(t, 'mpclient.conf').options.socks, undefined);
	t.like(client(t, 'mpclient.conf --key-file a.key').options.socks, {explicit: false});
	t.is(client(t, 'mpclient.conf --no-socks').options.socks, false);
});

test('of a flag and its opposite the last one counts', (t) => {
	t.is(client(t, 'mpclient.conf --listen 127.0.0.1:1 --no-listen').options.listen, undefined);
	t.deepEqual(client(t, 'mpclient.conf --no-listen --listen 127.0.0.1:1').options.listen, {
		host: '127.0.0.1',
		port: 1,
	});
});

test('--check and --test are actions, not options', (t) => {
	t.is(client(t, 'mpclient.conf --check').action, 'check');
	t.is(client(t, 'mpclient.conf --test').action, 'test');
	t.is(server(t, '1 a 2 --check').action, 'check');
	t.false('check' in client(t, 'mpclient.conf --check').options);
});

test('FILE and --config are the same', (t) => {
	t.is(client(t, '--config mpclient.conf').options.paths.length, 2);
	t.is(client(t, 'mpclient.conf -c mpclient.conf').options.paths.length, 2);
});

test('warnings come along', (t) => {
	const cwd = folderOf(t);
	chmodSync(join(cwd, 'a.key'), 0o644);
	const argv = ['mpclient.conf', '--key-file', 'a.key'];
	t.deepEqual(parseClientArguments(argv, {}, {write: () => {}, cwd}).warnings, [
		'key file "a.key" can be read by other users of this machine (chmod 600)',
	]);
});

test('process.env can be passed as it is', (t) => {
	const env: NodeJS.ProcessEnv = {MPTUNNEL_KEY: KEY, MPTUNNEL_ENCRYPT: '0'};
	t.false(client(t, 'mpclient.conf', env).options.encrypt);
	t.false(server(t, '1 a 2', env).options.keys.keyless);
});

const refuses = test.macro({
	exec(t, program: Program, line: string, ...expected: readonly string[]) {
		const written: string[] = [];
		const io = {write: (text: string) => written.push(text), cwd: folderOf(t)};
		const error = t.throws(() => PARSERS[program](split(line), {}, io), {instanceOf: ConfigError});
		t.is(error.exitCode, 2);
		t.deepEqual(error.message.split('\n'), expected);
		t.deepEqual(written, []);
	},
	title: (_, program, line) => `refuses ${String(program)} ${String(line)}`.slice(0, 90),
});

const FILE_NEEDED = 'a configuration file is needed: mpclient FILE; see mpclient --help';
test(refuses, 'mpclient', '', FILE_NEEDED);
test(
	refuses,
	'mpclient',
	'mpclient.conf --lisen 1',
	"unknown option '--lisen' (Did you mean --listen?)",
);
test(refuses, 'mpclient', 'mpclient.conf --xyz', "unknown option '--xyz'");
test(
	refuses,
	'mpclient',
	'mpclient.conf --key x',
	"unknown option '--key' (Did you mean --key-file?)",
);
test(refuses, 'mpclient', 'mpclient.conf --bind 127.0.0.1', "unknown option '--bind'");
test(refuses, 'mpclient', 'mpclient.conf --copies', "option '--copies <N>' argument missing");
test(refuses, 'mpclient', 'a b', 'too many arguments. Expected 1 argument but got 2.');
test(
	refuses,
	'mpclient',
	'a -c b',
	...['two configuration files: FILE and --config are the same option'],
);
test(refuses, 'mpclient', 'mpclient.conf --check --test', '--check and --test exclude each other');
test(refuses, 'mpclient', 'mpclient.conf --copies 0', '--copies: not 1 to 16: "0"');
test(
	refuses,
	'mpclient',
	'mpclient.conf --key-file a.key --key-file b.key',
	...['--key-file: a client has one key, this is 2: --key-file a.key:1, --key-file b.key:1'],
);
test(
	refuses,
	'mpclient',
	`mpclient.conf --key-file ${KEY}`,
	...['--key-file: key file (looks like a key) cannot be read: no such file or folder'],
);
test(refuses, 'mpclient', `mpclient.conf --${KEY}`, "unknown option '--(key)'");
test(
	refuses,
	'mpserver',
	'',
	'a port to listen on is needed: mpserver PORT HOST PORT; see mpserver --help',
);
test(
	refuses,
	'mpserver',
	'2000',
	...[
		'a fixed target is needed (mpserver 2000 HOST PORT) without a key: ' +
			'clients may choose their targets only with one (--key-file FILE)',
	],
);
test(refuses, 'mpserver', '2000 a', 'the target "a" needs a port: mpserver PORT HOST PORT');
test(
	refuses,
	'mpserver',
	'70000 a b',
	...['target PORT: not 1 to 65535: "b"', 'PORT: not 1 to 65535: "70000"'],
);
test(refuses, 'mpserver', '1 a 2 3', 'too many arguments. Expected 3 arguments but got 4.');
test(refuses, 'mpserver', '1 a 2 --copies 3', "unknown option '--copies'");

test('a strange unknown flag is escaped and cut', (t) => {
	const argv = [`--x\u001b[31m${'y'.repeat(1000)}`];
	const io = {write: () => {}, cwd: folderOf(t)};
	const error = t.throws(() => parseClientArguments(argv, {}, io), {instanceOf: ConfigError});
	t.true(error.message.startsWith("unknown option '--x\\u001b[31myy"));
	t.is(error.message.length, 255);
});

const FLAGS: Readonly<Record<Program, readonly string[]>> = {
	mpclient: [
		'-c, --config <FILE>',
		'--listen <[ADDR:]PORT>',
		'--no-listen',
		'--copies <N>',
		'--policy <NAME>',
		'--forward <PROTOCOL:LOCAL=TARGET>',
		'--forward-open',
		'--optimistic-connect',
		'--key-file <FILE>',
		'--socks <[ADDR:]PORT>',
		'--no-socks',
		'--socks-user <NAME:PASSWORD>',
		'--socks-users <FILE>',
		'--socks-auth-reply <N>',
		'--socks-filter <WHO>',
		'--socks-advertise <ADDR>',
		'--socks-udp-port <PORT>',
		'--socks-udp-any-port',
		'--socks-open',
		'--state <FOLDER>',
		'--crypto <NAME>',
		'--io <NAME>',
		'--busy-poll',
		'--stream-memory <SIZE>',
		'--lane-memory <SIZE>',
		'--link-file <FILE>',
		'--hold <TIME>',
		'--congestion-control <NAME>',
		'--check',
		'--json',
		'--test',
		'--stats <TIME>',
		'--page [ADDR:PORT]',
		'--page-open',
		'--page-name <NAME>',
		'--log-level <LEVEL>',
		'--log-format <FORMAT>',
		'--metrics [ADDR:PORT]',
		'-h, --help',
		'-V, --version',
	],
	mpserver: [
		'-c, --config <FILE>',
		'--bind <ADDR>',
		'--key-file <FILE>',
		'--users <FILE>',
		'--max-traffic <T>',
		'--exit',
		'--allow <RULE>',
		'--deny <RULE>',
		'--nat64-prefix <PREFIX>',
		'--state <FOLDER>',
		'--crypto <NAME>',
		'--io <NAME>',
		'--busy-poll',
		'--stream-memory <SIZE>',
		'--lane-memory <SIZE>',
		'--hold <TIME>',
		'--congestion-control <NAME>',
		'--check',
		'--json',
		'--stats <TIME>',
		'--page [ADDR:PORT]',
		'--page-open',
		'--page-name <NAME>',
		'--log-level <LEVEL>',
		'--log-format <FORMAT>',
		'--metrics [ADDR:PORT]',
		'-h, --help',
		'-V, --version',
	],
};

for (const program of ['mpclient', 'mpserver'] as const) {
	test(`${program} --help lists exactly its flags, its variables and an example`, (t) => {
		let help = '';
		const io = {write: (text: string) => (help += text), cwd: '/'};
		const error = t.throws(() => PARSERS[program](['--help'], {}, io), {
			instanceOf: CommanderError,
		});
		t.is(error.exitCode, 0);
		const listed = [...help.matchAll(/^ {2}((?:-\w, )?--[\w-]+(?: [<[][^ ]+[>\]])?)/gm)].map(
			([, flag]) => flag,
		);
		t.deepEqual(listed.toSorted(), FLAGS[program].toSorted());
		t.regex(help, new RegExp(`^Usage: ${program} `));
		t.regex(help, /MPTUNNEL_KEY/);
		t.regex(help, /MPTUNNEL_ENCRYPT=0/);
		t.regex(help, new RegExp(`^ {2}${program} .*--key-file tunnel\\.key$`, 'm'));
		for (const line of help.split('\n')) t.true(line.length <= 100, line);
	});

	test(`${program} --version prints the version of package.json`, (t) => {
		let text = '';
		const io = {write: (part: string) => (text += part), cwd: '/'};
		const error = t.throws(() => PARSERS[program](['--version'], {}, io), {
			instanceOf: CommanderError,
		});
		t.is(error.exitCode, 0);
		const {version} = JSON.parse(readFileSync('package.json', 'utf8'));
		t.is(text, `${version}\n`);
		t.is(programVersion(), version);
	});
}

test('the example file in the help is a valid one', (t) => {
	let help = '';
	const io = {write: (text: string) => (help += text), cwd: '/'};
	t.throws(() => parseClientArguments(['--help'], {}, io));
	const [, example = ''] = /\n\n( {2}# comment\n[\s\S]*?)\n\n/.exec(help) ?? [];
	const cwd = folderOf(t);
	writeFileSync(join(cwd, 'x.conf'), example);
	const {paths} = parseClientArguments(['x.conf'], {}, {...io, cwd}).options;
	t.deepEqual(
		paths.map(({name}) => name),
		['1', 'lte', 'dsl'],
	);
});
