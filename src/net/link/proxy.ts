import {lookup as resolve} from 'node:dns/promises';
import {isIP} from 'node:net';
import {performance} from 'node:perf_hooks';
import {clearTimeout, setTimeout} from 'node:timers';
import {isMainThread} from 'node:worker_threads';
import {type Millis, NEVER} from '../../bytes/time.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import {Link, type LinkCounts, type LinkDelivery} from '../../sim/link.ts';
import type {LinkConfig} from '../../sim/link-config.ts';
import {Prng} from '../../sim/prng.ts';
import {canonicalAddress, withoutZone} from '../../text/ip.ts';
import {chooseIo} from '../udp/io-choice.ts';
import {Listener} from '../udp/listener.ts';
import {flowSocketLimit, readSoftLimit} from '../udp/socket-budget.ts';
import type {DatagramBatch, UdpBackEnd, UdpSocket} from '../udp/udp.ts';
import {LinkClients, type PlacedClient} from './clients.ts';

/** Node's longest timer is 2^31 - 1 ms, beyond it fires at once. */
const LONGEST_TIMER: Millis = 3_600_000;

/** Settings of a relay with a simulated link in it. */
export interface LinkProxyOptions {
	/** Address for clients: an IP address, or `localhost` for both loopback ones; port 0: any. */
	readonly listen: {readonly address: string; readonly port: number};
	/** Far end of the link; a name is resolved once, at the start. */
	readonly target: {readonly host: string; readonly port: number};
	/** Client to target; what is left out is perfect. */
	readonly up?: Partial<LinkConfig>;
	/** Target to client; what is left out is perfect. */
	readonly down?: Partial<LinkConfig>;
	/** The same seed loses the same datagrams; times are those of the real clock. */
	readonly seed: number | string;
	/** A client silent in both directions for this long loses its upstream socket; 60 s. */
	readonly idleTimeout?: Millis;
	/**
	 * At most this many clients at once, and no more than there are descriptors; 1,024. A further one
	 * takes the place of one that the target never answered, or is ignored until one goes idle.
	 */
	readonly maxClients?: number;
}

/** Counts so far, per direction and on the sockets. */
export interface LinkProxyCounts {
	readonly up: Readonly<LinkCounts>;
	readonly down: Readonly<LinkCounts>;
	/** Clients with an upstream socket now. */
	readonly clients: number;
	/** Datagrams of clients for whom there was no room or no socket. */
	readonly refused: number;
	/** Clients that made room for others because the target never answered them. */
	readonly replaced: number;
	/** Errors that sockets reported and that were survived. */
	readonly socketErrors: number;
}

/** A running relay. */
export interface LinkProxy {
	/** Bound addresses, as `host:port`. */
	readonly addresses: readonly string[];
	readonly port: number;
	/** Resolved address that it sends to. */
	readonly target: {readonly address: string; readonly port: number};
	/** A snapshot. */
	readonly counts: LinkProxyCounts;
	/**
	 * Changes either direction while it runs; nothing under way is lost, no random stream restarts.
	 */
	configure(direction: 'up' | 'down', config: Partial<LinkConfig>): void;
	/** Closes all sockets; what is under way is gone. Resolves when the ports are free. */
	close(): Promise<void>;
}

interface Client extends PlacedClient {
	/** Address of the client, at the listening socket. */
	readonly remote: RemoteAddress;
	readonly upstream: UdpSocket;
	/** The target, at that socket. */
	readonly target: RemoteAddress;
	activeAt: Millis;
	isAnswered: boolean;
	isClosed: boolean;
}

interface Datagram {
	readonly client: Client;
	readonly bytes: Uint8Array;
}

/** The bytes of a delivery; those to be corrupted are copied first, a duplicate shares them. */
function bytesOf({item, flipBit}: LinkDelivery<Datagram>): Uint8Array {
	if (flipBit < 0) return item.bytes;
	const bytes = Uint8Array.from(item.bytes);
	bytes[flipBit >> 3]! ^= 1 << (flipBit & 7);
	return bytes;
}

class Relay implements LinkProxy {
	readonly addresses: readonly string[];
	readonly port: number;
	readonly target: {readonly address: string; readonly port: number};
	readonly #backEnd: UdpBackEnd;
	readonly #targetAddress: string;
	readonly #listener: Listener;
	readonly #up: Link<Datagram>;
	readonly #down: Link<Datagram>;
	readonly #clients = new Map<string, Client>();
	readonly #places: LinkClients<Client>;
	/** Sockets that have something to flush. */
	readonly #touched = new Set<Pick<UdpSocket, 'flush'>>();
	readonly #idleTimeout: Millis;
	readonly #startedAt: Millis = performance.now();
	#sweepAt: Millis = NEVER;
	#timer: NodeJS.Timeout | undefined;
	#timerAt: Millis = NEVER;
	#refused = 0;
	#replaced = 0;
	#socketErrors = 0;
	#isClosed = false;

