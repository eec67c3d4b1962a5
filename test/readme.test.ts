import {existsSync, readdirSync, readFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {parse} from 'yaml';
import {readPathLine} from '../src/config/path-line.ts';
import {DnsServer} from './net/names/names-dns-server.ts';
import {
	readmeBlocks,
	readmeSection,
	readmeTable,
	readReadme,
} from './support/documents/readme-blocks.ts';
import {ReadmeShell} from './support/documents/readme-shell.ts';
import {needing} from './support/e2e/needs.ts';
import {Program} from './support/e2e/program.ts';
import {waitFor} from './support/machine/wait-for.ts';
import {UdpPeer} from './support/sockets/udp-peer.ts';

const ROOT = new URL('../../', import.meta.url);
const README = readReadme();
/** The document of all options. */
const OPTIONS = readFileSync(new URL('src/config/README.md', ROOT), 'utf8');
const BLOCKS = [README, OPTIONS].flatMap(readmeBlocks);

/** Blocks that this file runs or hands to a program, by their names. */
const RUN = [
	...['keygen', 'server', 'bridge', 'mpclient.conf', 'test', 'client', 'status'],
	...['bridge-loop', 'bridge-link', 'bridge-lossy'],
	...['socks-server', 'socks-client', 'pysocks', 'forward', 'dns', 'tcp-forward'],
	...['socks.conf', 'socksify'],
	...['users.keys', 'users', 'users.yaml', 'users-file', 'not-encrypted', 'paths.conf', 'paths'],
	...['mpclient.yaml', 'mpserver.yaml', 'yaml'],
];

/** Blocks that cannot be run here, with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
	picture: 'a drawing',
	tree: 'a drawing; compared with the folders below',
	setup: 'installs packages; the names of the scripts are looked up below',
	install: 'changes the machine',
	measure: 'takes minutes; the names of the scripts are looked up below',
	develop: 'this is one of the tests; the names of the scripts are looked up below',
	chromium: 'opens a window; run headless in test/end-to-end/connect.test.ts',
	curl: 'needs the internet; run in test/end-to-end/connect.test.ts',
	git: 'needs the internet; run in test/end-to-end/connect.test.ts',
	ssh: 'needs a server to log in to; its way through the tunnel is that of the others',
	openvpn:
		'options of another program; its replay window is that of test/end-to-end/openvpn.test.ts',
	'wireguard-server': 'of another program; run in test/end-to-end/wireguard.test.ts',
	'wireguard-client': 'of another program; run in test/end-to-end/wireguard.test.ts',
	'openvpn-socks': 'options of another program; run in test/end-to-end/openvpn-restarts.test.ts',
	'mpserver.service': 'a unit of systemd; its command is checked below',
};

function block(name: string): string {
	const found = BLOCKS.find((candidate) => candidate.name === name);
	if (found === undefined) throw new Error(`no block "${name}"`);
	return found.text;
}

/** A shell in a folder with the README's files, and a target that answers. */
async function setUp(t: ExecutionContext) {
	const shell = new ReadmeShell();
	const target = await UdpPeer.open();
	const application = await UdpPeer.open();
	target.answerWith('pong');
	t.teardown(async () => {
		await shell.close();
		await Promise.all([target.close(), application.close()]);
	});
	const run = async (name: string, substitutions = {}) => {
		const done = shell.start(block(name), substitutions);
		t.is(await done.end(), 0, `${name}: ${done.stderr}`);
		return done.stdout;
	};
	return {shell, target, application, run};
}

async function freePort(): Promise<number> {
	const peer = await UdpPeer.open();
	const {port} = peer;
	await peer.close();
	return port;
}

/** Sends until an answer comes: a datagram over a bad link may be lost. */
async function pingPong(application: UdpPeer, port: number): Promise<void> {
	const answers = application.received.length;
	const timer = setInterval(() => application.send('ping', port), 50);
	try {
		await waitFor(() => application.received.length > answers, 'an answer through the tunnel');
	} finally {
		clearInterval(timer);
	}
	if (application.received.at(-1)?.text !== 'pong') throw new Error('another answer');
}

/** A name server on loopback that knows one name; its `ADDR:PORT`. */
async function nameServer(t: ExecutionContext): Promise<string> {
	const server = new DnsServer((name) => ({
		records: name === 'example.net' ? [{name, type: 'A', data: '192.0.2.99', ttl: 60}] : [],
	}));
	t.teardown(() => server.close());
	return server.listen();
}

test('every block is run here or is on the list of those that cannot be', (t) => {
	const names = BLOCKS.map(({name}) => name);
	t.deepEqual(names.toSorted(), [...RUN, ...Object.keys(NOT_RUN)].toSorted());
	t.is(new Set(names).size, names.length);
});

needing({programs: ['socat']}).serial(
	'the classic example works from the key to the tables',
	async (t) => {
		const {shell, target, application, run} = await setUp(t);
		const [server, first, second, listen] = await Promise.all(Array.from({length: 4}, freePort));
		await run('keygen');
		const serverRun = shell.start(block('server'), {
			'2000 ': `${server} `,
			' 1194': ` ${target.port}`,
		});
		await serverRun.says('mpserver runs');
		for (const port of [first, second]) {
			shell.start(block('bridge'), {
				'udp-listen:4000': `udp-listen:${port}`,
				'SERVER:2000': `127.0.0.1:${server}`,
			});
		}
		shell.write('mpclient.conf', block('mpclient.conf'), {
			'BRIDGE1 4000': `127.0.0.1 ${first}`,
			'BRIDGE2 4000': `127.0.0.1 ${second}`,
			'SERVER 2000': `127.0.0.1 ${server}`,
		});
		const tried = await run('test');
		t.is([...tried.matchAll(/: reachable: RTT /g)].length, 3, tried);
		const client = shell.start(block('client'), {
			'tunnel.key': `tunnel.key --listen 127.0.0.1:${listen}`,
		});
		await pingPong(application, listen!);
		// The bridges took --test for the same client: they serve one source port only.
		const up = () => [...client.stderr.matchAll(/a path is up/g)].length;
		await waitFor(() => up() === 3, `three paths: ${client.stderr}`);
		const shown = await run('status');
		t.regex(shown, /^mpclient .*\nlistening on /m);
		t.regex(shown, /^mpserver .*\nlistening on [^;]*;\s+target 127\.0\.0\.1:\d+\n/m);
		t.is([...shown.matchAll(/^\{"program":"mp(?:client|server)"/gm)].length, 2);
	},
);

for (const name of ['bridge-loop', 'bridge-link', 'bridge-lossy']) {
	const needs = name === 'bridge-loop' ? ({programs: ['socat']} as const) : {};
	needing(needs).serial(`a datagram crosses the bridge of the block ${name}`, async (t) => {
		const {shell, target, application, run} = await setUp(t);
		const [server, bridge, listen] = await Promise.all(Array.from({length: 3}, freePort));
		await run('keygen');
		const serverRun = shell.start(block('server'), {
			'2000 ': `${server} `,
			' 1194': ` ${target.port}`,
		});
		await serverRun.says('mpserver runs');
		shell.start(block(name), {'4000': `${bridge}`, 'SERVER:2000': `127.0.0.1:${server}`});
		shell.write('mpclient.conf', `127.0.0.1 ${bridge}\n`);
		shell.start(block('client'), {'tunnel.key': `tunnel.key --listen 127.0.0.1:${listen}`});
		await pingPong(application, listen!);
		t.pass();
	});
}

needing({pysocks: true}).serial(
	'the Python of the README sends through SOCKS5 to a target that it names',
	async (t) => {
		const python = '/usr/bin/python3';
		const {shell, target, run} = await setUp(t);
		const [server, socks] = await Promise.all(Array.from({length: 2}, freePort));
		await run('keygen');
		const serverRun = shell.start(block('socks-server'), {
			'2000 ': `${server} --allow 127.0.0.0/8 `,
		});
		await serverRun.says('mpserver runs');
		shell.write('mpclient.conf', `127.0.0.1 ${server}\n`);
		const client = shell.start(block('socks-client'), {'1080': `${socks}`});
		await client.says('a session is up');
		shell.write('hello.py', block('pysocks'), {
			'1080': `${socks}`,
			'"9.9.9.9", 53': `"127.0.0.1", ${target.port}`,
		});
		const sent = shell.start(`${python} hello.py`);
		t.is(await sent.end(), 0, sent.stderr);
		t.deepEqual(
			target.received.map(({text}) => text.slice(13)),
			['example\u0003net\0\0\u0001\0\u0001'],
		);
		t.true(sent.stdout.includes('pong'), sent.stdout);
	},
);

needing({programs: ['drill']}).serial(
	'the forward of the README carries a query of the program beside it',
	async (t) => {
		const {shell, run} = await setUp(t);
		const [server, port] = await Promise.all(Array.from({length: 2}, freePort));
		const names = await nameServer(t);
		await run('keygen');
		const serverRun = shell.start(block('socks-server'), {
			'2000 ': `${server} --allow 127.0.0.0/8 `,
		});
		await serverRun.says('mpserver runs');
		shell.write('mpclient.conf', `127.0.0.1 ${server}\n`);
		const client = shell.start(block('forward'), {
			'5353=9.9.9.9:53': `${port}=${names} --no-listen --no-socks`,
		});
		await client.says('a session is up');
		const answer = await run('dns', {'5353': `${port}`});
		t.regex(answer, /^example\.net\.\s+60\s+IN\s+A\s+192\.0\.2\.99$/m);
	},
);

needing({programs: ['socksify', 'drill']}).serial(
	'socksify sends through SOCKS5 as the README says',
	async (t) => {
		const {shell, run} = await setUp(t);
		const [server, socks] = await Promise.all(Array.from({length: 2}, freePort));
		await run('keygen');
		const serverRun = shell.start(block('socks-server'), {'2000 ': `${server} `});
		await serverRun.says('mpserver runs');
		shell.write('mpclient.conf', `127.0.0.1 ${server}\n`);
		const client = shell.start(block('socks-client'), {'1080': `${socks}`});
		await client.says('a session is up');
		shell.write('socks.conf', block('socks.conf'), {'1080': `${socks}`});
		// The exit refuses this address, which shows that the query came there.
		const asked = shell.start(block('socksify'), {'9.9.9.9': '198.51.100.53'});
		await client.says('the server refuses a target reason=denied target=198.51.100.53:53');
		asked.kill('SIGKILL');
		t.pass();
	},
);

test.serial('the files and the commands with --check are valid', async (t) => {
	const {shell, run} = await setUp(t);
	await run('keygen');
	const files = [
		...['mpclient.conf', 'users.keys', 'users.yaml', 'paths.conf'],
		...['mpclient.yaml', 'mpserver.yaml'],
	];
	for (const file of files) shell.write(file, block(file));
	const oks = (text: string) => text.match(/^configuration ok$/gm)?.length;
	for (const name of ['users', 'users-file', 'not-encrypted', 'paths'])
		t.is(oks(await run(name)), 1, name);
	t.is(oks(await run('yaml')), 2);
	t.is(oks(await run('tcp-forward', {'mpclient ': 'mpclient --check '})), 1);
	const service = /^ExecStart=(.*)$/m.exec(block('mpserver.service'))?.[1] ?? '';
	const words = {'/usr/local/bin/': '', '%d/key': 'tunnel.key', '%S/': `${shell.folder}/`};
	const checked = shell.start(`${service} --check`, words);
	t.is(await checked.end(), 0, checked.stderr);
	t.is(oks(checked.stdout), 1);
});

test('npm has every script that a block runs', (t) => {
	const {scripts} = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
		scripts: Record<string, string>;
	};
	const used = BLOCKS.filter(({language}) => language === 'sh').flatMap(({text}) =>
		[...text.matchAll(/npm (?:run )?(\w+)/g)].map(([, script = '']) => script),
	);
	const commands = ['ci', 'install'];
	t.deepEqual(
		used.filter((script) => !(script in scripts) && !commands.includes(script)),
		[],
	);
	t.true(used.includes('demo') && used.includes('bench') && used.includes('test'));
});

test('the tree shows the folders that there are', (t) => {
	const shown = [...block('tree').matchAll(/^ {2}([\w./]+)/gm)].map(([, name = '']) => name);
	const real = readdirSync(new URL('src/', ROOT), {withFileTypes: true}).map((entry) =>
		entry.isDirectory() ? `${entry.name}/` : entry.name,
	);
	t.deepEqual(shown.toSorted(), real.toSorted());
	for (const file of ['LICENSE', 'src/wire/README.md', 'src/config/README.md']) {
		t.true(README.includes(file) && existsSync(new URL(file, ROOT)));
	}
});

/** The flags in a help text, as `-c, --config <FILE>`. */
async function flagsOf(program: 'mpclient' | 'mpserver' | 'mptunnel', ...words: string[]) {
	const help = new Program(program, [...words, '--help']);
	await help.end();
	const flags = [...help.stdout.matchAll(/^ {2}((?:-\w, )?--[\w-]+(?: <[^>]+>)?)/gm)];
	return {help: help.stdout, flags: flags.map(([, flag = '']) => flag)};
}

/** The first cells of a table without their backticks. */
function named(part: string, header: string): readonly string[] {
	return readmeTable(part, header).map(([cell = '']) => cell.replaceAll('`', ''));
}

for (const program of ['mpclient', 'mpserver'] as const) {
	test(`the table of ${program} lists exactly its flags`, async (t) => {
		const {flags} = await flagsOf(program);
		const shown = named(readmeSection(OPTIONS, `## ${program}`), 'flag');
		t.deepEqual(shown.toSorted(), flags.toSorted());
	});
}

test('the most used flags read as in the tables of all', (t) => {
	const rows = readmeTable(readmeSection(README, '## Options'), 'flag');
	t.is(rows.length, 10);
	for (const [flag = '', of = '', meaning = ''] of rows) {
		for (const program of of === 'both' ? ['client', 'server'] : [of]) {
			const all = readmeTable(readmeSection(OPTIONS, `## mp${program}`), 'flag');
			const found = all.find(([name]) => name === flag);
			t.truthy(found, flag);
			if (of !== 'both') t.true(found?.[1]?.startsWith(meaning), flag);
		}
	}
});

for (const command of ['status', 'demo', 'link']) {
	test(`the table of mptunnel ${command} lists exactly its flags`, async (t) => {
		const {flags} = await flagsOf('mptunnel', command);
		const own = flags.filter((flag) => flag !== '-h, --help');
		const part = readmeSection(OPTIONS, '## mptunnel');
		t.deepEqual(named(part, `flag of \`${command}\``).toSorted(), own.toSorted());
	});
}

test('the subcommands of mptunnel are all there', async (t) => {
	const {help} = await flagsOf('mptunnel');
	const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
	t.true(commands.length >= 4);
	const part = readmeSection(OPTIONS, '## mptunnel');
	for (const command of commands.filter((name) => name !== 'help')) {
		t.true(part.includes(`\`mptunnel ${command}`), command);
	}
});

test('the table of the environment lists the variables of the help', async (t) => {
	const {help} = await flagsOf('mpclient');
	const variables = [...help.matchAll(/^ {2}((?:MPTUNNEL|XDG)_[A-Z_]+)/gm)];
	const shown = named(readmeSection(OPTIONS, '## Environment'), 'variable');
	t.deepEqual(shown.toSorted(), variables.map(([, name = '']) => name).toSorted());
});

function fixture(name: string): string {
	return readFileSync(new URL(`fixtures/config/${name}`, ROOT), 'utf8');
}

test('the table of words lists those of the full example and no others', (t) => {
	const shown = named(readmeSection(OPTIONS, '## Path lines'), 'word');
	const lines = fixture('full-client.conf').replaceAll(/#.*$/gm, '');
	const words = [...lines.matchAll(/\s([a-z]+)(?==|\s|$)/g)].map(([, word = '']) => word);
	t.deepEqual(shown.toSorted(), [...new Set(words)].toSorted());
	const values: Readonly<Record<string, string>> = {
		name: '=lte',
		bind: '=192.168.8.2',
		port: '=40001',
		rate: '=20mbit',
		keepalive: '=25s',
		mark: '=51820',
	};
	for (const word of shown) {
		const problems: string[] = [];
		readPathLine(`host 4000 ${word}${values[word] ?? ''}`, (reason) => problems.push(reason));
		t.deepEqual(problems, []);
	}
});

/** The dotted paths of all fields, those in lists as `paths[].name`. */
function fieldsOf(value: unknown, prefix = ''): readonly string[] {
	if (Array.isArray(value)) return value.flatMap((item) => fieldsOf(item, `${prefix}[]`));
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, item]) => {
		const field = prefix === '' ? key : `${prefix}.${key}`;
		return [field, ...fieldsOf(item, field)];
	});
}

test('the table of fields lists those of the two full examples', (t) => {
	const rows = readmeTable(readmeSection(OPTIONS, '## YAML'), 'field');
	const shown = (end: string) =>
		rows
			.filter(([, of]) => of === end || of === 'both')
			.map(([field = '']) => field.replaceAll('`', ''))
			.toSorted();
	const all = (name: string) => new Set(fieldsOf(parse(fixture(name)) as unknown));
	const server = all('full-server.yaml');
	t.deepEqual(shown('server'), [...server].toSorted());
	// A client has one key, so that its full example can hold one of the two fields only.
	const client = all('full-client.yaml').add('key');
	t.deepEqual(shown('client'), [...client].toSorted());
});

test('the sizes of packets add up', (t) => {
	const rows = readmeTable(readmeSection(README, '## Packet size'), '');
	for (const column of [1, 2]) {
		const figures = rows.map((row) => Number(row[column]?.replaceAll('*', '')));
		const [headers = 0, tunnel = 0, frame = 0, together = 0, largest = 0] = figures;
		t.is(headers + tunnel + frame, together);
		t.is(1500 - together, largest);
	}
});
