import {createSocket, type RemoteInfo, type Socket, type SocketType} from 'node:dgram';
import {lookup as resolve} from 'node:dns/promises';
import {isIP, SocketAddress} from 'node:net';
import {performance} from 'node:perf_hooks';
import {clearTimeout, setTimeout} from 'node:timers';
import {type Millis, NEVER} from '../core/time.ts';
import {type Delivery, Link, type LinkCounts} from '../sim/link.ts';
import type {LinkConfig} from '../sim/link-config.ts';
import {Prng} from '../sim/prng.ts';

/** Asked for, the kernel gives what its limits allow. */
const SOCKET_BUFFER_BYTES = 8 << 20;

/** Node's longest timer is 2^31 - 1 ms, beyond it fires at once. */
const LONGEST_TIMER: Millis = 3_600_000;

/** How a relay with a simulated link in it is set up. */
export interface LinkProxyOptions {
	/** Where clients send to: an IP address and a port, 0 for any free one. */
	readonly listen: {readonly address: string; readonly port: number};
	/** Where the link ends; a name is resolved once, at the start. */
	readonly target: {readonly host: string; readonly port: number};
	/** Client to target; what is left out is perfect. */
	readonly up?: Partial<LinkConfig>;
	/** Target to client; what is left out is perfect. */
	readonly down?: Partial<LinkConfig>;
	/** The same seed loses the same datagrams; times are those of the real clock. */
	readonly seed: number | string;
	/** A client silent in both directions for this long loses its upstream socket; 60 s. */
	readonly idleTimeout?: Millis;
	/** At most this many clients at once, later ones are ignored until one goes idle; 1,024. */
	readonly maxClients?: number;
}

/** What has happened so far, per direction and on the sockets. */
export interface LinkProxyCounts {
	readonly up: Readonly<LinkCounts>;
	readonly down: Readonly<LinkCounts>;
	/** Clients with an upstream socket now. */
	readonly clients: number;
	/** Datagrams of clients for whom there was no room or no socket. */
	readonly refused: number;
	/** Errors that sockets reported and that were survived. */
	readonly socketErrors: number;
}

/** A running relay. */
export interface LinkProxy {
	/** Where it really listens. */
	readonly address: {readonly address: string; readonly port: number};
	/** Where it really sends to. */
	readonly target: {readonly address: string; readonly port: number};
	/** A snapshot. */
	readonly counts: LinkProxyCounts;
	/** Changes either direction while it runs; nothing under way is lost, no random stream restarts. */
	configure(direction: 'up' | 'down', config: Partial<LinkConfig>): void;
	/** Closes all sockets; what is under way is gone. Resolves when the ports are free. */
	close(): Promise<void>;
}

interface Client {
	readonly address: string;
	readonly port: number;
	readonly upstream: Socket;
	activeAt: Millis;
	isOpen: boolean;
	isClosed: boolean;
}

interface Datagram {
	readonly client: Client;
	readonly bytes: Uint8Array;
}

type LookupCallback = (error: Error | null, address: string, family: number) => void;

/** A socket that takes every host for the literal it is: Node would resolve it on each send. */
function createLiteralSocket(type: SocketType): Socket {
	const family = type === 'udp6' ? 6 : 4;
	const lookup = (host: string, _options: unknown, callback: LookupCallback) => {
		callback(null, host, family);
	};
	return createSocket({type, lookup});
}

function widenBuffers(socket: Socket): void {
	try {
		socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
		socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
	} catch {
		// Some systems refuse what they cannot give; their own sizes do as well.
	}
}

function typeOf(address: string): SocketType {
	return isIP(address) === 6 ? 'udp6' : 'udp4';
}

/** An address without the interface that link-local ones carry. */
function withoutZone(address: string): string {
	return address.split('%', 1)[0] ?? address;
}

/** The one spelling of an IPv6 address that Node reports for received datagrams. */
function canonical(address: string): string {
	if (isIP(address) !== 6 || address.includes('%')) return address;
	return new SocketAddress({address, family: 'ipv6'}).address;
}

/** The bytes of a delivery; those to be corrupted are copied first, a duplicate shares them. */
function bytesOf({item, flipBit}: Delivery<Datagram>): Uint8Array {
	if (flipBit < 0) return item.bytes;
	const bytes = Uint8Array.from(item.bytes);
	bytes[flipBit >> 3]! ^= 1 << (flipBit & 7);
	return bytes;
}

class Relay implements LinkProxy {
	readonly address: {readonly address: string; readonly port: number};
	readonly target: {readonly address: string; readonly port: number};
	readonly #targetAddress: string;
	readonly #listener: Socket;
	readonly #up: Link<Datagram>;
	readonly #down: Link<Datagram>;
	readonly #clients = new Map<string, Client>();
	readonly #idleTimeout: Millis;
	readonly #maxClients: number;
	readonly #startedAt: Millis = performance.now();
	#sweepAt: Millis = NEVER;
	#timer: NodeJS.Timeout | undefined;
	#timerAt: Millis = NEVER;
	#refused = 0;
	#socketErrors = 0;
	#isClosed = false;

