import {createSocket, type RemoteInfo, type Socket} from 'node:dgram';
import {once} from 'node:events';
import type {Millis} from '../bytes/time.ts';
import {ReplayWindow} from '../core/replay-window.ts';
import {Pace} from './pace.ts';

/** Bytes in every datagram: a packet of a telephone call. */
export const DATAGRAM_BYTES = 172;

const TICK: Millis = 2;

/** Silence after which datagrams under way count as lost, and the longest wait for it. */
const SILENCE: Millis = 300;
const PATIENCE: Millis = 3000;

/** Asked for; the system may give less. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** Numbers remembered to recognise a second delivery: half a minute at full speed. */
const REMEMBERED = 65_536;

/** Counts of the two programs outside the tunnel in one direction, by sequence numbers. */
export interface DirectionCounts {
	readonly sent: number;
	/** Different ones. */
	readonly arrived: number;
	/** That had arrived before. */
	readonly twice: number;
}

/** Numbers what leaves and knows again what arrives. */
class Sequence {
	sent = 0;
	arrived = 0;
	twice = 0;
	readonly #seen = new ReplayWindow(REMEMBERED);
	readonly #payload = Buffer.alloc(DATAGRAM_BYTES, 0x5a);

	/** The next datagram; a copy, because a socket may send it later. */
	next(): Buffer {
		this.#payload.writeUIntBE(this.sent++, 0, 6);
		return Buffer.from(this.#payload);
	}

	accept(bytes: Buffer): void {
		if (this.#seen.accept(bytes.readUIntBE(0, 6))) this.arrived++;
		else this.twice++;
	}

	get counts(): DirectionCounts {
		const {sent, arrived, twice} = this;
		return {sent, arrived, twice};
	}
}

/** The echo target: answers each datagram with one that has a number of its own. */
export class EchoTarget {
	readonly #socket: Socket;
	readonly #in: Sequence;
	readonly #out: Sequence;

	private constructor(socket: Socket, traffic: Sequence, answers: Sequence) {
		this.#socket = socket;
		this.#in = traffic;
		this.#out = answers;
		socket.on('message', (bytes, from) => this.#answer(bytes, from));
		// An answer after the end is lost, as it would be anywhere.
		socket.on('error', () => {});
	}

	/** Opens it on a free port. */
	static async open(): Promise<EchoTarget> {
		return new EchoTarget(await openSocket(), new Sequence(), new Sequence());
	}

	get port(): number {
		return this.#socket.address().port;
	}

	/** The sequences that the application fills from its side. */
	get sequences(): readonly [traffic: Sequence, answers: Sequence] {
		return [this.#in, this.#out];
	}

	close(): void {
		this.#socket.close();
	}

	#answer(bytes: Buffer, {port, address}: RemoteInfo): void {
		this.#in.accept(bytes);
		this.#socket.send(this.#out.next(), port, address);
	}
}

/** The application: sends numbered datagrams to the classic port and counts the answers. */
export class Application {
	readonly #socket: Socket;
	readonly #pace: Pace;
	readonly #traffic: Sequence;
	readonly #answers: Sequence;
	readonly #startedAt: Millis = performance.now();
	#stoppedAt: Millis | undefined;
	#arrivedAt: Millis = performance.now();
	#timer: NodeJS.Timeout | undefined;

	private constructor(socket: Socket, echo: EchoTarget, rate: number) {
		this.#socket = socket;
		[this.#traffic, this.#answers] = echo.sequences;
		this.#pace = new Pace(rate, this.#startedAt);
		socket.on('error', () => {});
		socket.on('message', (bytes) => {
			this.#answers.accept(bytes);
			this.#arrivedAt = performance.now();
		});
		this.#timer = setInterval(() => this.#send(), TICK);
	}

	/** Begins to send `rate` datagrams per second to a port of this machine. */
	static async start(port: number, echo: EchoTarget, rate: number): Promise<Application> {
		const socket = await openSocket();
		const connected = once(socket, 'connect');
		socket.connect(port, '127.0.0.1');
		await connected;
		return new Application(socket, echo, rate);
	}

	/** Datagrams per second that it aims at now; it starts with fewer than asked for. */
	get rate(): number {
		return this.#pace.rate;
	}

	/** The machine is too busy for the rate that was asked for. */
	get limited(): boolean {
		return this.#pace.limited;
	}

	/** Called on a sign that the machine does not keep up. */
	strained(): void {
		this.#pace.strained();
	}

	/** Time for which it has sent so far. */
	get duration(): Millis {
		return (this.#stoppedAt ?? performance.now()) - this.#startedAt;
	}

	/** To the echo target, and back. */
	get counts(): readonly [up: DirectionCounts, down: DirectionCounts] {
		return [this.#traffic.counts, this.#answers.counts];
	}

	/** Stops sending; resolves when nothing arrives any more. */
	async stop(): Promise<void> {
		clearInterval(this.#timer);
		this.#timer = undefined;
		this.#stoppedAt = performance.now();
		const end = this.#stoppedAt + PATIENCE;
		this.#arrivedAt = this.#stoppedAt;
		while (performance.now() < Math.min(end, this.#arrivedAt + SILENCE)) {
			await new Promise((resolve) => setTimeout(resolve, SILENCE / 10));
		}
	}

	close(): void {
		clearInterval(this.#timer);
		this.#socket.close();
	}

	#send(): void {
		for (let due = this.#pace.due(performance.now()); due > 0; due--) {
			this.#socket.send(this.#traffic.next());
		}
	}
}

async function openSocket(): Promise<Socket> {
	const socket = createSocket({
		type: 'udp4',
		// Without this Node resolves the literal on every send.
		lookup: (host, _options, callback) => callback(null, host, 4),
	});
	// With that lookup the event comes before bind returns.
	const listening = once(socket, 'listening');
	socket.bind(0, '127.0.0.1');
	await listening;
	try {
		socket.setRecvBufferSize(BUFFER_BYTES);
		socket.setSendBufferSize(BUFFER_BYTES);
	} catch {
		// The system's own sizes do as well.
	}
	return socket;
}
