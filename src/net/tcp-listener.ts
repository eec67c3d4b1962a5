import {once} from 'node:events';
import {createServer, type Server, type Socket} from 'node:net';
import type {Millis} from '../core/time.ts';
import {formatAddress} from './ip.ts';
import type {Reporter} from './reporter.ts';
import {SocketError} from './udp.ts';

/** So that a peer that is gone without a word is found, and its place is free again. */
export const KEEP_ALIVE: Millis = 30_000;

const REPORT_INTERVAL: Millis = 60_000;

/** What a listener gets from outside. */
export interface TcpListenerInit {
	/** An IP literal; port 0 = any. */
	readonly host: string;
	readonly port: number;
	/** For messages. */
	readonly purpose: string;
	readonly reporter: Reporter;
	/** Hears of every connection; it has allowHalfOpen, and its errors are the hearer's. */
	readonly accepted: (socket: Socket) => void;
}

/** A TCP port that applications connect to. */
export class TcpListener {
	readonly #init: TcpListenerInit;
	readonly #server: Server;
	#address = '';

	constructor(init: TcpListenerInit) {
		this.#init = init;
		this.#server = createServer(
			{
				allowHalfOpen: true,
				noDelay: true,
				keepAlive: true,
				keepAliveInitialDelay: KEEP_ALIVE,
			},
			init.accepted,
		);
	}

	/** Where it listens, as `host:port`; empty before. */
	get address(): string {
		return this.#address;
	}

	/** Opens it; rejects with a SocketError when it cannot. */
	async open(): Promise<void> {
		const {host, port, purpose, reporter} = this.#init;
		try {
			this.#server.listen({host, port, exclusive: true, ipv6Only: false});
			await once(this.#server, 'listening');
		} catch (error) {
			const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
			const reason = code === 'EADDRINUSE' ? 'the port is in use' : code;
			const place = formatAddress(host, port);
			throw new SocketError(code, `cannot open TCP ${place} for ${purpose}: ${reason}`);
		}
		const bound = this.#server.address();
		if (bound !== null && typeof bound === 'object') {
			this.#address = formatAddress(bound.address, bound.port);
		}
		this.#server.on('error', ({message}) => {
			const limited = reporter.limited(`${purpose} listener`, REPORT_INTERVAL);
			limited.warn(`${purpose}: the listener failed`, {reason: message});
		});
	}

	/** Closes it; resolves when its last connection is closed, too, which is the owners' task. */
	close(): Promise<void> {
		return new Promise((resolve) => this.#server.close(() => resolve()));
	}
}
