import {randomBytes} from 'node:crypto';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {performance} from 'node:perf_hooks';
import test, {type ExecutionContext} from 'ava';
import {type LinkProxyOptions, startLinkProxy} from '../../src/net/link/proxy.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {flood, LinkSocket} from './link-sockets.ts';

/** An echo, a relay in front of it and a client; all closed after the test. */
async function setUp(t: ExecutionContext, options: Partial<LinkProxyOptions> = {}) {
	const echo = await LinkSocket.open((bytes) => bytes);
	const proxy = await startLinkProxy({
		listen: {address: '127.0.0.1', port: 0},
		target: {host: '127.0.0.1', port: echo.port},
		seed: 7,
		...options,
	});
	const client = await LinkSocket.open();
	t.teardown(() => Promise.all([echo.close(), proxy.close(), client.close()]));
	return {echo, proxy, client, port: proxy.port};
}

test.serial('carries datagrams of every size both ways, unchanged', async (t) => {
	const {client, echo, port} = await setUp(t);
	for (const [index, size] of [0, 1, 1200, 1473, 9000, 65_507].entries()) {
		const bytes = randomBytes(size);
		client.send(bytes, port);
		const heard = await client.hear(index + 1);
		t.deepEqual(heard[index], bytes);
		t.deepEqual(echo.heard[index], bytes);
	}
});

test.serial('keeps many clients apart', async (t) => {
	const {proxy, port} = await setUp(t);
	const clients = await Promise.all(Array.from({length: 50}, () => LinkSocket.open()));
	t.teardown(() => Promise.all(clients.map((client) => client.close())));
	for (let round = 0; round < 4; round++) {
		for (const [index, client] of clients.entries()) client.send(`${index}:${round}`, port);
		await Promise.all(clients.map((client) => client.hear(round + 1)));
	}
	for (const [index, client] of clients.entries()) {
		t.deepEqual(
			client.heard.map(String),
			[0, 1, 2, 3].map((round) => `${index}:${round}`),
		);
	}
	t.is(proxy.counts.clients, 50);
});

test.serial('delivers what the target sends by itself, later and repeatedly', async (t) => {
	const {client, echo, port} = await setUp(t);
	let upstream = 0;
	echo.socket.on('message', (_, remote) => {
		upstream = remote.port;
	});
	client.send('hello', port);
	await client.hear(1);
	for (const text of ['a', 'b', 'c']) echo.send(text, upstream);
	t.deepEqual((await client.hear(4)).map(String), ['hello', 'a', 'b', 'c']);
});

test.serial('delays each direction by its own time', async (t) => {
	const {client, port} = await setUp(t, {up: {delay: 30}, down: {delay: 50}});
	const sentAt = performance.now();
	client.send('x', port);
	await client.hear(1);
	const took = performance.now() - sentAt;
	t.true(took >= 79 && took < 1800, `${took} ms`);
});

test.serial('loses the same datagrams for the same seed, per direction', async (t) => {
	const runOnce = async () => {
		const {client, echo, proxy, port} = await setUp(t, {
			up: {loss: {kind: 'random', loss: 0.3}},
			down: {loss: {kind: 'random', loss: 0.5}, duplicate: 0.1},
		});
		// In parts: a socket's buffer does not take all at once.
		for (let sent = 0; sent < 300; ) {
			for (const goal = sent + 50; sent < goal; sent++) client.send(`${sent}`, port);
			await waitFor(() => proxy.counts.up.sent === sent, `${sent} datagrams`);
		}
		await echo.hear(proxy.counts.up.delivered);
		await waitFor(() => proxy.counts.down.sent === echo.heard.length);
		await client.hear(proxy.counts.down.delivered);
		return {up: echo.heard.map(String), down: client.heard.map(String), counts: proxy.counts};
	};
	const first = await runOnce();
	const second = await runOnce();
	t.deepEqual(first, second);
	t.is(first.counts.up.lost + first.counts.up.delivered, 300);
	t.not(first.counts.up.lost / 300, first.counts.down.lost / first.counts.down.sent);
});

