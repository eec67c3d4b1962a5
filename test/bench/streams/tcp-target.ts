import {once} from 'node:events';
import {createServer, type Server, type Socket} from 'node:net';

const CHUNK = Buffer.alloc(256 * 1024);

/** What a connection asks for with its first byte. */
export const Service = {
	/** Bytes without end. */
	DOWNLOAD: 1,
	/** A KiB back for each KiB. */
	EXCHANGE: 3,
	/** 32 KiB and the end. */
	SHORT: 4,
} as const;
export type Service = (typeof Service)[keyof typeof Service];

/** Bytes of a request and of an answer. */
export const EXCHANGE_BYTES = 1024;
/** Bytes of a short answer. */
export const SHORT_BYTES = 32_768;

/** The server that TCP connections through a tunnel go to, on loopback. */
export class TcpTarget {
	readonly port: number;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();

	private constructor(server: Server, port: number) {
		this.#server = server;
		this.port = port;
	}

	static async open(): Promise<TcpTarget> {
		const server = createServer();
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const place = server.address();
		const port = place !== null && typeof place === 'object' ? place.port : 0;
		const target = new TcpTarget(server, port);
		server.on('connection', (socket) => target.#serve(socket));
		return target;
	}

	#serve(socket: Socket): void {
		this.#sockets.add(socket);
		socket.setNoDelay();
		// Whoever has measured enough goes away.
		socket.on('error', () => {});
		socket.on('close', () => this.#sockets.delete(socket));
		socket.once('data', (bytes) => {
			const [service] = bytes;
			if (service === Service.DOWNLOAD) sendOn(socket);
			else if (service === Service.SHORT) socket.end(CHUNK.subarray(0, SHORT_BYTES));
			else answer(socket, bytes.length - 1);
		});
	}

	close(): void {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
	}
}

/** Writes without end, as fast as the socket takes it. */
function sendOn(socket: Socket): void {
	const write = () => {
		while (!socket.destroyed && socket.write(CHUNK));
	};
	socket.on('drain', write);
	write();
}

function answer(socket: Socket, early: number): void {
	let waiting = early;
	const take = (length: number) => {
		waiting += length;
		for (; waiting >= EXCHANGE_BYTES; waiting -= EXCHANGE_BYTES) {
			socket.write(CHUNK.subarray(0, EXCHANGE_BYTES));
		}
	};
	take(0);
	socket.on('data', ({length}) => take(length));
}
