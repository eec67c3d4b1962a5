import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {HostPort} from '../../config/host-port.ts';
import type {Exposed} from './exposition.ts';

/** Connections at the same time. */
const CONNECTIONS = 4;
/** Time after which a connection that does not move is cut off, in ms. */
const PATIENCE_MILLIS = 10_000;

const LIMITS = {
	maxHeaderSize: 4096,
	headersTimeout: 5000,
	requestTimeout: 10_000,
	keepAliveTimeout: 5000,
	connectionsCheckingInterval: 2000,
} as const;

/** Returns the metrics in the format that the header `accept` asks for. */
export type WriteMetrics = (accept: string | undefined) => Promise<Exposed>;

/** Answers GET and HEAD of `/metrics`, and nothing else. */
export class MetricsServer {
	readonly #write: WriteMetrics;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();

	constructor(write: WriteMetrics) {
		this.#write = write;
		this.#server = createServer(LIMITS, (request, response) => this.#answer(request, response));
		this.#server.maxConnections = CONNECTIONS;
		this.#server.on('connection', (socket) => {
			this.#sockets.add(socket);
			socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy());
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

	#answer(request: IncomingMessage, response: ServerResponse): void {
		const {method, url = '', headers} = request;
		request.resume();
		response.on('error', () => {});
		response.setHeader('cache-control', 'no-store');
		response.setHeader('x-content-type-options', 'nosniff');
		if (!/^\/metrics(?:\?|$)/.test(url)) end(response, 404);
		else if (method !== 'GET' && method !== 'HEAD') end(response, 405);
		else {
			this.#write(headers.accept).then(
				({type, text}) => send(response, type, text),
				() => end(response, 500),
			);
		}
	}
}

function send(response: ServerResponse, type: string, text: string): void {
	const body = Buffer.from(text);
	response.writeHead(200, {'content-type': type, 'content-length': body.length});
	// Of the answer to HEAD only the headers are sent.
	response.end(body);
}

/** Answers without content. */
function end(response: ServerResponse, status: number): void {
	const allow = status === 405 ? {allow: 'GET, HEAD'} : {};
	response.writeHead(status, {...allow, 'content-length': 0, connection: 'close'});
	response.end();
}