test.serial('corrupts exactly one bit, and of a duplicate the same one', async (t) => {
	const {client, echo, proxy, port} = await setUp(t, {up: {corrupt: 1, duplicate: 1}});
	const bytes = randomBytes(500);
	client.send(bytes, port);
	const [first, second] = await echo.hear(2);
	t.deepEqual(first, second);
	const bits = bytes.reduce((sum, byte, index) => {
		const difference = byte ^ (first?.[index] ?? 0);
		return sum + difference.toString(2).replaceAll('0', '').length;
	}, 0);
	t.is(bits, 1);
	t.is(proxy.counts.up.corrupted, 1);
});

test.serial('survives a target that is not there, and loses nothing when it comes', async (t) => {
	const {client, echo, proxy, port} = await setUp(t);
	const target = echo.port;
	await echo.close();
	for (let index = 0; index < 21; index++) client.send('nobody there', port);
	await waitFor(() => proxy.counts.up.sent === 21);
	const later = await LinkSocket.open((bytes) => bytes, target);
	t.teardown(() => later.close());
	for (let index = 0; index < 5; index++) client.send(`${index}`, port);
	await client.hear(5);
	t.deepEqual(client.heard.map(String), ['0', '1', '2', '3', '4']);
});

test.serial('lets nobody but the target answer', async (t) => {
	const {client, echo, port} = await setUp(t);
	let upstream = 0;
	echo.socket.on('message', (_, remote) => {
		upstream = remote.port;
	});
	client.send('x', port);
	await client.hear(1);
	const stranger = await LinkSocket.open();
	t.teardown(() => stranger.close());
	stranger.send('spoofed', upstream);
	client.send('y', port);
	t.deepEqual((await client.hear(2)).map(String), ['x', 'y']);
});

test.serial('reaches an IPv6 target from IPv4 clients, however it is spelled', async (t) => {
	const echo = createSocket('udp6', (bytes, remote) => {
		echo.send(bytes, remote.port, remote.address);
	});
	echo.bind(0, '::1');
	await once(echo, 'listening');
	t.teardown(() => echo.close());
	const target = {host: '0:0:0:0:0:0:0:1', port: echo.address().port};
	const {client, port} = await setUp(t, {target});
	client.send('x', port);
	t.is(String((await client.hear(1))[0]), 'x');
});

test.serial('survives a client that is gone', async (t) => {
	const {client, proxy, port} = await setUp(t, {down: {delay: 40}});
	const gone = await LinkSocket.open();
	gone.send('x', port);
	await waitFor(() => proxy.counts.down.sent === 1);
	await gone.close();
	await waitFor(() => proxy.counts.down.delivered === 1);
	client.send('y', port);
	await client.hear(1);
	t.is(String(client.heard[0]), 'y');
});

test.serial('forgets silent clients, keeps the others', async (t) => {
	// Fifty times the pause between two datagrams, so that only a machine that stands still forgets both.
	const {client, proxy, port} = await setUp(t, {idleTimeout: 1000});
	const silent = await LinkSocket.open();
	t.teardown(() => silent.close());
	silent.send('x', port);
	await silent.hear(1);
	const timer = setInterval(() => client.send('y', port), 20);
	await waitFor(() => proxy.counts.clients === 2);
	await waitFor(() => proxy.counts.clients === 1);
	const heard = client.heard.length;
	await client.hear(heard + 5);
	clearInterval(timer);
	t.is(proxy.counts.clients, 1);
	await waitFor(() => proxy.counts.clients === 0);
	silent.send('z', port);
	t.is(String((await silent.hear(2))[1]), 'z');
});

test.serial('serves no more clients than it may', async (t) => {
	const {client, proxy, port} = await setUp(t, {maxClients: 1});
	client.send('x', port);
	await client.hear(1);
	const other = await LinkSocket.open();
	t.teardown(() => other.close());
	other.send('y', port);
	await waitFor(() => proxy.counts.refused === 1);
	client.send('z', port);
	await client.hear(2);
	t.is(other.heard.length, 0);
});