	constructor(backEnd: UdpBackEnd, target: LinkProxy['target'], options: LinkProxyOptions) {
		const random = new Prng(options.seed);
		this.#up = new Link(options.up ?? {}, random.fork('up'));
		this.#down = new Link(options.down ?? {}, random.fork('down'));
		this.#idleTimeout = options.idleTimeout ?? 60_000;
		const most = Math.min(options.maxClients ?? 1024, flowSocketLimit(readSoftLimit()));
		this.#places = new LinkClients(most, (client) => this.#replace(client));
		this.target = target;
		this.#targetAddress = withoutZone(target.address);
		this.#backEnd = backEnd;
		const {address: host, port} = options.listen;
		const received = (_: number, batch: DatagramBatch) => this.#receiveUp(batch);
		this.#listener = new Listener({id: 0, host, port, backEnd, received});
		this.addresses = this.#listener.addresses;
		this.port = this.#listener.port;
	}

	get counts(): LinkProxyCounts {
		return {
			up: {...this.#up.counts},
			down: {...this.#down.counts},
			clients: this.#clients.size,
			refused: this.#refused,
			replaced: this.#replaced,
			socketErrors: this.#socketErrors + this.#listener.failures,
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
		const closing = [...this.#clients.values()].map((client) => this.#closeClient(client));
		await Promise.all([...closing, this.#listener.close()]);
	}

	#now(): Millis {
		return performance.now() - this.#startedAt;
	}

	#receiveUp({arena, count, offsets, lengths, sources}: DatagramBatch): void {
		const now = this.#now();
		for (let i = 0; i < count; i++) {
			const remote = sources[i];
			if (remote === undefined) continue;
			const client = this.#clients.get(remote.key) ?? this.#admit(remote, now);
			if (client === undefined) {
				this.#refused++;
				continue;
			}
			client.activeAt = now;
			const bytes = arena.slice(offsets[i]!, offsets[i]! + lengths[i]!);
			this.#up.send({client, bytes}, bytes.length, now);
		}
		this.#run();
	}

	#receiveDown(client: Client, {arena, count, offsets, lengths, sources}: DatagramBatch): void {
		if (client.isClosed) return;
		const now = this.#now();
		for (let i = 0; i < count; i++) {
			const remote = sources[i];
			if (remote?.port !== this.target.port) continue;
			if (withoutZone(remote.host) !== this.#targetAddress) continue;
			if (!client.isAnswered) this.#places.answered(client);
			client.isAnswered = true;
			client.activeAt = now;
			const bytes = arena.slice(offsets[i]!, offsets[i]! + lengths[i]!);
			this.#down.send({client, bytes}, bytes.length, now);
		}
		this.#run();
	}

	#admit(remote: RemoteAddress, now: Millis): Client | undefined {
		if (!this.#places.makeRoom(remote.host, now)) return undefined;
		const {address, port} = this.target;
		const any = isIP(this.#targetAddress) === 6 ? '::' : '0.0.0.0';
		let upstream: UdpSocket;
		try {
			// Not connected, on purpose: a refused port would fail the next send and take that datagram.
			upstream = this.#backEnd.open(
				{address: any, port: 0},
				{
					onBatch: (_, batch) => this.#receiveDown(client, batch),
					onError: () => this.#socketErrors++,
				},
			);
		} catch {
			// No descriptor is left, perhaps.
			this.#socketErrors++;
			return undefined;
		}
		const target = upstream.remote(address, port);
		const client: Client = {
			...{remote, host: remote.host, upstream, target},
			...{admittedAt: now, activeAt: now, isAnswered: false, isClosed: false},
		};
		this.#clients.set(remote.key, client);
		this.#places.add(client);
		if (this.#sweepAt === NEVER) this.#sweepAt = now + this.#idleTimeout;
		return client;
	}

	#replace(client: Client): void {
		this.#replaced++;
		this.#clients.delete(client.remote.key);
		void this.#closeClient(client);
	}

	#closeClient(client: Client): Promise<void> {
		if (client.isClosed) return Promise.resolve();
		client.isClosed = true;
		this.#touched.delete(client.upstream);
		return client.upstream.close();
	}

	#sweep(now: Millis): void {
		let oldest = NEVER;
		for (const [key, client] of this.#clients) {
			if (client.activeAt + this.#idleTimeout <= now) {
				this.#clients.delete(key);
				this.#places.delete(client);
				void this.#closeClient(client);
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
			this.#send(client.upstream, bytesOf(due), client.target);
		}
		for (let due = this.#down.poll(now); due !== undefined; due = this.#down.poll(now)) {
			const {client} = due.item;
			const bytes = bytesOf(due);
			this.#listener.send(client.remote, bytes, 0, bytes.length);
			this.#touched.add(this.#listener);
		}
		for (const socket of this.#touched) socket.flush();
		this.#touched.clear();
		if (now >= this.#sweepAt) this.#sweep(now);
		this.#arm(now);
	}

	// What the system refuses is dropped, as a network would.
	#send(socket: UdpSocket, bytes: Uint8Array, to: RemoteAddress): void {
		socket.send(bytes, 0, bytes.length, to);
		this.#touched.add(socket);
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
	// The batch back end knows no zones of IPv6, and in a thread it cannot wait in place of the loop.
	const isPortable = !isMainThread || `${address}${options.listen.address}`.includes('%');
	const {backEnd} = chooseIo(isPortable ? 'dgram' : undefined);
	return new Relay(backEnd, {address: canonicalAddress(address) ?? address, port}, options);
}
