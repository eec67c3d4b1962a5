import test, {type ExecutionContext} from 'ava';
import {freePort} from '../support/e2e/ports.ts';
import type {Program} from '../support/e2e/program.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

interface Ends {
	readonly stage: Stage;
	readonly server: Program;
	readonly startClient: () => Promise<Program>;
}

/** An exit that may reach loopback, and a client with these forwards. */
async function ends(t: ExecutionContext, forwards: readonly string[]): Promise<Ends> {
	const stage = new Stage(t);
	const port = await freePort();
	const key = ['--key-file', await stage.key()];
	const rules = ['--allow', '127.0.0.0/8', '--deny', '127.0.0.9'];
	const bind = ['--bind', '127.0.0.1'];
	const state = ['--state', stage.path('server')];
	const server = stage.program('mpserver', [`${port}`, ...bind, ...key, ...rules, ...state]);
	await server.says('mpserver runs');
	const conf = stage.write('mpclient.conf', `127.0.0.1 ${port}\n`.repeat(3));
	const words = forwards.flatMap((text) => ['--forward', text]);
	const startClient = async () => {
		const client = stage.program('mpclient', [conf, '--no-listen', '--no-socks', ...key, ...words]);
		await client.says('a session is up');
		return client;
	};
	return {stage, server, startClient};
}

test.serial(
	'forwards lead to their targets, by address and by name, and nobody else answers',
	async (t) => {
		const [first, second] = [await freePort(), await freePort()];
		const [target, other, stranger] = [
			await UdpPeer.open(),
			await UdpPeer.open(),
			await UdpPeer.open(),
		];
		const application = await UdpPeer.open();
		t.teardown(() => Promise.all([target, other, stranger, application].map((one) => one.close())));
		const {startClient} = await ends(t, [
			`udp:${first}=127.0.0.1:${target.port}`,
			`udp:127.0.0.1:${second}=localhost:${other.port}`,
		]);
		const client = await startClient();
		application.send('one', first);
		application.send('two', second);
		await waitFor(() => target.received.length === 1 && other.received.length === 1);
		const {from} = target.received[0]!;
		t.is(target.received[0]?.text, 'one');
		t.is(other.received[0]?.text, 'two');
		stranger.send('from a stranger', from.port);
		other.send('from the other target', from.port);
		target.send('from the target', from.port);
		await waitFor(() => application.received.length > 0);
		application.send('again', first);
		await waitFor(() => target.received.length === 2);
		t.deepEqual(
			application.received.map(({text, from: {port}}) => `${text} on ${port}`),
			[`from the target on ${first}`],
		);
		t.is(target.received[1]?.from.port, from.port);

		client.kill('SIGKILL');
		await client.end();
		await startClient();
		application.send('after the restart', first);
		await waitFor(() => target.received.length === 3);
		t.is(target.received[2]?.from.port, from.port, 'the target sees the port of before');
	},
);

test.serial('a forward to a denied target reaches nobody, and both ends say why', async (t) => {
	const port = await freePort();
	const application = await UdpPeer.open();
	t.teardown(() => application.close());
	const {startClient, server} = await ends(t, [`udp:${port}=127.0.0.9:53`]);
	const client = await startClient();
	application.send('hello', port);
	await client.says(/the server refuses a target reason=denied target=127\.0\.0\.9:53/);
	await t.notThrowsAsync(server.says('a target is denied'));
});

test.serial('a forward on a taken port is one line and exit code 1', async (t) => {
	const stage = new Stage(t);
	const taken = await UdpPeer.open();
	t.teardown(() => taken.close());
	const conf = stage.write('mpclient.conf', '127.0.0.1 9\n');
	const words = ['--forward', `udp:${taken.port}=127.0.0.1:1`, '--no-listen', '--no-socks'];
	const client = stage.program('mpclient', [conf, '--key-file', await stage.key(), ...words]);
	t.is(await client.end(), 1);
	t.regex(client.stderr, /mpclient: cannot open UDP 127\.0\.0\.1:\d+: the port is in use\n$/);
});

test.serial('without a key a forward is refused with exit code 2', async (t) => {
	const stage = new Stage(t);
	const conf = stage.write('mpclient.conf', '127.0.0.1 9\n');
	const client = stage.program('mpclient', [conf, '--forward', 'udp:5353=9.9.9.9:53']);
	t.is(await client.end(), 2);
	t.is(
		client.stderr,
		'mpclient: --forward: forwards need a key at both ends: see mptunnel keygen\n',
	);
});
