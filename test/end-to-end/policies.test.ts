import test, {type ExecutionContext} from 'ava';
import {type RunningClient, startClient} from '../../src/app/client.ts';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {type RunningServer, startServer} from '../../src/app/server.ts';
import {resolveClientOptions} from '../../src/config/client.ts';
import {resolveServerOptions} from '../../src/config/server.ts';
import {KEYS} from '../config/surroundings.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {arrayLogger, portOf} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {SocksApplication} from '../support/sockets/socks-application.ts';
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
	t.deepEqual(lanesOf(client.status()), ['best', 'pin küche', 'redundant', 'voice']);
	t.deepEqual(lanesOf(server.status()), ['best', 'pin k?che', 'redundant', 'voice']);
});

interface Ends {
	readonly client: RunningClient;
	readonly server: RunningServer;
}

/** An exit with one user of these limits, and a client of three paths with a file of its own. */
async function openEnds(t: ExecutionContext, limits: string, client: string): Promise<Ends> {
	const stage = new Stage(t);
	const port = await freePort();
	stage.write('tunnel.key', KEYS[0]);
	const surroundings = {env: {}, cwd: stage.path('.')};
	const paths = ['a', 'b', 'c'].map((name) => `127.0.0.1 ${port} name=${name}`).join(', ');
	const config = stage.write(
		'c.yaml',
		`{paths: [${paths}], listen: false, keyFile: tunnel.key, state: client, ${client}}`,
	);
	const users = stage.write('u.yaml', `[{name: alice, keyFile: tunnel.key, limits: {${limits}}}]`);
	const server = await startServer(
		resolveServerOptions(
			{
				...{port: `${port}`, bind: ['127.0.0.1'], users},
				...{exit: true, allow: ['127.0.0.0/8'], state: stage.path('server')},
			},
			surroundings,
		).options,
		arrayLogger([]),
	);
	const {options} = resolveClientOptions({config}, surroundings);
	const running = await startClient(options, arrayLogger([]));
	t.teardown(() => Promise.all([running.close(), server.close()]));
	return {client: running, server};
}

test.serial('the login at SOCKS5 chooses the policy of what its owner sends', async (t) => {
	const target = await UdpPeer.open();
	t.teardown(() => target.close());
	target.answerWith('yes');
	const socks = await freePort();
	const {client, server} = await openEnds(
		t,
		'',
		`socks: 127.0.0.1:${socks}, socksUser: ["alice:a", "bob:b", "carol:c"], policies: {
			voice: {residual: 0.1%, within: 100ms, floor: 1.5}},
		 rules: [{user: alice, policy: voice}, {user: bob, policy: best}]`,
	);
	for (const [name, count] of [
		['alice', 3],
		['bob', 5],
		['carol', 7],
	] as const) {
		const login = [name, name.slice(0, 1)] as const;
		const application = await SocksApplication.open(t, portOf(client.socks), login);
		for (let i = 1; i <= count; i++) {
			application.send('127.0.0.1', target.port, `${i} of ${name}`);
			await waitFor(() => application.received.length === i, `answer ${i} to ${name}`);
		}
	}
	// As `mptunnel status --json` reads it.
	for (const end of [client, server]) {
		const {sessions} = JSON.parse(JSON.stringify(end.status())) as StatusSnapshot;
		const lanes = sessions.flatMap((session) => session.lanes);
		const sent = lanes.map(({policy, sending, routed}) => [
			policy,
			sending?.sources ?? routed?.datagrams,
		]);
		t.deepEqual(Object.fromEntries(sent), {voice: 3, best: 5, redundant: 7});
	}
});

test.serial('limits of a user hold for the answers to its client', async (t) => {
	const target = await UdpPeer.open();
	const application = await UdpPeer.open();
	t.teardown(() => Promise.all([target.close(), application.close()]));
	target.answerWith('yes'.repeat(100));
	const ports = [await freePort(), await freePort(), await freePort()];
	const policies = ['fec 3', 'fec 2', 'redundant 3'];
	const forwards = ports.map(
		(port, index) => `"udp:${port}=127.0.0.1:${target.port},policy=${policies[index]}"`,
	);
	const {client, server} = await openEnds(
		t,
		'traffic: 1.5, lanes: 1',
		`socks: false, forward: [${forwards.join(', ')}]`,
	);
	for (let i = 1; i <= 150; i++) {
		application.send('x'.repeat(300), ports[i % 3]!);
		await waitFor(() => application.received.length === i, `answer ${i}`);
	}
	const {users = [], sessions} = server.status();
	t.is(users[0]!.name, 'alice');
	const {factor, sources} = users[0]!.traffic!;
	t.true(sources >= 150 && factor < 1.55, `${factor}`);
	const lanes = sessions[0]!.lanes;
	const [coded, ...others] = lanes.filter(({sending}) => sending !== undefined);
	t.is(others.length, 0);
	t.like(coded!.sending!.promise, {traffic: 1.5, floor: 1.5});
	t.is(lanes.filter(({obstacle}) => obstacle === 'too-many').length, 1);
	const copied = client.status().sessions[0]!.lanes.find(({policy}) => policy === 'redundant 3');
	t.true(copied!.routed!.traffic > 2.5, `${copied!.routed!.traffic}`);
});
