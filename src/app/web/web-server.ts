import {createServer, type RequestListener, type Server, type ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {HostPort} from '../../config/host-port.ts';

/** Limits that all have. */
const LIMITS = {
	headersTimeout: 5000,
	requestTimeout: 10_000,
	keepAliveTimeout: 5000,
	connectionsCheckingInterval: 2000,
} as const;

/** Limits of one server. */
export interface WebLimits {
	/** Connections at the same time. */
	readonly connections: number;
	/** Bytes of a request's headers. */
	readonly headers: number;
	/** Time after which a connection that does not move is cut off, in ms. 0: it may wait. */
	readonly patience: number;
}

/** A small HTTP server for a few readers: none of them costs much, and all end with it. */
export class WebServer {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();

	constructor({connections, headers, patience}: WebLimits, answer: RequestListener) {
		this.#server = createServer({...LIMITS, maxHeaderSize: headers}, answer);
		this.#server.maxConnections = connections;
		this.#server.on('connection', (socket) => {
			this.#sockets.add(socket);
			if (patience > 0) socket.setTimeout(patience, () => socket.destroy());
			socket.on('close', () => this.#sockets.delete(socket));
		});
		this.#server.on('clientError', (_, socket) => socket.destroy());
	}

	/** Begins to listen; resolves with the port. Rejects with the system's error. */
	listen({host, port}: HostPort): Promise<number> {
		return new Promise((resolve, reject) => {
			this.#server.once('error', reject);
			this.#server.listen({host, port, exclusive: true}, () => {
				this.#server.off('error', reject);
				// Failures later on, such as too many open files, concern single readers.
				this.#server.on('error', () => {});
				const address = this.#server.address();
				resolve(typeof address === 'object' && address !== null ? address.port : port);
			});
		});
	}

	/** Ends all connections; resolves when the port is free. */
	async close(): Promise<void> {
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		for (const socket of this.#sockets) socket.destroy();
		await closed;
	}
}

/** Answers without content. */
export function end(
	response: ServerResponse,
	status: number,
	headers: Readonly<Record<string, string>> = {},
): void {
	response.writeHead(status, {...headers, 'content-length': 0, connection: 'close'});
	response.end();
}
