import test from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {IO_BACK_ENDS} from '../../src/config/io-name.ts';
import type {AeadName} from '../../src/crypto/aead.ts';
import {chooseAead} from '../../src/crypto/aead-choice.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test.serial('two lines lead to two addresses of one server', async (t) => {
	const stage = new Stage(t);
	const [port, listen] = [await freePort(), await freePort()];
	const target = await stage.echo();
	const bind = ['--bind', '127.0.0.2', '--bind', '127.0.0.3'];
	const server = stage.program('mpserver', [`${port}`, '127.0.0.1', `${target.port}`, ...bind]);
	await server.says('mpserver runs');
	const conf = stage.write('c.conf', `127.0.0.2 ${port}\n127.0.0.3 ${port}\n`);
	const client = stage.program('mpclient', [conf, '--listen', `127.0.0.1:${listen}`]);
	for (const path of [1, 2]) await client.says(new RegExp(`a path is up path=${path}`));
	const application = await stage.application(listen);
	application.start(100);
	await application.hears(100);
	t.deepEqual(await application.settle(), []);
	const table = stage.program('mptunnel', ['status', '--json']);
	t.is(await table.end(), 0);
	const snapshots = lines(table.stdout).map((line) => JSON.parse(line) as StatusSnapshot);
	const paths = snapshots.find(({program}) => program === 'mpclient')?.sessions[0]?.paths ?? [];
	t.is(paths.length, 2);
	for (const {receiving} of paths) t.true(receiving.packets > 50, `${receiving.packets}`);
});

needing({ipv6: true}).serial('works over IPv6', async (t) => {
	const stage = new Stage(t);
	const [port, listen] = [await freePort('::1'), await freePort()];
	const target = await stage.echo('::1');
	const words = [`${port}`, '::1', `${target.port}`, '--bind', '::1'];
	await stage.program('mpserver', words).says('mpserver runs');
	const conf = stage.write('c.conf', `::1 ${port} name=a\n::1 ${port} name=b\n`);
	const client = stage.program('mpclient', [conf, '--listen', `127.0.0.1:${listen}`]);
	await client.says('a session is up');
	const application = await stage.application(listen);
	application.start(100);
	await application.hears(100);
	t.deepEqual(await application.settle(), []);
});

needing({ipv6: true}).serial(
	'localhost reaches the default ports over either family',
	async (t) => {
		const stage = new Stage(t);
		const [listen, socks, forward] = [await freePort(), await freePort(), await freePort()];
		const tunnel = await stage.tunnel({lines: (port) => [`127.0.0.1 ${port}`]});
		await tunnel.startServer();
		const client = stage.program('mpclient', [
			...[stage.path('mpclient.conf'), '--key-file', stage.path('tunnel.key')],
			...['--listen', `localhost:${listen}`, '--socks', `:${socks}`],
			...['--forward', `udp:${forward}=192.0.2.1:9`, '--state', stage.path('client')],
		]);
		await client.says('a session is up');
		const four = await UdpPeer.open(0, '127.0.0.1');
		const six = await UdpPeer.open(0, '::1');
		t.teardown(() => Promise.all([four.close(), six.close()]));
		four.send('four', listen, '127.0.0.1');
		six.send('six', listen, '::1');
		await waitFor(() => four.received.length + six.received.length === 2, 'both answers');
		t.is(four.received[0]?.text, 'four');
		t.is(six.received[0]?.text, 'six');
		const snapshot = await tunnel.status('client');
		const both = (port: number) => [`127.0.0.1:${port}`, `[::1]:${port}`];
		t.deepEqual(snapshot?.listening, both(listen));
		t.deepEqual(snapshot?.socks?.listening, both(socks));
		t.deepEqual(snapshot?.forwards?.[0]?.listening, both(forward));
		t.is(snapshot?.sessions[0]?.flows, 2);
	},
);

