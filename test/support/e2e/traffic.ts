import {createSocket, type Socket} from 'node:dgram';
import {once} from 'node:events';
import {waitFor} from '../machine/wait-for.ts';

/**
 * Looks in a row that find nothing new, 2 ms and more apart, after which nothing comes any more: a
 * process that stood still has looked once.
 */
const QUIET_LOOKS = 1000;

/** A target that sends every datagram back to where it came from. */
export class EchoTarget {
	/** The source ports seen, in the order of their first datagram. */
	readonly ports: number[] = [];
	/** How often each datagram came, by its text. */
	readonly seen: Map<string, number> = new Map();
	readonly #socket: Socket;

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.on('error', () => {});
		socket.on('message', (bytes, {address, port}) => {
			if (!this.ports.includes(port)) this.ports.push(port);
			const text = bytes.toString('latin1');
			this.seen.set(text, (this.seen.get(text) ?? 0) + 1);
			socket.send(bytes, port, address);
		});
	}

	static async open(host = '127.0.0.1'): Promise<EchoTarget> {
		return new EchoTarget(await bound(host));
	}

	get port(): number {
		return this.#socket.address().port;
	}

	/** The datagrams that came more than once. */
	get repeated(): readonly string[] {
		return [...this.seen].filter(([, count]) => count > 1).map(([text]) => text.slice(0, 20));
	}

	close(): void {
		this.#socket.close();
	}
}

/** An application that sends numbered datagrams and notes when which answer came. */
export class Application {
	/** When each number was sent and answered, in milliseconds. */
	readonly sentAt: number[] = [];
	readonly answeredAt: Map<number, number> = new Map();
	/** Answers that came a second time. */
	repeated = 0;
	/** What came, when it is no number. */
	readonly received: Buffer[] = [];
	readonly #socket: Socket;
	readonly #port: number;
	#timer: NodeJS.Timeout | undefined;

	private constructor(socket: Socket, port: number) {
		this.#socket = socket;
		this.#port = port;
		// The classic port is closed while the client is restarted.
		socket.on('error', () => {});
		socket.on('message', (bytes) => this.#receive(bytes));
	}

	/** Sends to `port` of loopback. */
	static async open(port: number): Promise<Application> {
		return new Application(await bound('127.0.0.1'), port);
	}

	get port(): number {
		return this.#socket.address().port;
	}

	#receive(bytes: Buffer): void {
		const number = Number(bytes.toString('latin1'));
		if (bytes.length > 12 || !Number.isInteger(number)) {
			this.received.push(bytes);
			return;
		}
		if (this.answeredAt.has(number)) this.repeated++;
		else this.answeredAt.set(number, performance.now());
	}

	/** Sends the next number, or these bytes. */
	send(bytes?: Uint8Array): void {
		if (bytes === undefined) this.sentAt.push(performance.now());
		this.#socket.send(bytes ?? String(this.sentAt.length - 1), this.#port, '127.0.0.1');
	}

	/** Sends so many numbers a second from now on, in steps when the clock is late. */
	start(perSecond: number): void {
		const from = performance.now();
		let sent = 0;
		this.#timer = setInterval(() => {
			// After a stall of this process the rest is not made up for: a burst is another test.
			for (
				let step = 0;
				step < 10 && sent < ((performance.now() - from) * perSecond) / 1000;
				step++
			) {
				sent++;
				this.send();
			}
		}, 2);
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	/** Resolves when `count` more answers have come than were there. */
	async hears(count: number, limit = 30_000): Promise<void> {
		const goal = this.answeredAt.size + count;
		await waitFor(() => this.answeredAt.size >= goal, `${count} more answers`, limit);
	}

	/** Resolves when what is sent from now on is answered. */
	async isAnswered(limit = 30_000): Promise<void> {
		const first = this.sentAt.length;
		const answered = () => [...this.answeredAt.keys()].some((number) => number >= first);
		await waitFor(answered, 'an answer to a new datagram', limit);
	}

	/** Stops, waits until everything is answered or nothing comes any more; returns what is lost. */
	async settle(): Promise<readonly number[]> {
		this.stop();
		const lost = () =>
			this.sentAt.map((_, number) => number).filter((n) => !this.answeredAt.has(n));
		let quiet = 0;
		let before = lost().length;
		const settled = () => {
			const now = lost().length;
			quiet = now === before ? quiet + 1 : 0;
			before = now;
			return now === 0 || quiet === QUIET_LOOKS;
		};
		await waitFor(settled, 'the last answers', 60_000);
		return lost();
	}

	close(): void {
		this.stop();
		this.#socket.close();
	}
}

async function bound(host: string): Promise<Socket> {
	const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
	socket.bind(0, host);
	await once(socket, 'listening');
	try {
		socket.setRecvBufferSize(4 << 20);
	} catch {
		// Bursts may then be lost on machines with small limits.
	}
	return socket;
}
