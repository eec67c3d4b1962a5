import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import {waitFor} from '../machine/wait-for.ts';

/** Both ends of a TCP connection over loopback, half-open allowed; closed with the test. */
export async function tcpPair(t: ExecutionContext): Promise<{near: Socket; far: Socket}> {
	const server = createServer({allowHalfOpen: true, pauseOnConnect: true});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const place = server.address();
	const port = place !== null && typeof place === 'object' ? place.port : 0;
	const accepted = once(server, 'connection') as Promise<[Socket]>;
	const near = connect({port, host: '127.0.0.1', allowHalfOpen: true});
	const [far] = await accepted;
	if (near.connecting) await once(near, 'connect');
	server.close();
	for (const socket of [near, far]) {
		socket.on('error', () => {});
		t.teardown(() => socket.destroy());
	}
	return {near, far};
}

/** What a program sees of its connection. */
export class TcpProgram {
	readonly socket: Socket;
	readonly #chunks: Buffer[] = [];
	length = 0;
	ended = false;
	closed = false;
	/** The error that closed it. */
	code: string | undefined;

	constructor(socket: Socket, reading = true) {
		this.socket = socket;
		socket.on('error', (error: NodeJS.ErrnoException) => (this.code = error.code));
		socket.on('end', () => (this.ended = true));
		socket.on('close', () => (this.closed = true));
		if (reading) this.read();
	}

	/** Reads from now on. */
	read(): void {
		this.socket.on('data', (bytes) => {
			this.#chunks.push(bytes);
			this.length += bytes.length;
		});
		this.socket.resume();
	}

	/**
	 * Waits for a reset. Where bytes come before it libuv tells of an end; after that a write of
	 * nothing fails, which after an end that was one it does not.
	 */
	async resetSeen(): Promise<void> {
		this.socket.on('end', () => this.socket.write(''));
		await waitFor(() => this.code === 'ECONNRESET' || this.code === 'EPIPE', 'a reset');
	}

	get received(): Buffer {
		return Buffer.concat(this.#chunks);
	}
}
