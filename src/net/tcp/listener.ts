import {once} from 'node:events';
import {type AddressInfo, createServer, type Server, type Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import {formatAddress} from '../../text/ip.ts';
import type {Reporter} from '../reporter.ts';
import {isMissingAddress, listenAddresses} from '../udp/listen-addresses.ts';
import {SocketError} from '../udp/udp.ts';

/** So that a peer that is gone without a word is found, and its place is free again. */
export const KEEP_ALIVE: Millis = 30_000;

const REPORT_INTERVAL: Millis = 60_000;

/** Inputs of a listener. */
export interface TcpListenerInit {
	/** An IP literal, or `localhost` for both loopback addresses; port 0 = any. */
	readonly host: string;
	readonly port: number;
	/** For messages. */
	readonly purpose: string;
	readonly reporter: Reporter;
	/** Called with each connection (allowHalfOpen). The callee handles its 'error' events. */
	readonly accepted: (socket: Socket) => void;
}

/** A TCP port that applications connect to, on one or both loopback addresses. */
export class TcpListener {
	readonly #init: TcpListenerInit;
	/** Those that listen. */
	readonly #servers: Server[] = [];

	constructor(init: TcpListenerInit) {
		this.#init = init;
	}

	/** Addresses it listens on; empty before. */
	get places(): readonly AddressInfo[] {
		return this.#servers
			.map((server) => server.address())
			.filter((place) => place !== null && typeof place === 'object');
	}

	/** The same as `host:port`. */
	get addresses(): readonly string[] {
		return this.places.map(({address, port}) => formatAddress(address, port));
	}

	/** Opens it; rejects with a SocketError when it cannot. */
	async open(): Promise<void> {
		const hosts = listenAddresses(this.#init.host);
		for (const [index, host] of hosts.entries()) {
			try {
				this.#servers.push(await this.#listen(host, this.places[0]?.port ?? this.#init.port));
			} catch (error) {
				const others = this.#servers.length > 0 || index < hosts.length - 1;
				if (!others || !isMissingAddress(error)) throw error;
			}
		}
	}

	async #listen(host: string, port: number): Promise<Server> {
		const {purpose, reporter, accepted} = this.#init;
		const server = createServer(
			{
				allowHalfOpen: true,
				noDelay: true,
				keepAlive: true,
				keepAliveInitialDelay: KEEP_ALIVE,
			},
			accepted,
		);
		try {
			server.listen({host, port, exclusive: true, ipv6Only: false});
			await once(server, 'listening');
		} catch (error) {
			const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
			const reason = code === 'EADDRINUSE' ? 'the port is in use' : code;
			const place = formatAddress(host, port);
			throw new SocketError(code, `cannot open TCP ${place} for ${purpose}: ${reason}`);
		}
		server.on('error', ({message}) => {
			const limited = reporter.limited(`${purpose} listener`, REPORT_INTERVAL);
			limited.warn(`${purpose}: the listener failed`, {reason: message});
		});
		return server;
	}

	/** Closes it; resolves when its last connection is closed, too, which is the owners' task. */
	async close(): Promise<void> {
		const closing = this.#servers.map(
			(server) => new Promise<void>((resolve) => server.close(() => resolve())),
		);
		await Promise.all(closing);
	}
}
