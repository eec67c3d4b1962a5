import {once} from 'node:events';
import {type AddressInfo, createServer} from 'node:net';
import type {ExecutionContext} from 'ava';
import {SocksClient} from 'socks';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage, type Tunnel} from '../support/e2e/stage.ts';
import {formerBuild} from '../support/machine/former-build.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {SocksApplication} from '../support/sockets/socks-application.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

const NEEDS = {history: true, programs: ['git', 'socat']} as const;

interface Pair {
	readonly tunnel: Tunnel;
	/** Where SOCKS5 listens. */
	readonly socks: number;
}

/** Both ends over three plain bridges, one end of the former build. */
async function pair(
	t: ExecutionContext,
	former: 'client' | 'server',
	policy?: string,
): Promise<Pair> {
	const stage = new Stage(t);
	const [socks, ...ports] = [
		await freePort(),
		await freePort(),
		await freePort(),
		await freePort(),
	];
	const tunnel = await stage.tunnel({
		lines: () => ports.map((port, path) => `127.0.0.1 ${port} name=p${path}`),
		clientWords: [
			'--socks',
			`127.0.0.1:${socks}`,
			...(policy === undefined ? [] : ['--policy', policy]),
		],
		serverWords: ['--exit', '--allow', '127.0.0.0/8'],
		builds: {[former]: formerBuild()},
	});
	await tunnel.startServer();
	for (const port of ports) await stage.socat(port, tunnel.port);
	await tunnel.startClient();
	await tunnel.untilUp(3);
	return {tunnel, socks};
}

/** The fixed target, three chosen ones and a TCP connection: everything arrives once. */
async function allArrives(t: ExecutionContext, {tunnel, socks}: Pair): Promise<void> {
	const {application, target} = tunnel;
	application.start(150);
	const chosen = await SocksApplication.open(t, socks);
	const peers = [await UdpPeer.open(), await UdpPeer.open(), await UdpPeer.open(0, '127.0.0.2')];
	t.teardown(() => Promise.all(peers.map((peer) => peer.close())));
	const hosts = ['127.0.0.1', 'localhost', '127.0.0.2'];
	peers.forEach((peer, number) => {
		peer.answerWith(`from ${number}`);
	});
	for (let round = 1; round <= 20; round++) {
		for (const [number, host] of hosts.entries()) {
			chosen.send(host, peers[number]!.port, `round ${round}`);
		}
		await waitFor(() => chosen.received.length === 3 * round, `answers of round ${round}`);
	}
	for (const [number, {received}] of peers.entries()) {
		t.deepEqual(
			received.map(({text}) => text),
			Array.from({length: 20}, (_, i) => `round ${i + 1}`),
		);
		const answers = chosen.received.filter((text) => text.endsWith(` from ${number}`));
		t.is(answers.length, 20);
	}
	t.is(await echoed(t, socks, 300_000), 300_000);
	await application.hears(100);
	t.deepEqual(await application.settle(), []);
	t.deepEqual(target.repeated, []);
	t.is(application.repeated, 0);
}

/** Resolves with the bytes that came back through a TCP connection, as they were sent. */
async function echoed(t: ExecutionContext, socks: number, size: number): Promise<number> {
	const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => server.close());
	const {socket} = await SocksClient.createConnection({
		proxy: {host: '127.0.0.1', port: socks, type: 5},
		command: 'connect',
		destination: {host: '127.0.0.1', port: (server.address() as AddressInfo).port},
	});
	t.teardown(() => socket.destroy());
	const sent = Buffer.alloc(size, 'of a stream');
	const parts: Buffer[] = [];
	let length = 0;
	socket.on('data', (part: Buffer) => {
		parts.push(part);
		length += part.length;
	});
	socket.resume();
	socket.write(sent);
	await waitFor(() => length >= size, 'the echo of a stream');
	return Buffer.concat(parts).equals(sent) ? length : -1;
}

for (const policy of ['fec', 'best', 'pin p1', 'redundant 2']) {
	needing(NEEDS).serial(
		`a client that wants ${policy} and a server from before lanes`,
		async (t) => {
			const both = await pair(t, 'server', policy);
			await allArrives(t, both);
			const {
				sessions: [session],
			} = (await both.tunnel.status('client'))!;
			const [first = 0, second = 0, third = 0] = session!.paths.map(({sending}) => sending.packets);
			const counts = `${first}, ${second}, ${third} packets`;
			switch (policy) {
				case 'fec':
					t.deepEqual(session!.lanes[0], {lane: 0, policy, obstacle: 'unknown-to-peer'});
					t.true(Math.min(first, second, third) > 100, counts);
					break;
				case 'pin p1':
					// A stream uses all paths, so the packets of a path say little.
					t.deepEqual(session!.lanes[0]!.routed!.paths, ['p1']);
					t.is(session!.lanes[0]!.routed!.copies, 0);
					break;
				case 'best':
				case 'redundant 2':
					t.deepEqual(
						session!.lanes.map((lane) => [lane.lane, lane.policy]),
						[[0, policy]],
					);
			}
		},
	);
}

needing(NEEDS).serial('a client from before lanes and a server of today', async (t) => {
	const both = await pair(t, 'client');
	await allArrives(t, both);
	const {
		sessions: [session],
	} = (await both.tunnel.status('server'))!;
	t.deepEqual(session!.lanes, []);
});
