import test, {type ExecutionContext} from 'ava';
import {type RunningClient, startClient} from '../../../src/app/client.ts';
import {formatPathTest, testPaths} from '../../../src/app/path-test.ts';
import {type RunningServer, startServer} from '../../../src/app/server.ts';
import type {ClientOptions} from '../../../src/config/client.ts';
import type {ServerOptions} from '../../../src/config/server.ts';
import {
	arrayLogger,
	portOf,
	temporaryFolder,
	testClientOptions,
	testKey,
	testPath,
	testServerOptions,
} from '../../support/machine/options.ts';
import {waitFor, within} from '../../support/machine/wait-for.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

interface Tunnel {
	readonly server: RunningServer;
	readonly client: RunningClient;
	readonly target: UdpPeer;
	readonly application: UdpPeer;
	readonly clientLog: string[];
	readonly serverLog: string[];
	readonly clientOptions: ClientOptions;
	readonly serverOptions: ServerOptions;
}

async function setUp(
	t: ExecutionContext,
	client: Partial<ClientOptions> = {},
	server: Partial<ServerOptions> = {},
): Promise<Tunnel> {
	const target = await UdpPeer.open();
	const application = await UdpPeer.open();
	const clientLog: string[] = [];
	const serverLog: string[] = [];
	const serverOptions = testServerOptions(t, {
		target: {host: '127.0.0.1', port: target.port},
		...server,
	});
	const runningServer = await startServer(serverOptions, arrayLogger(serverLog));
	const port = portOf(runningServer.listening[0]);
	const paths = ['a', 'b', 'c'].map((name) => testPath(port, {name}));
	const clientOptions = testClientOptions(t, {paths, ...client});
	const runningClient = await startClient(clientOptions, arrayLogger(clientLog));
	t.teardown(async () => {
		await Promise.all([runningClient.close(), runningServer.close()]);
		await Promise.all([target.close(), application.close()]);
	});
	return {
		server: runningServer,
		client: runningClient,
		target,
		application,
		clientLog,
		serverLog,
		clientOptions,
		serverOptions,
	};
}

async function exchange(t: ExecutionContext, tunnel: Tunnel, count: number): Promise<void> {
	const {client, target, application} = tunnel;
	const before = target.received.length;
	for (let i = 0; i < count; i++) application.send(`ping ${i}`, portOf(client.listening));
	await waitFor(() => target.received.length === before + count, 'datagrams at the target');
	const from = target.received[before]!.from;
	const answered = application.received.length;
	for (let i = 0; i < count; i++) target.send(`pong ${i}`, from.port);
	await waitFor(() => application.received.length === answered + count, 'answers');
	t.is(application.received.at(-1)?.from.port, portOf(client.listening));
}

test.serial('carries datagrams both ways over three paths, each once', async (t) => {
	const tunnel = await setUp(t, {}, {});
	await exchange(t, tunnel, 100);
	t.is(tunnel.target.received.length, 100);
	t.is(tunnel.application.received.length, 100);
	await waitFor(
		() => tunnel.client.status().sessions[0]?.paths.every(({state}) => state === 'up') === true,
		'three paths that are up',
	);
	const [session] = tunnel.client.status().sessions;
	t.is(session?.datagramsSent, 100);
	t.is(session?.datagramsReceived, 100);
	t.true(tunnel.clientLog.some((line) => line.includes('no key: every host')));
	t.true(tunnel.serverLog.some((line) => line.includes('no key: every host')));
});

test.serial('works with a key, and with MPTUNNEL_ENCRYPT=0 at both ends', async (t) => {
	const keys = testKey();
	await exchange(t, await setUp(t, {keys}, {keys}), 10);
	await exchange(t, await setUp(t, {keys, encrypt: false}, {keys, encrypt: false}), 10);
});

test.serial('gives every application a port of its own towards the target', async (t) => {
	const tunnel = await setUp(t);
	const second = await UdpPeer.open();
	tunnel.application.send('one', portOf(tunnel.client.listening));
	second.send('two', portOf(tunnel.client.listening));
	await waitFor(() => tunnel.target.received.length === 2);
	const ports = tunnel.target.received.map(({from}) => from.port);
	t.is(new Set(ports).size, 2);
	for (const {text, from} of tunnel.target.received) tunnel.target.send(`re: ${text}`, from.port);
	await waitFor(() => tunnel.application.received.length + second.received.length === 2);
	t.is(tunnel.application.received[0]?.text, 're: one');
	t.is(second.received[0]?.text, 're: two');
	await second.close();
});

test.serial('carries datagrams of every size', async (t) => {
	const {client, application, target} = await setUp(t);
	const sizes = [0, 1, 1172, 1173, 9000, 60_000];
	for (const [index, size] of sizes.entries()) {
		application.send('x'.repeat(size), portOf(client.listening));
		await waitFor(() => target.received.length === index + 1, `${size} bytes`);
		t.is(target.received[index]?.text.length, size);
	}
});

