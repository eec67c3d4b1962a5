import {Buffer} from 'node:buffer';
import {createSocket, type Socket as UdpNodeSocket} from 'node:dgram';
import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import {type Account, Budget} from '../../../src/core/budget.ts';
import type {OpenDatagram} from '../../../src/core/endpoint.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {Delivery} from '../../../src/core/transmit.ts';
import type {SocksTunnel} from '../../../src/net/socks/relay.ts';
import {
	SOCKS_LIMITS,
	type SocksLimits,
	SocksServer,
	type SocksServerSettings,
} from '../../../src/net/socks/server.ts';
import type {StreamTunnel} from '../../../src/net/tcp/client-stream.ts';
import {ClientStreams} from '../../../src/net/tcp/client-streams.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import {FakeReporter} from '../fakes/fake-reporter.ts';
import {portOf} from '../machine/options.ts';
import {waitFor} from '../machine/wait-for.ts';
import {type MemoryStream, StreamPair} from './stream-pair.ts';

export const GREETING = '050100';
export const ASSOCIATE = '05030001000000000000';
/** A SOCKS UDP header for 1.2.3.4:53. */
export const TO_IPV4 = '00000001010203040035';

/** A TCP connection that keeps what it gets. */
export class TcpPeer {
	readonly socket: Socket;
	received = '';
	ended = false;
	closed = false;

	constructor(port: number, host = '127.0.0.1') {
		this.socket = connect({port, host, allowHalfOpen: true});
		this.socket.on('data', (bytes) => (this.received += bytes.toString('hex')));
		this.socket.on('error', () => {});
		this.socket.on('end', () => (this.ended = true));
		this.socket.on('close', () => (this.closed = true));
	}

	send(hex: string): void {
		this.socket.write(Buffer.from(hex, 'hex'));
	}

	/** Waits until so many bytes have come, and returns them in hex. */
	async receive(length: number): Promise<string> {
		await waitFor(() => this.received.length >= 2 * length, `${length} bytes`);
		return this.received;
	}

	async end(): Promise<void> {
		await waitFor(() => this.ended || this.closed, 'the end of the connection');
	}
}

/** A UDP socket that keeps what it gets, in hex. */
export class UdpBytes {
	readonly received: string[] = [];
	readonly socket: UdpNodeSocket;

	private constructor(socket: UdpNodeSocket) {
		this.socket = socket;
		socket.on('message', (bytes) => this.received.push(bytes.toString('hex')));
		socket.on('error', () => {});
	}

	static async open(t: ExecutionContext, host = '127.0.0.1', port = 0): Promise<UdpBytes> {
		const socket = createSocket('udp4');
		socket.bind(port, host);
		await once(socket, 'listening');
		t.teardown(() => socket.close());
		return new UdpBytes(socket);
	}

	get port(): number {
		return this.socket.address().port;
	}

	send(hex: string, port: number, host = '127.0.0.1'): void {
		this.socket.send(Buffer.from(hex, 'hex'), port, host);
	}
}

/** One datagram as the tunnel got it. */
export interface TunnelDatagram {
	readonly application: RemoteAddress;
	readonly user: string;
	readonly target: string;
	readonly payload: string;
}

/** A tunnel whose streams end in the hands of a test. */
export class StreamsOfTest implements StreamTunnel {
	/** The ends at the server. */
	readonly opened: MemoryStream[] = [];
	readonly refused: number[] = [];
	readonly streams: ClientStreams;
	readonly #pairs: StreamPair[] = [];
	readonly #clock: () => number;
	hasSession = true;

	constructor(
		clock: () => number,
		optimistic = false,
		limit = 4,
		descriptors: Account = new Budget(limit, 1).account(),
	) {
		this.#clock = clock;
		this.streams = new ClientStreams({tunnel: this, optimistic, shares: [descriptors]});
	}

	now(): number {
		return this.#clock();
	}

	openStream(target: Uint8Array): MemoryStream {
		const pair = new StreamPair(target);
		this.#pairs.push(pair);
		this.opened.push(pair.server);
		return pair.client;
	}

	streamsChanged(): void {
		for (const pair of this.#pairs) pair.changed();
	}

	streamRefused(code: number): void {
		this.refused.push(code);
	}

	/** Waits for the server's end of the next stream. */
	async next(): Promise<MemoryStream> {
		await waitFor(() => this.opened.length > 0, 'a stream');
		return this.opened.shift()!;
	}
}

/** A real SOCKS listener with real sockets in front of a tunnel that is none. */
export class SocksWorld implements SocksTunnel {
	readonly tcp: StreamsOfTest;
	readonly sent: TunnelDatagram[] = [];
	readonly ended: RemoteAddress[] = [];
	readonly reporter: FakeReporter = new FakeReporter();
	readonly server: SocksServer;
	/** Whose the application's TCP connections and UDP ports are; undefined = nobody knows. */
	readonly users: {tcp: number | undefined; readonly udp: Map<number, number>} = {
		tcp: undefined,
		udp: new Map(),
	};
	time = 1000;
	readonly #t: ExecutionContext;

