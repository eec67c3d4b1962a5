import {createSocket, type RemoteInfo, type Socket} from 'node:dgram';
import {once} from 'node:events';
import {waitFor} from '../support/machine/wait-for.ts';

/** A UDP socket on a free loopback port that remembers what it hears; close it after the test. */
export class LinkSocket {
	readonly heard: Buffer[] = [];
	readonly socket: Socket = createSocket('udp4');
	#isClosed = false;

	/** Opens the socket; with `answer` it sends back what that returns. */
	static async open(
		answer?: (bytes: Buffer, remote: RemoteInfo) => Buffer | undefined,
		port = 0,
	): Promise<LinkSocket> {
		const opened = new LinkSocket();
		opened.socket.on('message', (bytes, remote) => {
			opened.heard.push(bytes);
			const reply = answer?.(bytes, remote);
			if (reply !== undefined) opened.socket.send(reply, remote.port, remote.address);
		});
		opened.socket.bind(port, '127.0.0.1');
		await once(opened.socket, 'listening');
		return opened;
	}

	/** Its port. */
	get port(): number {
		return this.socket.address().port;
	}

	/** Sends one datagram to a port of this machine. */
	send(bytes: Buffer | string, port: number): void {
		this.socket.send(bytes, port, '127.0.0.1');
	}

	/** Resolves when `count` datagrams have come. */
	async hear(count: number): Promise<readonly Buffer[]> {
		await waitFor(() => this.heard.length >= count, `${count} datagrams`);
		return this.heard;
	}

	/** Closes the socket and resolves when its port is free; a second time does nothing. */
	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		await new Promise<void>((done) => this.socket.close(done));
	}
}

/** Sends one byte from each of so many ports of this machine, of which few are open at a time. */
export async function flood(port: number, count: number): Promise<void> {
	for (let sent = 0; sent < count; sent += 50) {
		const sockets = Array.from({length: Math.min(50, count - sent)}, () => createSocket('udp4'));
		await Promise.all(
			sockets.map(async (socket) => {
				await new Promise<void>((done) => socket.send('x', port, '127.0.0.1', () => done()));
				await new Promise<void>((done) => socket.close(done));
			}),
		);
	}
}
