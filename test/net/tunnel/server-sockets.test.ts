import test, {type ExecutionContext} from 'ava';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {ServerSockets, type ServerSocketsInit} from '../../../src/net/tunnel/server-sockets.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import {bindError, SocketError, type UdpBackEnd, type UdpSocket} from '../../../src/net/udp/udp.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

function setUp(t: ExecutionContext, init: Partial<ServerSocketsInit>) {
	const reporter = new FakeReporter();
	const sources: RemoteAddress[] = [];
	const closed: number[] = [];
	const tooLong: number[] = [];
	const sockets = new ServerSockets({
		port: 0,
		bind: [],
		backEnd: new DgramBackEnd(),
		reporter,
		events: {
			received: (batch) => sources.push(batch.sources[0]!),
			closed: (socket) => closed.push(socket),
			tooLong: (_remote, size) => tooLong.push(size),
		},
		...init,
	});
	t.teardown(() => sockets.close());
	return {sockets, reporter, sources, closed, tooLong};
}

async function freePort(): Promise<number> {
	const peer = await UdpPeer.open(0, '0.0.0.0');
	const {port} = peer;
	await peer.close();
	return port;
}

test('what was counted stays counted when the address of its socket goes', async (t) => {
	let addresses = ['127.0.0.1', '127.0.0.2'];
	let index = 0;
	const backEnd: UdpBackEnd = {
		...new DgramBackEnd(),
		open: ({address, port}) =>
			({
				index: index++,
				localAddress: address,
				localPort: port,
				dropped: 2,
				missed: 3,
				send: () => false,
				flush: () => {},
				close: () => Promise.resolve(),
			}) as unknown as UdpSocket,
	};
	const {sockets} = setUp(t, {port: 7, backEnd, addresses: () => addresses});
	sockets.start();
	t.deepEqual([sockets.dropped, sockets.missed], [4, 6]);
	addresses = ['127.0.0.2'];
	sockets.rescan();
	t.deepEqual([sockets.dropped, sockets.missed], [4, 6]);
	await sockets.close();
	t.deepEqual([sockets.dropped, sockets.missed], [4, 6]);
});

test.serial('answers from the address that was asked', async (t) => {
	const port = await freePort();
	const {sockets, sources} = setUp(t, {port, bind: ['127.0.0.2', '127.0.0.3']});
	sockets.start();
	const peer = await UdpPeer.open();
	for (const host of ['127.0.0.3', '127.0.0.2']) {
		const before = sources.length;
		peer.send('x', port, host);
		await waitFor(() => sources.length > before);
		sockets.send(sources[before]!, Buffer.from('y'), 0, 1);
		sockets.flush();
		await waitFor(() => peer.received.length > before);
		t.is(peer.received[before]?.from.address, host);
	}
	await peer.close();
});

test.serial('listens on every address and follows them', async (t) => {
	let addresses: readonly string[] = ['127.0.0.1', '127.0.0.2'];
	const {sockets, closed, reporter} = setUp(t, {
		port: await freePort(),
		addresses: () => addresses,
	});
	sockets.start();
	t.is(sockets.listening.length, 2);
	addresses = ['127.0.0.2', '127.0.0.3'];
	sockets.rescan();
	t.deepEqual(
		sockets.listening.map((where) => where.split(':')[0]),
		['127.0.0.2', '127.0.0.3'],
	);
	t.is(closed.length, 1);
	t.deepEqual(reporter.lines, [
		'info: an address of this machine has gone',
		'info: listening on another address',
	]);
});

test.serial(
	'a wildcard stands for every address of its family, and answers from the right one',
	async (t) => {
		let addresses: readonly string[] = ['127.0.0.1', '127.0.0.2', '::1'];
		const port = await freePort();
		const {sockets, sources} = setUp(t, {port, bind: ['0.0.0.0'], addresses: () => addresses});
		sockets.start();
		t.deepEqual(sockets.listening, [`127.0.0.1:${port}`, `127.0.0.2:${port}`]);
		const peer = await UdpPeer.open();
		peer.send('x', port, '127.0.0.2');
		await waitFor(() => sources.length > 0);
		sockets.send(sources[0]!, Buffer.from('y'), 0, 1);
		sockets.flush();
		await waitFor(() => peer.received.length > 0);
		t.is(peer.received[0]?.from.address, '127.0.0.2');
		await peer.close();
		addresses = ['127.0.0.2', '127.0.0.3'];
		sockets.rescan();
		t.deepEqual(sockets.listening, [`127.0.0.2:${port}`, `127.0.0.3:${port}`]);
		// Where nothing is known of the machine the wildcard itself is all there is.
		addresses = [];
		const blind = setUp(t, {port: await freePort(), bind: ['0.0.0.0'], addresses: () => addresses});
		blind.sockets.start();
		t.is(blind.sockets.listening[0]?.split(':')[0], '0.0.0.0');
	},
);

