import test, {type ExecutionContext} from 'ava';
import {type RunningClient, startClient} from '../../src/app/client.ts';
import {type RunningServer, startServer} from '../../src/app/server.ts';
import type {ServerOptions} from '../../src/config/server.ts';
import {parseRule} from '../../src/exit/rules.ts';
import {isBound} from '../support/e2e/ports.ts';
import {
	arrayLogger,
	portOf,
	testClientOptions,
	testKey,
	testPath,
	testServerOptions,
} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {SocksApplication} from '../support/sockets/socks-application.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

interface Stage {
	readonly server: RunningServer;
	readonly client: RunningClient;
	readonly serverLog: string[];
	readonly clientLog: string[];
	readonly application: SocksApplication;
}

async function setUp(
	t: ExecutionContext,
	server: Partial<ServerOptions> & {allow?: readonly string[]; deny?: readonly string[]},
): Promise<Stage> {
	const serverLog: string[] = [];
	const clientLog: string[] = [];
	const {allow = ['127.0.0.0/8'], deny = [], ...others} = server;
	const exit = {allow: allow.map(parseRule), deny: deny.map(parseRule), nat64Prefixes: []};
	const keys = testKey();
	const serverOptions = testServerOptions(t, {target: undefined, exit, keys, ...others});
	const runningServer = await startServer(serverOptions, arrayLogger(serverLog));
	const port = portOf(runningServer.listening[0]);
	const paths = ['a', 'b', 'c'].map((name) => testPath(port, {name}));
	const socks = {
		listen: {host: '127.0.0.1', port: 0},
		explicit: true,
		users: [],
		authReply: 1,
		filter: 'none',
		advertise: undefined,
		udpPort: undefined,
		udpAnyPort: false,
	} as const;
	const clientOptions = testClientOptions(t, {paths, keys, socks});
	const client = await startClient(clientOptions, arrayLogger(clientLog));
	t.teardown(async () => {
		await Promise.all([client.close(), runningServer.close()]);
	});
	const application = await SocksApplication.open(t, portOf(client.socks));
	return {server: runningServer, client, serverLog, clientLog, application};
}

test.serial(
	'one association reaches many hosts from one port, by address and by name',
	async (t) => {
		const peers = await Promise.all(
			['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((host) => UdpPeer.open(0, host)),
		);
		const [a, b, c] = peers as [UdpPeer, UdpPeer, UdpPeer];
		for (const [i, peer] of peers.entries()) peer.answerWith(`answer ${i}`);
		const {application, server} = await setUp(t, {});
		application.send('127.0.0.1', a.port, 'one');
		application.send('127.0.0.2', b.port, 'two');
		application.send('localhost', a.port, 'by name');
		application.send('::ffff:127.0.0.3', c.port, 'mapped');
		await waitFor(() => application.received.length === 4, 'answers');
		t.deepEqual(application.received.toSorted(), [
			`127.0.0.1:${a.port} answer 0`,
			`127.0.0.1:${a.port} answer 0`,
			`127.0.0.2:${b.port} answer 1`,
			`127.0.0.3:${c.port} answer 2`,
		]);
		const ports = peers.flatMap(({received}) => received.map(({from}) => from.port));
		t.is(new Set(ports).size, 1);
		t.true(server.status().exit);
		t.is(server.status().target, undefined);
		// Whoever learned the port may write to it, and is told apart.
		const stranger = await UdpPeer.open(0, '127.0.0.9');
		stranger.send('hello', ports[0]!);
		await waitFor(() => application.received.length === 5, "the stranger's datagram");
		t.is(application.received[4], `127.0.0.9:${stranger.port} hello`);
		// The port is free when the association has ended.
		application.end();
		await waitFor(() => server.status().sessions[0]?.flows === 0, 'the end of the flow');
		await waitFor(() => !isBound(ports[0]!), 'the port to be free');
		await Promise.all([...peers, stranger].map((peer) => peer.close()));
	},
);

test.serial('denied targets reach nobody, and both ends say so', async (t) => {
	const peer = await UdpPeer.open();
	const stage = await setUp(t, {allow: []});
	const {application, server, serverLog, clientLog} = stage;
	for (const host of ['127.0.0.1', '::ffff:127.0.0.1', '::1', 'localhost', '127.1']) {
		application.send(host, peer.port, 'x');
	}
	const drops = () => server.status().drops;
	await waitFor(
		() => drops()['exit-denied'] === 4 && drops()['exit-unresolvable'] === 1,
		'five refusals',
	);
	t.true(serverLog.some((line) => /a target is denied.*user=user.*127\.0\.0\.1/.test(line)));
	await waitFor(() => clientLog.some((line) => /denie/.test(line)), "the client's log");
	t.deepEqual(peer.received, []);
	t.deepEqual(application.received, []);
	await peer.close();
});

test.serial('a server with a fixed target alone is no exit', async (t) => {
	const peer = await UdpPeer.open();
	const target = {host: '127.0.0.1', port: peer.port};
	const {application, clientLog, server} = await setUp(t, {target, exit: undefined});
	application.send('127.0.0.1', peer.port, 'x');
	await waitFor(() => clientLog.some((line) => /refuse|exit/.test(line)), "the client's log");
	t.deepEqual(peer.received, []);
	t.falsy(server.status().exit);
	await peer.close();
});

test.serial('with --exit a fixed target and chosen ones are served at once', async (t) => {
	const [fixed, chosen] = [await UdpPeer.open(), await UdpPeer.open()];
	fixed.answerWith('fixed');
	chosen.answerWith('chosen');
	const {application, client} = await setUp(t, {
		target: {host: '127.0.0.1', port: fixed.port},
	});
	const classic = await UdpPeer.open();
	classic.send('to the classic port', portOf(client.listening));
	application.send('127.0.0.1', chosen.port, 'x');
	await waitFor(() => classic.received.length === 1 && application.received.length === 1);
	t.is(classic.received[0]?.text, 'fixed');
	t.deepEqual(application.received, [`127.0.0.1:${chosen.port} chosen`]);
	t.is(fixed.received.length, 1);
	await Promise.all([fixed, chosen, classic].map((peer) => peer.close()));
});
