import type {RemoteAddress} from '../core/remote-address.ts';
import {formatAddress} from './ip.ts';
import type {DatagramBatch, UdpBackEnd, UdpHandlers, UdpSocket} from './udp.ts';

/** What a listener gets from outside. */
export interface ListenerInit {
	readonly id: number;
	/** An IP literal; port 0 = any. */
	readonly host: string;
	readonly port: number;
	readonly backEnd: UdpBackEnd;
	readonly received: (listener: number, batch: DatagramBatch) => void;
}

/** The classic port: applications send here and get their answers from here. */
export class Listener implements UdpHandlers {
	readonly id: number;
	readonly #socket: UdpSocket;
	readonly #received: (listener: number, batch: DatagramBatch) => void;
	/** Answers that the system refused. */
	failures = 0;

	/** Opens it at once; throws a SocketError when it cannot. */
	constructor(init: ListenerInit) {
		this.id = init.id;
		this.#received = init.received;
		this.#socket = init.backEnd.open({address: init.host, port: init.port}, this);
	}

	/** Where it listens, as `host:port`. */
	get address(): string {
		return formatAddress(this.#socket.localAddress, this.#socket.localPort);
	}

	get port(): number {
		return this.#socket.localPort;
	}

	/** Answers dropped because the system's queue was full. */
	get dropped(): number {
		return this.#socket.dropped;
	}

	/** Datagrams that came in and were lost because they were not read in time. */
	get missed(): number {
		return this.#socket.missed;
	}

	/** Sends an answer; true = see UdpSocket.send. */
	send(application: RemoteAddress, bytes: Uint8Array, start: number, end: number): boolean {
		return this.#socket.send(bytes, start, end, application);
	}

	flush(): void {
		this.#socket.flush();
	}

	close(): Promise<void> {
		return this.#socket.close();
	}

	onBatch(_socket: UdpSocket, batch: DatagramBatch): void {
		this.#received(this.id, batch);
	}

	onError(): void {
		this.failures++;
	}
}