	constructor(listener: Socket, target: LinkProxy['target'], options: LinkProxyOptions) {
		const random = new Prng(options.seed);
		this.address = listener.address();
		this.target = target;
		this.#targetAddress = withoutZone(target.address);
		this.#listener = listener;
		this.#up = new Link(options.up ?? {}, random.fork('up'));
		this.#down = new Link(options.down ?? {}, random.fork('down'));
		this.#idleTimeout = options.idleTimeout ?? 60_000;
		this.#maxClients = options.maxClients ?? 1024;
		listener.on('message', (bytes, remote) => this.#receiveUp(bytes, remote));
		listener.on('error', () => this.#socketErrors++);
	}

	get counts(): LinkProxyCounts {
		return {
			up: {...this.#up.counts},
			down: {...this.#down.counts},
			clients: this.#clients.size,
			refused: this.#refused,
			socketErrors: this.#socketErrors,
		};
	}

	configure(direction: 'up' | 'down', config: Partial<LinkConfig>): void {
		(direction === 'up' ? this.#up : this.#down).configure(config, this.#now());
		this.#run();
	}

	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		clearTimeout(this.#timer);
		for (const client of this.#clients.values()) this.#closeClient(client);
		await new Promise<void>((done) => this.#listener.close(done));
	}

	#now(): Millis {
		return performance.now() - this.#startedAt;
	}

	#receiveUp(bytes: Uint8Array, remote: RemoteInfo): void {
		const now = this.#now();
		const key = `${remote.address} ${remote.port}`;
		const client = this.#clients.get(key) ?? this.#admit(key, remote, now);
		if (client === undefined) {
			this.#refused++;
			return;
		}
		client.activeAt = now;
		this.#up.send({client, bytes}, bytes.length, now);
		this.#run();
	}

	#receiveDown(client: Client, bytes: Uint8Array, remote: RemoteInfo): void {
		if (client.isClosed || remote.port !== this.target.port) return;
		if (withoutZone(remote.address) !== this.#targetAddress) return;
		client.activeAt = this.#now();
		this.#down.send({client, bytes}, bytes.length, client.activeAt);
		this.#run();
	}

	#admit(key: string, {address, port}: RemoteInfo, now: Millis): Client | undefined {
		if (this.#clients.size >= this.#maxClients) return undefined;
		const upstream = createLiteralSocket(typeOf(this.target.address));
		const client: Client = {address, port, upstream, activeAt: now, isOpen: false, isClosed: false};
		this.#clients.set(key, client);
		upstream.on('message', (bytes, remote) => this.#receiveDown(client, bytes, remote));
		upstream.on('listening', () => {
			client.isOpen = true;
			widenBuffers(upstream);
		});
		upstream.on('error', () => {
			this.#socketErrors++;
			// A socket that cannot be opened (no descriptors left) is of no use.
			if (client.isOpen) return;
			this.#refused++;
			this.#clients.delete(key);
			this.#closeClient(client);
		});
		// Not connected, on purpose: a refused port would fail the next send and take that datagram.
		upstream.bind({port: 0, exclusive: true});
		if (this.#sweepAt === NEVER) this.#sweepAt = now + this.#idleTimeout;
		return client;
	}

	#closeClient(client: Client): void {
		if (client.isClosed) return;
		client.isClosed = true;
		client.upstream.close();
	}

	#sweep(now: Millis): void {
		let oldest = NEVER;
		for (const [key, client] of this.#clients) {
			if (client.activeAt + this.#idleTimeout <= now) {
				this.#clients.delete(key);
				this.#closeClient(client);
			} else {
				oldest = Math.min(oldest, client.activeAt);
			}
		}
		this.#sweepAt = oldest + this.#idleTimeout;
	}

	/** Delivers everything due and arms the one timer for the next deadline. */
	#run(): void {
		if (this.#isClosed) return;
		const now = this.#now();
		for (let due = this.#up.poll(now); due !== undefined; due = this.#up.poll(now)) {
			const {client} = due.item;
			if (client.isClosed) continue;
			// Without a callback Node drops what the system refuses, as a network would.
			client.upstream.send(bytesOf(due), this.target.port, this.target.address);
		}
		for (let due = this.#down.poll(now); due !== undefined; due = this.#down.poll(now)) {
			const {client} = due.item;
			this.#listener.send(bytesOf(due), client.port, client.address);
		}
		if (now >= this.#sweepAt) this.#sweep(now);
		this.#arm(now);
	}

	#arm(now: Millis): void {
		const next = Math.min(this.#up.nextTimeout(), this.#down.nextTimeout(), this.#sweepAt);
		// A timer that fires too early costs one idle run, changing it costs one on every datagram.
		if (next >= this.#timerAt) return;
		clearTimeout(this.#timer);
		this.#timerAt = next;
		// Node counts in whole milliseconds: what is due within one is delivered together.
		const wait = Math.min(LONGEST_TIMER, Math.max(1, next - now));
		this.#timer = setTimeout(() => {
			this.#timerAt = NEVER;
			this.#run();
		}, wait);
	}
}

/**
 * Starts a UDP relay with one simulated link between its clients, who share it, and its target.
 * Rejects when the target does not resolve or the port cannot be bound; after that no error of a
 * socket ends it. Throws a RangeError for impossible link parameters.
 */
export async function startLinkProxy(options: LinkProxyOptions): Promise<LinkProxy> {
	const {host, port} = options.target;
	const address = isIP(host) === 0 ? (await resolve(host)).address : host;
	const listener = createLiteralSocket(typeOf(options.listen.address));
	await new Promise<void>((done, fail) => {
		listener.once('error', fail);
		listener.bind({...options.listen, exclusive: true}, () => {
			listener.off('error', fail);
			done();
		});
	});
	widenBuffers(listener);
	try {
		return new Relay(listener, {address: canonical(address), port}, options);
	} catch (error) {
		listener.close();
		throw error;
	}
}