needing({namespaces: true, programs: ['ip']}).serial(
	'where there is no IPv6, the default ports are those of IPv4',
	async (t) => {
		const stage = new Stage(t);
		const off = '/proc/sys/net/ipv6/conf/all/disable_ipv6';
		const script = `[ ! -e ${off} ] || echo 1 > ${off}; ip link set lo up; exec "$@"`;
		const wrapper = ['unshare', '--net', 'sh', '-c', script, 'sh'];
		const conf = stage.write('c.conf', '127.0.0.1 9\n');
		const words = [conf, '--key-file', await stage.key(), '--forward', 'tcp:7000=192.0.2.1:9'];
		const client = stage.program('mpclient', words, {}, wrapper);
		await client.says(/mpclient runs .*listening=127\.0\.0\.1:3000 socks=127\.0\.0\.1:1080 /);
		const table = stage.program('mptunnel', ['status']);
		t.is(await table.end(), 3);
		t.regex(table.stdout, /forward tcp 127\.0\.0\.1:7000 to /);
	},
);

test.serial('status, SIGUSR1 and --test show the same paths', async (t) => {
	const stage = new Stage(t);
	const dead = await freePort();
	const tunnel = await stage.tunnel({
		lines: (port) => [`127.0.0.1 ${port} name=good`, `127.0.0.1 ${dead} name=dead`],
	});
	await tunnel.start(1);
	const table = stage.program('mptunnel', ['status', '--state', stage.path('client')]);
	t.is(await table.end(), 0);
	t.regex(table.stdout, /^ {2}good +up /m);
	t.regex(table.stdout, /^ {2}dead +(new|down|suspect) /m);
	t.is(table.stderr, '');
	tunnel.client.kill('SIGUSR1');
	await tunnel.client.says(/^ {2}good +up /m);
	tunnel.server.kill('SIGUSR1');
	await tunnel.server.says(/^mpserver .*, up /m);
	const key = stage.path('tunnel.key');
	const trial = stage.program('mpclient', [
		stage.path('mpclient.conf'),
		...['--key-file', key, '--test', '--state', stage.path('trial'), '--log-level', 'error'],
	]);
	t.is(await trial.end(), 0);
	const verdicts = lines(trial.stdout);
	t.regex(verdicts[0]!, /^good \(.*\): reachable: RTT \d+\.\dms, loss 0% out, 0% in$/);
	t.regex(verdicts[1]!, /^dead \(.*\): refused: nothing listens there$/);
	t.is(verdicts.length, 2);
	tunnel.application.start(50);
	await tunnel.application.hears(20);
	t.is(tunnel.client.stdout, '');
	t.is(tunnel.server.stdout, '');
});

const BACK_ENDS = ['openssl', 'sodium', 'node', 'noble'] as const;

for (const client of BACK_ENDS) {
	for (const server of BACK_ENDS) {
		test.serial(`a client with ${client} talks to a server with ${server}`, async (t) => {
			const stage = new Stage(t);
			const tunnel = await stage.tunnel({
				lines: (port) => [`127.0.0.1 ${port}`],
				clientWords: ['--crypto', client],
				serverWords: ['--crypto', server],
			});
			// They need optional packages: without them the program says so and ends.
			for (const name of [client, server]) {
				if (await loads(name)) continue;
				t.pass(`the package that ${name} needs is not installed`);
				return;
			}
			await tunnel.start(1);
			tunnel.application.start(200);
			await tunnel.application.hears(100);
			t.deepEqual(await tunnel.application.settle(), []);
			t.is((await tunnel.status('client'))?.crypto, client);
			t.is((await tunnel.status('server'))?.crypto, server);
			t.regex(tunnel.client.stderr, new RegExp(`cipher back end crypto=${client}`));
		});
	}
}

for (const client of IO_BACK_ENDS) {
	for (const server of IO_BACK_ENDS) {
		const needs = {batch: client === 'batch' || server === 'batch'};
		needing(needs).serial(
			`a client with ${client} sockets talks to a server with ${server}`,
			async (t) => {
				const stage = new Stage(t);
				const tunnel = await stage.tunnel({
					lines: (port) => [1, 2, 3].map((path) => `127.0.0.1 ${port} name=p${path}`),
					clientWords: ['--io', client],
					serverWords: ['--io', server],
				});
				await tunnel.start(3);
				tunnel.application.start(1000);
				await tunnel.application.hears(2000);
				t.deepEqual(await tunnel.application.settle(), []);
				t.is((await tunnel.status('client'))?.io, client);
				t.is((await tunnel.status('server'))?.io, server);
				t.regex(tunnel.client.stderr, new RegExp(`socket back end io=${client}`));
				// Nothing keeps the loop of a program that waits in its place from ending it.
				tunnel.client.kill('SIGTERM');
				t.is(await tunnel.client.end(), 0);
				tunnel.server.kill('SIGTERM');
				t.is(await tunnel.server.end(), 0);
			},
		);
	}
}

