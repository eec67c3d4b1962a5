import {createSocket, type Socket} from 'node:dgram';
import {once} from 'node:events';
import type {LoadBinding, LoadSocket, LoadSockets, Reception, Source} from './load-sockets.ts';

/** What it is asked for; the system gives what it allows. */
const RECEIVE_BUFFER = 1 << 22;
const SEND_BUFFER = 1 << 20;
/** From here on a timer is exact enough. */
const TIMER_MICROS = 1500;

/** Where there is no batch layer: sockets of node:dgram, slower. */
export class DgramSockets implements LoadSockets {
	readonly description = 'node:dgram, datagram by datagram';

	async open({address, to}: LoadBinding, reception: Reception): Promise<LoadSocket> {
		const socket = createSocket({
			type: 'udp4',
			// Without it every datagram would take a turn through the thread pool.
			lookup: (host, _options, callback) => callback(null, host, 4),
		});
		// A target that is restarting refuses; that is part of what is measured.
		socket.on('error', () => {});
		socket.on('message', (bytes, from) => {
			const memory = new Uint8Array(bytes.buffer);
			reception.onDatagram(memory, bytes.byteOffset, bytes.byteOffset + bytes.length, from);
			reception.onEnd();
		});
		// Asked before: with that lookup it happens at once.
		const listening = once(socket, 'listening');
		socket.bind(0, address);
		await listening;
		if (to !== undefined) {
			const connected = once(socket, 'connect');
			socket.connect(to.port, to.host);
			await connected;
		}
		socket.setRecvBufferSize(RECEIVE_BUFFER);
		socket.setSendBufferSize(SEND_BUFFER);
		return new DgramLoadSocket(socket);
	}

	async wait(micros: number): Promise<void> {
		const loop = micros < TIMER_MICROS ? setImmediate : setTimeout;
		await new Promise<void>((resolve) => {
			loop(resolve, micros < TIMER_MICROS ? undefined : 1);
		});
	}
}

class DgramLoadSocket implements LoadSocket {
	readonly port: number;
	readonly dropped = 0;
	readonly missed = 0;
	readonly #socket: Socket;

	constructor(socket: Socket) {
		this.#socket = socket;
		this.port = socket.address().port;
	}

	send(bytes: Uint8Array, start: number, end: number, to?: Source): void {
		// A copy: it is sent later.
		const copy = bytes.slice(start, end);
		if (to === undefined) this.#socket.send(copy);
		else {
			const {port, address} = to as {port: number; address: string};
			this.#socket.send(copy, port, address);
		}
	}

	flush(): void {}

	close(): void {
		this.#socket.close();
	}
}
