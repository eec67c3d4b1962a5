import {chmodSync, unlinkSync} from 'node:fs';
import {connect, createServer, type Server, type Socket} from 'node:net';

/** Most connections at the same time. */
const CONNECTIONS = 8;

/** Time after which a connection that asks nothing, or does not read, is cut off. */
export const PATIENCE_MILLIS = 2000;

/** A server at a unix socket of this user. */
export class LocalServer {
	readonly #server: Server = createServer();
	readonly #path: string;
	readonly #sockets = new Set<Socket>();

	/** @param answer called with each connection, which is cut off when it does not move */
	constructor(path: string, answer: (socket: Socket) => void) {
		this.#path = path;
		this.#server.maxConnections = CONNECTIONS;
		this.#server.on('connection', (socket) => {
			this.#sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => this.#sockets.delete(socket));
			socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy());
			answer(socket);
		});
	}

	/**
	 * Listens at its path, for this user alone; takes over the file that a dead process left, and
	 * rejects when a live one answers there.
	 */
	listen(): Promise<void> {
		return listenLocally(this.#server, this.#path);
	}

	/** Removes the socket; open connections are cut off. */
	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise<void>((resolve) => this.#server.close(() => resolve()));
		try {
			unlinkSync(this.#path);
		} catch {
			// libuv removes it as a rule.
		}
	}
}

/**
 * Listens at `path`, for this user alone; takes over the file that a dead process left, and rejects
 * when a live one answers there.
 */
async function listenLocally(server: Server, path: string): Promise<void> {
	try {
		await listen(server, path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
		if (await isAlive(path)) throw new Error('another process answers there');
		unlinkSync(path);
		await listen(server, path);
	}
	// What fails later, such as too many open files, only fails who asked.
	server.on('error', () => {});
}

// The call makes the file, so the mode is set before any other code runs here; its folder is
// this user's alone in any case.
function listen(server: Server, path: string): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(path, () => {
			server.off('error', reject);
			resolve();
		});
		try {
			chmodSync(path, 0o600);
		} catch {
			// It does not exist: the error event has the reason.
		}
	});
}

function isAlive(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(path);
		socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy());
		socket.once('connect', () => resolve(true));
		socket.once('close', () => resolve(false));
		socket.on('error', () => {});
		socket.once('connect', () => socket.destroy());
	});
}