needing({batch: true}).serial('a path bound to a network interface uses it', async (t) => {
	const line = (port: number) => [`127.0.0.1 ${port} bind=lo`, `127.0.0.1 ${port} bind=none0`];
	const tunnel = await new Stage(t).tunnel({lines: line, clientWords: ['--io', 'batch']});
	await tunnel.start(1);
	tunnel.application.start(200);
	await tunnel.application.hears(100);
	t.deepEqual(await tunnel.application.settle(), []);
	t.regex(tunnel.client.stderr, /cannot open a path .*does not have the network interface/);
});

test.serial('a path bound to a network interface needs the batch back end', async (t) => {
	const stage = new Stage(t);
	const conf = stage.write('mpclient.conf', '127.0.0.1 9 bind=lo\n');
	const other = stage.program('mpclient', [conf, '--no-listen', '--io', 'dgram']);
	t.is(await other.end(), 2);
	t.regex(other.stderr, /bind "lo" of path "1": .* needs --io batch/);
});

async function loads(name: AeadName): Promise<boolean> {
	try {
		await chooseAead(name);
		return true;
	} catch {
		return false;
	}
}

interface Misfit {
	readonly title: string;
	readonly client: readonly string[];
	readonly server: readonly string[];
	readonly clientEnv?: Readonly<Record<string, string>>;
	readonly serverSays?: RegExp;
	readonly clientSays?: RegExp;
	/** The verdict of mpclient --test. */
	readonly verdict: RegExp;
}

const SILENT = /silent: no server, wrong key or blocked/;

const MISFITS: readonly Misfit[] = [
	{
		title: 'a wrong key',
		client: ['--key-file', 'other.key'],
		server: ['--key-file', 'tunnel.key'],
		serverSays: /a key that is not known here/,
		verdict: SILENT,
	},
	{
		title: 'a client without a key',
		client: [],
		server: ['--key-file', 'tunnel.key'],
		serverSays: /one end has a key and the other has none/,
		verdict: SILENT,
	},
	{
		title: 'a server without a key',
		client: ['--key-file', 'tunnel.key'],
		server: [],
		serverSays: /not known here|one end has a key and the other has none/,
		verdict: SILENT,
	},
	{
		title: 'MPTUNNEL_ENCRYPT=0 at one end',
		client: ['--key-file', 'tunnel.key'],
		server: ['--key-file', 'tunnel.key'],
		clientEnv: {MPTUNNEL_ENCRYPT: '0'},
		serverSays: /MPTUNNEL_ENCRYPT differs/,
		clientSays: /MPTUNNEL_ENCRYPT differs/,
		verdict: /MPTUNNEL_ENCRYPT differs between the two ends/,
	},
];

for (const {title, client, server, clientEnv, serverSays, clientSays, verdict} of MISFITS) {
	test.serial(`${title} is named in the log of the end that can know it`, async (t) => {
		const stage = new Stage(t);
		for (const name of ['tunnel.key', 'other.key']) await stage.key(name);
		const [port, target] = [await freePort(), await stage.echo()];
		const files = (words: readonly string[]) =>
			words.map((word) => (word.endsWith('.key') ? stage.path(word) : word));
		const place = [`${port}`, '127.0.0.1', `${target.port}`, '--bind', '127.0.0.1'];
		const mpserver = stage.program('mpserver', [...place, ...files(server)]);
		await mpserver.says('mpserver runs');
		const conf = stage.write('c.conf', `127.0.0.1 ${port}\n`);
		const words = [conf, ...files(client)];
		const mpclient = stage.program('mpclient', [...words, '--no-listen'], clientEnv);
		if (serverSays !== undefined) await mpserver.says(serverSays);
		if (clientSays !== undefined) await mpclient.says(clientSays);
		const state = ['--state', stage.path('trial'), '--log-level', 'error'];
		const trial = stage.program('mpclient', [...words, '--test', ...state], clientEnv);
		t.is(await trial.end(), 1);
		t.regex(trial.stdout, verdict);
		t.false(mpclient.stderr.includes('a session is up'));
		t.is(target.seen.size, 0);
	});
}