test.serial('closes soon, silently at the other end', async (t) => {
	const tunnel = await setUp(t);
	await exchange(t, tunnel, 1);
	await within(tunnel.client.close(), 'the end of the client', 10_000);
	await waitFor(() => tunnel.serverLog.some((line) => line.includes('a session is down')));
});

test.serial('finds the same flow again when the client was restarted', async (t) => {
	const keys = testKey();
	const tunnel = await setUp(t, {keys}, {keys});
	await exchange(t, tunnel, 1);
	const listen = {host: '127.0.0.1', port: portOf(tunnel.client.listening)};
	await tunnel.client.close();
	const again = await startClient({...tunnel.clientOptions, listen}, arrayLogger([]));
	tunnel.application.send('again', listen.port);
	await waitFor(() => tunnel.target.received.length === 2, 'the datagram after the restart');
	t.is(tunnel.target.received[1]?.from.port, tunnel.target.received[0]?.from.port);
	await again.close();
});

test.serial('rejects when the classic port is in use', async (t) => {
	const squatter = await UdpPeer.open();
	const listen = {host: '127.0.0.1', port: squatter.port};
	const options = testClientOptions(t, {paths: [testPath(9)], listen});
	await t.throwsAsync(startClient(options, arrayLogger([])), {
		message: `cannot open UDP 127.0.0.1:${squatter.port}: the port is in use`,
	});
	await squatter.close();
});

test.serial('tests every path alone', async (t) => {
	const keys = testKey();
	const {server, clientOptions} = await setUp(t, {keys}, {keys});
	const gone = await UdpPeer.open();
	const silent = await UdpPeer.open();
	const refusing = gone.port;
	await gone.close();
	const paths = [
		testPath(portOf(server.listening[0]), {name: 'good'}),
		testPath(refusing, {name: 'refusing'}),
		testPath(silent.port, {name: 'silent'}),
		testPath(9, {name: 'unresolved', host: 'nosuch.invalid'}),
	];
	const resolver = (host: string) =>
		host.endsWith('invalid') ? Promise.reject(new Error('no such name')) : Promise.resolve([host]);
	const options = {...clientOptions, paths, state: undefined};
	const env = {XDG_STATE_HOME: temporaryFolder(t)};
	const results = await testPaths(options, arrayLogger([]), {env, resolver});
	t.deepEqual(
		results.map(({name, verdict}) => `${name} ${verdict}`),
		['good reachable', 'refusing refused', 'silent silent', 'unresolved unresolved'],
	);
	t.regex(
		formatPathTest(results[0]!),
		/^good \(127.0.0.1:\d+\): reachable: RTT \d+\.\dms, loss 0% out, 0% in$/,
	);
	t.is(
		formatPathTest(results[2]!),
		`silent (127.0.0.1:${silent.port}): silent: no server, wrong key or blocked`,
	);
	await silent.close();
});

test.serial('tells a wrong key and a setting that differs from one that works', async (t) => {
	const keys = testKey();
	const {clientOptions} = await setUp(t, {keys}, {keys});
	const wrong = await testPaths(
		{...clientOptions, keys: testKey(), state: undefined},
		arrayLogger([]),
		{
			env: {XDG_STATE_HOME: temporaryFolder(t)},
		},
	);
	t.deepEqual(new Set(wrong.map(({verdict}) => verdict)), new Set(['silent']));
	const differs = await testPaths(
		{...clientOptions, encrypt: false, state: undefined},
		arrayLogger([]),
		{
			env: {XDG_STATE_HOME: temporaryFolder(t)},
		},
	);
	t.deepEqual(new Set(differs.map(({verdict}) => verdict)), new Set(['encryption-differs']));
});

test.serial('tells a user who has as many sessions as it may', async (t) => {
	const keys = testKey();
	const limits = {
		...{flows: undefined, newFlows: undefined, connections: undefined},
		...{newConnections: undefined, memory: undefined, traffic: undefined, lanes: undefined},
		sessions: 1,
	};
	const user = {target: undefined, exit: undefined, allow: [], deny: [], limits};
	const users = new Map([['user', user]]);
	const {clientOptions, client} = await setUp(t, {keys}, {keys, users});
	await waitFor(() => client.status().sessions.length === 1, 'the session');
	const paths = clientOptions.paths.slice(0, 1);
	const options = {...clientOptions, paths, state: undefined};
	const env = {XDG_STATE_HOME: temporaryFolder(t)};
	const results = await testPaths(options, arrayLogger([]), {env});
	t.deepEqual(
		results.map(({verdict}) => verdict),
		['user-full'],
	);
	t.regex(formatPathTest(results[0]!), /: a limit of this key is reached: /);
});
