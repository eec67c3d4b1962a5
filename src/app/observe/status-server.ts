import {chmodSync, unlinkSync} from 'node:fs';
import {connect, createServer, type Server, type Socket} from 'node:net';
import type {StatusSnapshot} from './status.ts';

/** Most connections at the same time. */
const CONNECTIONS = 8;

/** Time after which a connection that does not read is cut off. */
const PATIENCE_MILLIS = 2000;

/** The longest answer that is read. */
const ANSWER_LIMIT = 16 * 1024 * 1024;

/** Answers every connection to its unix socket with one JSON document. */
export class StatusServer {
	readonly #server: Server;
	readonly #path: string;
	readonly #sockets = new Set<Socket>();

	private constructor(server: Server, path: string) {
		this.#server = server;
		this.#path = path;
	}

	/**
	 * Listens at `path`, for this user alone; takes over the file that a dead process left, and
	 * rejects when a live one answers there.
	 */
	static async open(path: string, snapshot: () => StatusSnapshot): Promise<StatusServer> {
		const server = createServer();
		server.maxConnections = CONNECTIONS;
		const opened = new StatusServer(server, path);
		server.on('connection', (socket) => opened.#answer(socket, snapshot));
		await listenLocally(server, path);
		return opened;
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

	#answer(socket: Socket, snapshot: () => StatusSnapshot): void {
		this.#sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => this.#sockets.delete(socket));
		socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy());
		socket.resume();
		socket.end(`${JSON.stringify(snapshot())}\n`);
	}
}

/** Asks the program that answers at `path`; rejects when none does or it takes too long. */
export function readStatus(path: string): Promise<StatusSnapshot> {
	return new Promise((resolve, reject) => {
		const socket = connect(path);
		const parts: Buffer[] = [];
		let length = 0;
		socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy(new Error('no answer')));
		socket.on('error', reject);
		socket.on('data', (part) => {
			parts.push(part);
			length += part.length;
			if (length > ANSWER_LIMIT) socket.destroy(new Error('the answer is too long'));
		});
		socket.on('end', () => {
			try {
				resolve(JSON.parse(Buffer.concat(parts).toString()) as StatusSnapshot);
			} catch {
				reject(new Error('the answer cannot be read'));
			}
		});
	});
}

/**
 * Listens at `path`, for this user alone; takes over the file that a dead process left, and rejects
 * when a live one answers there.
 */
export async function listenLocally(server: Server, path: string): Promise<void> {
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