test.serial('a client that cannot connect says why, path by path, and status fails', async (t) => {
	const stage = new Stage(t);
	const [dead, silent] = [await freePort(), await stage.echo()];
	const lines = [
		`127.0.0.1 ${dead} name=dead`,
		`127.0.0.1 ${silent.port} name=mute`,
		'nosuch.invalid 4000 name=lost',
		`127.0.0.1 ${dead} name=absent bind=192.0.2.77`,
	];
	const conf = stage.write('c.conf', lines.map((line) => `${line}\n`).join(''));
	const client = stage.program('mpclient', [conf, '--no-listen', '--state', stage.path('client')]);
	const said = (path: string, finding: string) =>
		client.says(
			new RegExp(`warn no connection for=\\d+s path=${path} to=\\S+ finding="${finding}`),
		);
	await said('dead', 'refused: nothing listens there"');
	await said('mute', 'silent: no server, wrong key or blocked"');
	await said('lost', 'the name cannot be resolved: ');
	await said('absent', 'no socket: ');
	const table = stage.program('mptunnel', ['status', '--state', stage.path('client')]);
	t.is(await table.end(), 3);
	t.regex(table.stdout, /^no connection for \d+s$/m);
	t.regex(
		table.stdout,
		/^ {2}dead .*\n {4}to .*\n {4}not up for \d+s: refused: nothing listens there$/m,
	);
	const words = ['status', '--json', '--state', stage.path('client')];
	const json = stage.program('mptunnel', words);
	t.is(await json.end(), 3);
	const {connection, places} = JSON.parse(json.stdout) as StatusSnapshot;
	t.false(connection?.up);
	t.true((connection?.for ?? 0) >= 3000);
	t.deepEqual(
		places.map(({finding}) => finding?.verdict),
		['refused', 'silent', 'unresolved', 'no-socket'],
	);
});

needing({programs: ['socat']}).serial(
	'--test asks the client that runs about its locked bridges',
	async (t) => {
		const stage = new Stage(t);
		const [bridge, dead] = [await freePort(), await freePort()];
		const tunnel = await stage.tunnel({
			lines: async (port) => {
				await stage.socat(bridge, port);
				return [`127.0.0.1 ${bridge} name=good`, `127.0.0.1 ${dead} name=dead`];
			},
		});
		await tunnel.start(1);
		const words = [stage.path('mpclient.conf'), '--key-file', stage.path('tunnel.key'), '--test'];
		const trial = stage.program('mpclient', [...words, '--state', stage.path('client')]);
		t.is(await trial.end(), 0, trial.stderr);
		// Lines that go on are indented.
		const [good = '', bad = ''] = lines(trial.stdout.replaceAll('\n  ', ' '));
		t.regex(good, /^good .*: reachable: RTT .* \(from the running mpclient, process \d+\)$/);
		t.regex(bad, /^dead .*: (refused: nothing listens there|not tried yet) \(from /);
		t.regex(trial.stderr, /a running mpclient uses these paths: it is asked/);
		tunnel.application.start(50);
		await tunnel.application.hears(20);
		t.deepEqual(await tunnel.application.settle(), []);
	},
);

test.serial('SIGTERM ends a client that has found nobody', async (t) => {
	const stage = new Stage(t);
	const conf = stage.write('c.conf', `127.0.0.1 ${await freePort()}\nnosuch.invalid 4000\n`);
	const client = stage.program('mpclient', [conf, '--no-listen']);
	await client.says('mpclient runs');
	client.kill('SIGTERM');
	t.is(await client.end(), 0);
	await waitFor(() => client.stdout === '');
});