	private constructor(
		t: ExecutionContext,
		settings: Partial<SocksServerSettings>,
		limits: Partial<SocksLimits>,
		optimistic: boolean,
		room = 0,
	) {
		this.#t = t;
		const budget = new Budget(room, 3);
		const [of, handshakes, associations] = [budget.account(), budget.account(), budget.account()];
		const descriptors = room > 0 ? of : undefined;
		this.tcp = new StreamsOfTest(() => this.time, optimistic, 4, descriptors);
		this.server = new SocksServer({
			settings: {
				listen: {host: '127.0.0.1', port: 0},
				users: [],
				authReply: 1,
				advertise: undefined,
				udpPort: undefined,
				udpAnyPort: false,
				filter: 'none',
				...settings,
			},
			listener: 7,
			limits: {...SOCKS_LIMITS, ...limits},
			...(room > 0 ? {descriptors: {handshakes, associations}} : {}),
			backEnd: new DgramBackEnd(),
			tunnel: this,
			streams: this.tcp.streams,
			reporter: this.reporter,
			// Else a test would depend on who runs it.
			socketOwners: {ofTcp: () => this.users.tcp, ofUdp: ({port}) => this.users.udp.get(port)},
		});
	}

	static async open(
		t: ExecutionContext,
		settings: Partial<SocksServerSettings> = {},
		limits: Partial<SocksLimits> = {},
		optimistic = false,
		room = 0,
	): Promise<SocksWorld> {
		const world = new SocksWorld(t, settings, limits, optimistic, room);
		t.teardown(() => {
			world.tcp.streams.close();
			return world.server.close();
		});
		await world.server.open();
		return world;
	}

	now(): number {
		return this.time;
	}

	send(datagram: OpenDatagram): void {
		const {application, user, bytes, start, end, targetBytes, targetStart, targetEnd} = datagram;
		const hex = (of: Uint8Array, from: number, to: number) =>
			Buffer.from(of.subarray(from, to)).toString('hex');
		this.sent.push({
			application,
			user,
			target: hex(targetBytes, targetStart, targetEnd),
			payload: hex(bytes, start, end),
		});
	}

	finish(): void {}

	endApplication(application: RemoteAddress): void {
		this.ended.push(application);
	}

	get port(): number {
		return portOf(this.server.addresses[0]);
	}

	/** Lets so much time pass at once. */
	pass(millis: number): void {
		this.time += millis;
		this.server.handleTimeout(this.time);
		this.tcp.streams.handleTimeout(this.time);
	}

	connect(host = '127.0.0.1'): TcpPeer {
		const peer = new TcpPeer(this.port, host);
		this.#t.teardown(() => peer.socket.destroy());
		return peer;
	}

	/** Makes an association without a login; the relay's address and port in hex as answered. */
	async associate(host = '127.0.0.1'): Promise<{tcp: TcpPeer; relay: number; bound: string}> {
		const tcp = this.connect(host);
		tcp.send(GREETING + ASSOCIATE);
		const reply = (await tcp.receive(12)).slice(4);
		return {tcp, relay: Number.parseInt(reply.slice(-4), 16), bound: reply.slice(6, -4)};
	}

	/** Waits for the next datagram that reaches the tunnel. */
	async nextSent(): Promise<TunnelDatagram> {
		const count = this.sent.length;
		await waitFor(() => this.sent.length > count, 'a datagram in the tunnel');
		return this.sent[count]!;
	}

	/** A datagram comes out of the tunnel from an IPv4 or IPv6 host. */
	answer(application: RemoteAddress, host: readonly number[], port: number, payload: string): void {
		const delivery = new Delivery();
		const address = Uint8Array.from(host);
		const kind = host.length === 4 ? 1 : 4;
		const target = {kind, host: address, port, encoded: new Uint8Array(0)} as const;
		delivery.listener = 7;
		delivery.application = application;
		delivery.target = {reference: 0, target, only: false, used: 0, lane: 0, address, confirmed: 0};
		delivery.bytes = Buffer.from(`eeee${payload}ee`, 'hex');
		delivery.start = 2;
		delivery.end = delivery.bytes.length - 1;
		this.server.deliver(delivery);
	}
}
