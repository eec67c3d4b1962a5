import {once} from 'node:events';
import {connect, createServer, type Server, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import {type RunningClient, startClient} from '../../../src/app/client.ts';
import {type RunningServer, startServer} from '../../../src/app/server.ts';
import {resolveClientOptions} from '../../../src/config/client.ts';
import {resolveServerOptions} from '../../../src/config/server.ts';
import {arrayLogger} from '../machine/options.ts';
import {waitFor} from '../machine/wait-for.ts';
import {UdpPeer} from '../sockets/udp-peer.ts';
import {freePort} from './ports.ts';
import {Stage} from './stage.ts';

/** Both programs in this process, with all that they can show. */
export interface BothPrograms {
	readonly client: RunningClient;
	readonly server: RunningServer;
}

/** Further lines of the files of both. */
export interface FurtherLines {
	readonly client?: string;
	readonly server?: string;
}

/**
 * Starts a client with a good path and a dead one, and a server with a fixed target and an exit.
 * When it resolves, datagrams went through a coded lane and another one, a TCP connection is open
 * and another one was refused.
 */
export async function startBoth(
	t: ExecutionContext,
	further: FurtherLines = {},
): Promise<BothPrograms> {
	const stage = new Stage(t);
	const key = await stage.key();
	const target = await UdpPeer.open();
	const application = await UdpPeer.open();
	const echo = await echoServer();
	const ports: number[] = [];
	for (let i = 0; i < 7; i++) ports.push(await freePort());
	const [port, dead, classic, coded, tcp, denied, socks] = ports;
	const surroundings = {env: {}, cwd: stage.folder};
	const start = {
		server: `port: ${port}
bind: 127.0.0.1
target: "127.0.0.1 ${target.port}"
keyFile: ${key}
state: server
exit: true
allow: 127.0.0.1
deny: 127.0.0.2
${further.server ?? ''}`,
		client: `paths: [127.0.0.1 ${port} name=good, 127.0.0.1 ${dead} name=dead]
listen: 127.0.0.1:${classic}
socks: 127.0.0.1:${socks}
keyFile: ${key}
state: client
forward:
  - udp:${coded}=127.0.0.1:${target.port},policy=voice
  - tcp:${tcp}=127.0.0.1:${echo.port}
  - tcp:${denied}=127.0.0.2:9
policies: {voice: {residual: 0.1%, within: 100ms, floor: 1.5}}
${further.client ?? ''}`,
	};
	const config = {
		server: stage.write('s.yaml', start.server),
		client: stage.write('c.yaml', start.client),
	};
	const server = await startServer(
		resolveServerOptions({config: config.server}, surroundings).options,
		arrayLogger([]),
	);
	t.teardown(() => server.close());
	const client = await startClient(
		resolveClientOptions({config: config.client}, surroundings).options,
		arrayLogger([]),
	);
	t.teardown(async () => {
		await client.close();
		await Promise.all([target.close(), application.close()]);
		echo.server.close();
	});
	for (const [index, to] of [classic!, coded!].entries()) {
		application.send(`to ${index}`, to);
		await waitFor(() => target.received.length === index + 1, `datagram ${index}`);
		target.send(`from ${index}`, target.received[index]!.from.port);
		await waitFor(() => application.received.length === index + 1, `answer ${index}`);
	}
	const open = await openTcp(t, tcp!);
	open.write('hello');
	await once(open, 'data');
	const refused = await openTcp(t, denied!);
	await waitFor(() => refused.closed, 'the refusal');
	return {client, server};
}

async function echoServer(): Promise<{readonly server: Server; readonly port: number}> {
	const server = createServer((socket) => {
		socket.on('error', () => {});
		socket.pipe(socket);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	return {server, port: typeof address === 'object' ? (address?.port ?? 0) : 0};
}

async function openTcp(t: ExecutionContext, port: number): Promise<Socket> {
	const socket = connect(port, '127.0.0.1');
	t.teardown(() => socket.destroy());
	socket.on('error', () => {});
	socket.resume();
	await once(socket, 'connect');
	return socket;
}
