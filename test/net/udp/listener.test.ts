import {connect} from 'node:net';
import test from 'ava';
import {TcpListener} from '../../../src/net/tcp/listener.ts';
import {Listener} from '../../../src/net/udp/listener.ts';
import {type DatagramBatch, SocketError, type UdpBackEnd} from '../../../src/net/udp/udp.ts';
import {needing} from '../../support/e2e/needs.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {allBackEnds} from '../../support/machine/back-ends.ts';
import {lacking} from '../../support/machine/machine.ts';
import {portOf} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

/** A back end on which some addresses cannot be had. */
function without(backEnd: UdpBackEnd, codes: Readonly<Record<string, string>>): UdpBackEnd {
	return {
		name: backEnd.name,
		bindsInterfaces: backEnd.bindsInterfaces,
		open: (binding, handlers) => {
			const code = codes[binding.address];
			if (code !== undefined) throw new SocketError(code, `no ${binding.address}`);
			return backEnd.open(binding, handlers);
		},
	};
}

for (const backEnd of allBackEnds()) {
	const open = (host: string, codes = {}, port = 0) => {
		const listener: Listener = new Listener({
			id: 7,
			host,
			port,
			backEnd: without(backEnd, codes),
			received: (id, {arena, count, offsets, lengths, sources}: DatagramBatch) => {
				if (id !== 7) throw new Error('another listener');
				for (let i = 0; i < count; i++) {
					const bytes = arena.slice(offsets[i]!, offsets[i]! + lengths[i]!);
					listener.send(sources[i]!, bytes, 0, bytes.length);
				}
				listener.flush();
			},
		});
		return listener;
	};

	needing({ipv6: true})(
		`localhost is one port of both families, each answers itself: ${backEnd.name}`,
		async (t) => {
			const listener = open('localhost');
			const port = portOf(listener.addresses[0]);
			t.deepEqual(listener.addresses, [`127.0.0.1:${port}`, `[::1]:${port}`]);
			for (const host of ['127.0.0.1', '::1']) {
				const peer = await UdpPeer.open(0, host);
				peer.send(`to ${host}`, port, host);
				await waitFor(() => peer.received.length > 0, `an answer from ${host}`);
				const [{text, from} = {text: '', from: undefined}] = peer.received;
				t.is(text, `to ${host}`);
				t.is(from?.address, host);
				t.is(from?.port, port);
				await peer.close();
			}
			await listener.close();
		},
	);

	test(`where one family of localhost is missing, the other is used: ${backEnd.name}`, async (t) => {
		for (const code of ['EADDRNOTAVAIL', 'EAFNOSUPPORT']) {
			const four = open('localhost', {'::1': code});
			t.regex(four.addresses.join(), /^127\.0\.0\.1:\d+$/);
			await four.close();
		}
		if (lacking({ipv6: true}).length === 0) {
			const six = open('localhost', {'127.0.0.1': 'EADDRNOTAVAIL'});
			t.regex(six.addresses.join(), /^\[::1\]:\d+$/);
			await six.close();
		}
		const both = {'127.0.0.1': 'EADDRNOTAVAIL', '::1': 'EADDRNOTAVAIL'};
		t.throws(() => open('localhost', both), {code: 'EADDRNOTAVAIL'});
		// An address that somebody asked for is not left out in silence.
		t.throws(() => open('::1', both), {code: 'EADDRNOTAVAIL'});
	});

	test(`a port in use on one family fails, and frees the other: ${backEnd.name}`, async (t) => {
		const first = open('localhost', {'::1': 'EADDRNOTAVAIL'});
		const port = portOf(first.addresses[0]);
		await first.close();
		t.throws(() => open('localhost', {'::1': 'EADDRINUSE'}, port), {code: 'EADDRINUSE'});
		const again = open('127.0.0.1', {}, port);
		t.deepEqual(again.addresses, [`127.0.0.1:${port}`]);
		await again.close();
	});
}

needing({ipv6: true})('a TCP port of localhost takes connections to both addresses', async (t) => {
	const seen: string[] = [];
	const listener = new TcpListener({
		host: 'localhost',
		port: 0,
		purpose: 'a test',
		reporter: new FakeReporter(),
		accepted: (socket) => {
			seen.push(socket.localAddress ?? '');
			socket.destroy();
		},
	});
	t.deepEqual(listener.addresses, []);
	await listener.open();
	const port = portOf(listener.addresses[0]);
	t.deepEqual(listener.addresses, [`127.0.0.1:${port}`, `[::1]:${port}`]);
	for (const host of ['127.0.0.1', '::1']) connect({port, host}).on('error', () => {});
	await waitFor(() => seen.length === 2, 'two connections');
	t.deepEqual(seen.toSorted(), ['127.0.0.1', '::1']);
	await listener.close();
});
