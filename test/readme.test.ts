import test, {type ExecutionContext} from 'ava';
import {DnsServer} from './net/names/names-dns-server.ts';
import {example, readDocument, sectionOf, tableOf} from './support/documents/document.ts';
import {DocumentShell} from './support/documents/shell.ts';
import {needing} from './support/e2e/needs.ts';
import {waitFor} from './support/machine/wait-for.ts';
import {UdpPeer} from './support/sockets/udp-peer.ts';

const README = readDocument('README.md');

const SOCKS = 'src/socks/README.md';

function block(name: string, document = 'README.md'): string {
	return example(document, name);
}

/** A shell in a folder of its own, and a target that answers. */
async function setUp(t: ExecutionContext) {
	const shell = new DocumentShell();
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
	'the Python of the document sends through SOCKS5 to a target that it names',
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
		shell.write('hello.py', block('pysocks', SOCKS), {
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
	'socksify sends through SOCKS5 as the document says',
	async (t) => {
		const {shell, run} = await setUp(t);
		const [server, socks] = await Promise.all(Array.from({length: 2}, freePort));
		await run('keygen');
		const serverRun = shell.start(block('socks-server'), {'2000 ': `${server} `});
		await serverRun.says('mpserver runs');
		shell.write('mpclient.conf', `127.0.0.1 ${server}\n`);
		const client = shell.start(block('socks-client'), {'1080': `${socks}`});
		await client.says('a session is up');
		shell.write('socks.conf', block('socks.conf', SOCKS), {'1080': `${socks}`});
		// The exit refuses this address, which shows that the query came there.
		const asked = shell.start(block('socksify', SOCKS), {'9.9.9.9': '198.51.100.53'});
		await client.says('the server refuses a target reason=denied target=198.51.100.53:53');
		asked.kill('SIGKILL');
		t.pass();
	},
);

test.serial('the files and the commands with --check are valid', async (t) => {
	const {shell, run} = await setUp(t);
	await run('keygen');
	for (const file of ['mpclient.conf', 'users.keys']) shell.write(file, block(file));
	const oks = (text: string) => text.match(/^configuration ok$/gm)?.length;
	for (const name of ['users', 'not-encrypted']) t.is(oks(await run(name)), 1, name);
	t.is(oks(await run('tcp-forward', {'mpclient ': 'mpclient --check '})), 1);
	const shared = await run('share', {'mpclient ': 'mpclient --check '});
	t.is(oks(shared), 1, shared);
});

test.serial('each recipe for flows is valid, and gets what the text beside it says', async (t) => {
	const {shell, run} = await setUp(t);
	await run('keygen');
	shell.write('flows.yaml', block('flows.yaml'));
	const shown = await run('flows');
	t.regex(shown, /^configuration ok$/m);
	const found = [...shown.matchAll(/^(.*) \(flows\.yaml:\d+\) -> ([^:]+): /gm)];
	t.deepEqual(
		found.map(([, rule, policy]) => [rule, policy]),
		[
			['rule 1', 'vpn'],
			['rule 2', 'call'],
			['rule 3', 'fec 2'],
			['rule 4', 'redundant'],
			['default', 'fec cheap'],
		],
	);
});

test('what copies leave is the power of the loss', (t) => {
	const rows = tableOf(sectionOf(README, '## Choose what each flow gets'), 'traffic');
	const copies = rows.filter(([name = '']) => name.includes('copies'));
	t.is(copies.length, 2);
	for (const [name = '', ...cells] of copies) {
		const count = Number.parseInt(name, 10);
		for (const [index, loss] of [0.05, 0.1, 0.2, 0.3].entries()) {
			const exact = 100 * loss ** count;
			t.true(Math.abs(Number.parseFloat(cells[index]!) - exact) < 0.05 * exact, `${name}: ${loss}`);
		}
	}
});

test('the sizes of packets add up', (t) => {
	const rows = tableOf(sectionOf(README, '## Packet size'), '');
	for (const column of [1, 2]) {
		const figures = rows.map((row) => Number(row[column]?.replaceAll('*', '')));
		const [headers = 0, tunnel = 0, frame = 0, together = 0, largest = 0] = figures;
		t.is(headers + tunnel + frame, together);
		t.is(1500 - together, largest);
	}
});