test.serial('a flood from ever new ports disturbs nobody and keeps nobody out', async (t) => {
	const ports = new Set<number>();
	const target = await LinkSocket.open((bytes, remote) => {
		if (bytes.length === 1) return undefined;
		ports.add(remote.port);
		return bytes;
	});
	const {client, proxy, port} = await setUp(t, {
		target: {host: '127.0.0.1', port: target.port},
		maxClients: 64,
	});
	t.teardown(() => target.close());
	client.send('before', port);
	await client.hear(1);
	await flood(port, 500);
	await waitFor(() => proxy.counts.refused + proxy.counts.replaced > 0);
	t.is(proxy.counts.clients, 64);
	client.send('after', port);
	await client.hear(2);
	t.is(ports.size, 1, 'through the same socket');
	const friend = await LinkSocket.open();
	t.teardown(() => friend.close());
	const retries = setInterval(() => friend.send('friend', port), 50);
	t.teardown(() => clearInterval(retries));
	await friend.hear(1);
	t.true(proxy.counts.replaced > 0);
	t.is(proxy.counts.clients, 64);
});

test.serial('a tunnel comes up through a link that strangers have filled', async (t) => {
	const stage = new Stage(t);
	let link = 0;
	const lines = async (port: number) => {
		link = await stage.link(port);
		return [`127.0.0.1 ${link}`];
	};
	const tunnel = await stage.tunnel({lines});
	const addresses = async () => {
		const {sessions = []} = (await tunnel.status('server')) ?? {};
		return sessions.flatMap(({paths}) => paths.map(({remote}) => remote));
	};
	await tunnel.startServer();
	await flood(link, 5000);
	await tunnel.startClient();
	await tunnel.client.says('a session is up');
	tunnel.application.start(100);
	await tunnel.application.hears(20);
	const before = await addresses();
	await flood(link, 5000);
	await tunnel.application.isAnswered();
	t.deepEqual(await addresses(), before, 'through the same socket');
	await tunnel.application.settle();
	t.is(tunnel.target.ports.length, 1);
});

test.serial('an outage takes what is sent in it, and only that', async (t) => {
	const {client, echo, proxy, port} = await setUp(t);
	client.send('before', port);
	await client.hear(1);
	proxy.configure('up', {outages: [{from: 0, until: Number.POSITIVE_INFINITY}]});
	client.send('during', port);
	await waitFor(() => proxy.counts.up.outage === 1);
	proxy.configure('up', {outages: []});
	client.send('after', port);
	await client.hear(2);
	t.deepEqual(echo.heard.map(String), ['before', 'after']);
});

test.serial('holds a rate on the real clock', async (t) => {
	const {client, echo, port} = await setUp(t, {up: {rate: 8e6, queue: {bytes: 1e6}}});
	const startedAt = performance.now();
	for (let index = 0; index < 200; index++) client.send(Buffer.alloc(972), port);
	await echo.hear(200);
	const took = performance.now() - startedAt;
	t.true(took >= 199 && took < 3300, `${took} ms for 200 ms of data`);
});

test.serial('rejects a port in use and an address that is not ours', async (t) => {
	const {proxy, echo} = await setUp(t);
	const options = {
		listen: {address: '127.0.0.1', port: proxy.port},
		target: {host: '127.0.0.1', port: echo.port},
		seed: 1,
	};
	await t.throwsAsync(startLinkProxy(options), {code: 'EADDRINUSE'});
	const elsewhere = {address: '192.0.2.1', port: 0};
	await t.throwsAsync(startLinkProxy({...options, listen: elsewhere}), {code: 'EADDRNOTAVAIL'});
});

test.serial('impossible parameters leave no socket behind', async (t) => {
	const port = await freePort();
	const options = {listen: {address: '127.0.0.1', port}, target: {host: '127.0.0.1', port: 9}};
	await t.throwsAsync(startLinkProxy({...options, seed: 1, up: {delay: -1}}), {
		instanceOf: RangeError,
	});
	const proxy = await startLinkProxy({...options, seed: 1});
	t.is(proxy.port, port);
	await proxy.close();
	await proxy.close();
});