test.serial('goes on when one address cannot be bound, fails when none can', async (t) => {
	const squatter = await UdpPeer.open();
	const some = setUp(t, {port: squatter.port, bind: ['127.0.0.1', '127.0.0.2']});
	some.sockets.start();
	t.deepEqual(some.sockets.listening, [`127.0.0.2:${squatter.port}`]);
	t.deepEqual(some.reporter.lines, ['warn: cannot listen on an address']);
	const none = setUp(t, {port: squatter.port, bind: ['127.0.0.1']});
	const error = t.throws(() => none.sockets.start(), {instanceOf: SocketError});
	t.is(error?.code, 'EADDRINUSE');
	await squatter.close();
});

test.serial('tells which remote a datagram was too long for', async (t) => {
	const {sockets, sources, tooLong} = setUp(t, {port: await freePort(), bind: ['127.0.0.1']});
	sockets.start();
	const peer = await UdpPeer.open();
	peer.send('x', Number(sockets.listening[0]?.split(':')[1]));
	await waitFor(() => sources.length === 1);
	sockets.send(sources[0]!, new Uint8Array(66_000), 0, 66_000);
	await waitFor(() => tooLong.length === 1);
	t.is(tooLong[0], 66_000);
	await peer.close();
});

test.serial('an address that is not there yet is waited for, a port in use is not', async (t) => {
	// The system's codes without its clock: the address comes when the test says so.
	const there = new Set(['127.0.0.2']);
	const real = new DgramBackEnd();
	const backEnd: UdpBackEnd = {
		name: 'dgram',
		bindsInterfaces: false,
		open: (binding, handlers) => {
			if (!there.has(binding.address)) throw bindError('EADDRNOTAVAIL', binding);
			return real.open(binding, handlers);
		},
	};
	const port = await freePort();
	const {sockets, reporter} = setUp(t, {port, bind: ['127.0.0.3'], backEnd});
	sockets.start();
	t.deepEqual(sockets.listening, []);
	t.deepEqual(reporter.lines, ['warn: waiting for an address to listen on']);
	t.regex(String(reporter.fields[0]?.['reason']), /does not have the address/);
	there.add('127.0.0.3');
	sockets.rescan();
	t.deepEqual(sockets.listening, [`127.0.0.3:${port}`]);
	const squatter = await UdpPeer.open(0, '127.0.0.2');
	const bind = ['127.0.0.2', '127.0.0.4'];
	const inUse = setUp(t, {port: squatter.port, bind, backEnd});
	t.is(t.throws(() => inUse.sockets.start(), {instanceOf: SocketError})?.code, 'EADDRINUSE');
	await squatter.close();
});

test.serial(
	'a machine that lists no addresses is listened to by wildcards, until it does',
	async (t) => {
		let addresses: readonly string[] = [];
		const port = await freePort();
		const {sockets, reporter, closed} = setUp(t, {port, addresses: () => addresses});
		sockets.start();
		t.true(sockets.listening.includes(`0.0.0.0:${port}`));
		t.regex(reporter.lines.join(), /lists no addresses.*AF_NETLINK/);
		const before = [...sockets.listening];
		sockets.rescan();
		t.deepEqual(sockets.listening, before);
		addresses = ['127.0.0.1'];
		sockets.rescan();
		t.deepEqual(sockets.listening, [`127.0.0.1:${port}`]);
		t.is(closed.length, before.length);
		addresses = [];
		sockets.rescan();
		t.deepEqual(sockets.listening, [`127.0.0.1:${port}`]);
	},
);
