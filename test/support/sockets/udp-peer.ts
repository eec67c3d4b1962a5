import {createSocket, type RemoteInfo, type Socket} from 'node:dgram';
import {once} from 'node:events';

/** A plain UDP socket of node:dgram that keeps what it gets. */
export class UdpPeer {
	readonly received: {text: string; from: RemoteInfo}[] = [];
	readonly #socket: Socket;

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.on('message', (bytes, from) => this.received.push({text: bytes.toString(), from}));
		socket.on('error', () => {});
	}

	static async open(port = 0, host = '127.0.0.1'): Promise<UdpPeer> {
		const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
		socket.bind(port, host);
		await once(socket, 'listening');
		// A test that fails before it closes this leaves no process behind that waits for it.
		socket.unref();
		return new UdpPeer(socket);
	}

	get port(): number {
		return this.#socket.address().port;
	}

	/** Answers every datagram with `text`. */
	answerWith(text: string): void {
		this.#socket.on('message', (_bytes, from) => this.send(text, from.port, from.address));
	}

	/** Sends every datagram back with `prefix` in front. */
	echoWith(prefix: string): void {
		this.#socket.on('message', (bytes, from) =>
			this.send(`${prefix}${bytes}`, from.port, from.address),
		);
	}

	send(text: string, port: number, host = '127.0.0.1'): void {
		this.#socket.send(text, port, host);
	}

	async close(): Promise<void> {
		this.#socket.close();
		await once(this.#socket, 'close');
	}
}
