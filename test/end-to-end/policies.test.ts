import test from 'ava';
import {startClient} from '../../src/app/client.ts';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {startServer} from '../../src/app/server.ts';
import {resolveClientOptions} from '../../src/config/client.ts';
import {resolveServerOptions} from '../../src/config/server.ts';
import {KEYS} from '../config/surroundings.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {arrayLogger} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

function lanesOf({sessions}: StatusSnapshot): readonly string[] {
	return sessions.flatMap(({lanes}) => lanes.map(({policy}) => policy)).toSorted();
}

test.serial('the rules of a file give each flow its policy, both ways', async (t) => {
	const stage = new Stage(t);
	const ports: number[] = [];
	for (let i = 0; i < 5; i++) ports.push(await freePort());
	const [port = 0, best, pinned, coded, usual] = ports;
	const target = await UdpPeer.open();
	const application = await UdpPeer.open();
	stage.write('tunnel.key', KEYS[0]);
	const path = `127.0.0.1 ${port} name=`;
	const config = stage.write(
		'c.yaml',
		`paths: [${path}a, ${path}küche, ${path}c]
listen: false
socks: false
state: client
keyFile: tunnel.key
forward:
  - udp:${best}=127.0.0.1:${target.port},policy=best
  - udp:${pinned}=127.0.0.1:${target.port}
  - udp:${coded}=127.0.0.1:${target.port}
  - udp:${usual}=localhost:${target.port}
policies: {voice: {residual: 0.1%, within: 100ms, floor: 1.5}}
rules:
  - {listen: ${pinned}, policy: pin küche}
  - {target: 127.0.0.0/8, port: ${target.port}, policy: voice}
  - {target: 127.0.0.0/8, policy: best}
`,
	);
	const flags = {
		...{port: `${port}`, bind: ['127.0.0.1'], keyFile: [stage.path('tunnel.key')]},
		...{allow: ['127.0.0.0/8'], state: stage.path('server')},
	};
	const surroundings = {env: {}, cwd: stage.path('.')};
	const server = await startServer(
		resolveServerOptions(flags, surroundings).options,
		arrayLogger([]),
	);
	const {options} = resolveClientOptions({config}, surroundings);
	const client = await startClient(options, arrayLogger([]));
	t.teardown(async () => {
		await Promise.all([client.close(), server.close(), target.close(), application.close()]);
	});
	const all = [best, pinned, coded, usual] as const;
	for (const [index, forward] of all.entries()) {
		application.send(`to ${index}`, forward!);
		await waitFor(() => target.received.length === index + 1, `datagram ${index}`);
		target.send(`from ${index}`, target.received[index]!.from.port);
		await waitFor(() => application.received.length === index + 1, `answer ${index}`);
	}
	t.deepEqual(
		application.received.map(({text, from}) => `${text} on ${from.port}`),
		all.map((forward, index) => `from ${index} on ${forward}`),
	);
	t.deepEqual(lanesOf(client.status()), ['best', 'pin küche', 'voice']);
	t.deepEqual(lanesOf(server.status()), ['best', 'pin k?che', 'voice']);
});
