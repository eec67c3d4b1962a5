import type {RemoteAddress} from '../../core/remote-address.ts';
import {formatAddress} from '../../text/ip.ts';
import {isMissingAddress, listenAddresses} from './listen-addresses.ts';
import type {DatagramBatch, UdpBackEnd, UdpHandlers, UdpSocket} from './udp.ts';

/** Inputs of a listener. */
export interface ListenerInit {
	readonly id: number;
	/** An IP literal, or `localhost` for both loopback addresses; port 0 = any. */
	readonly host: string;
	readonly port: number;
	readonly backEnd: UdpBackEnd;
	readonly received: (listener: number, batch: DatagramBatch) => void;
}

/**
 * A port that applications send to and get their answers from, on one or both loopback addresses.
 */
export class Listener implements UdpHandlers {
	readonly id: number;
	/** At least one; all on the same port. */
	readonly #sockets: UdpSocket[] = [];
	readonly #received: (listener: number, batch: DatagramBatch) => void;
	/** Answers that the system refused. */
	failures = 0;

	/** Opens it at once; throws a SocketError when it cannot. */
	constructor({id, host, port, backEnd, received}: ListenerInit) {
		this.id = id;
		this.#received = received;
		const addresses = listenAddresses(host);
		for (const [index, address] of addresses.entries()) {
			try {
				this.#sockets.push(
					backEnd.open({address, port: this.#sockets[0]?.localPort ?? port}, this),
				);
			} catch (error) {
				const others = this.#sockets.length > 0 || index < addresses.length - 1;
				if (others && isMissingAddress(error)) continue;
				void this.close();
				throw error;
			}
		}
	}

	/** Addresses it listens on, as `host:port`. */
	get addresses(): readonly string[] {
		return this.#sockets.map(({localAddress, localPort}) => formatAddress(localAddress, localPort));
	}

	get port(): number {
		return this.#sockets[0]?.localPort ?? 0;
	}

	/** Answers dropped because the system's queue was full. */
	get dropped(): number {
		return this.#sockets.reduce((sum, {dropped}) => sum + dropped, 0);
	}

	/** Datagrams that came in and were lost because they were not read in time. */
	get missed(): number {
		return this.#sockets.reduce((sum, {missed}) => sum + missed, 0);
	}

	/** Sends an answer from where the application sent to; true = see UdpSocket.send. */
	send(application: RemoteAddress, bytes: Uint8Array, start: number, end: number): boolean {
		for (let i = 0; i < this.#sockets.length; i++) {
			const socket = this.#sockets[i]!;
			if (socket.index === application.socket) return socket.send(bytes, start, end, application);
		}
		return false;
	}

	flush(): void {
		for (let i = 0; i < this.#sockets.length; i++) this.#sockets[i]!.flush();
	}

	async close(): Promise<void> {
		await Promise.all(this.#sockets.map((socket) => socket.close()));
	}

	onBatch(_socket: UdpSocket, batch: DatagramBatch): void {
		this.#received(this.id, batch);
	}

	onError(): void {
		this.failures++;
	}
}
