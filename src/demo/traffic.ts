import {createSocket, type RemoteInfo, type Socket} from 'node:dgram';
import {once} from 'node:events';
import type {Millis} from '../bytes/time.ts';
import {Arrivals, type Delays} from './arrivals.ts';
import {Pace} from './pace.ts';

/** Bytes in every datagram: too long for two to share a packet, so that each has one of its own. */
export const DATAGRAM_BYTES = 900;

/** Places in a datagram: its number, and the time at which it was sent. */
const NUMBER_BYTES = 6;
const TIME_AT: number = NUMBER_BYTES;

const TICK: Millis = 2;

/** Silence after which datagrams under way count as lost, and the longest wait for it. */
const SILENCE: Millis = 300;
const PATIENCE: Millis = 3000;

/** Asked for; the system may give less. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** Counts of the two programs outside the tunnel in one direction, by sequence numbers. */
export interface DirectionCounts {
	readonly sent: number;
	/** Different ones. */
	readonly arrived: number;
	/** That had arrived before. */
	readonly twice: number;
	/** Those of `arrived` that came later than they should. */
	readonly late: number;
	/** Those of `arrived`: from one program to the other. */
	readonly delays: Delays;
}

/** Numbers what leaves and knows again what arrives. */
class Sequence {
	sent = 0;
	readonly arrivals: Arrivals = new Arrivals();
	readonly #payload = Buffer.alloc(DATAGRAM_BYTES, 0x5a);

	/** The next datagram; a copy, because a socket may send it later. */
	next(): Buffer {
		this.#payload.writeUIntBE(this.sent++, 0, NUMBER_BYTES);
		this.#payload.writeDoubleBE(performance.now(), TIME_AT);
		return Buffer.from(this.#payload);
	}

	accept(bytes: Buffer): void {
		const number = bytes.readUIntBE(0, NUMBER_BYTES);
		this.arrivals.accept(number, bytes.readDoubleBE(TIME_AT), performance.now());
	}

	get counts(): DirectionCounts {
		const {arrived, twice, late, delays} = this.arrivals;
		return {sent: this.sent, arrived, twice, late, delays};
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

	async close(): Promise<void> {
		this.#socket.close();
	}

	#answer(bytes: Buffer, {port, address}: RemoteInfo): void {
		this.#in.accept(bytes);
		this.#socket.send(this.#out.next(), port, address);
	}
}

/** A tunnel with the application's socket at its near end and the echo target at its far end. */
interface Route {
	readonly socket: Socket;
	readonly traffic: Sequence;
	readonly answers: Sequence;
}

/** An entrance of a tunnel, and the echo target behind it. */
export interface Entrance {
	/** Port of this machine. */
	readonly classicPort: number;
	readonly echo: EchoTarget;
}

/**
 * The application: sends numbered datagrams into each of some tunnels, the same to all at the same
 * times, and counts the answers.
 */
export class Application {
	readonly #routes: readonly Route[];
	readonly #pace: Pace;
	readonly #startedAt: Millis = performance.now();
	#stoppedAt: Millis | undefined;
	#arrivedAt: Millis = performance.now();
	#timer: NodeJS.Timeout | undefined;

	private constructor(routes: readonly Route[], rate: number) {
		this.#routes = routes;
		this.#pace = new Pace(rate, this.#startedAt);
		for (const {socket, answers} of routes) {
			socket.on('error', () => {});
			socket.on('message', (bytes) => {
				answers.accept(bytes);
				this.#arrivedAt = performance.now();
			});
		}
		this.#timer = setInterval(() => this.#send(), TICK);
	}

	/** Begins to send `rate` datagrams per second into each tunnel. */
	static async start(entrances: readonly Entrance[], rate: number): Promise<Application> {
		const routes = entrances.map(async ({classicPort, echo}) => {
			const socket = await openSocket();
			const connected = once(socket, 'connect');
			socket.connect(classicPort, '127.0.0.1');
			await connected;
			const [traffic, answers] = echo.sequences;
			return {socket, traffic, answers};
		});
		return new Application(await Promise.all(routes), rate);
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

	/** By tunnel: to the echo target, and back. */
	get counts(): readonly (readonly [up: DirectionCounts, down: DirectionCounts])[] {
		return this.#routes.map(({traffic, answers}) => [traffic.counts, answers.counts]);
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
		for (const {socket} of this.#routes) socket.close();
	}

	#send(): void {
		for (let due = this.#pace.due(performance.now()); due > 0; due--) {
			for (const {socket, traffic} of this.#routes) socket.send(traffic.next());
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
