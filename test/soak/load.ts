import {chooseIo} from '../../src/net/udp/io-choice.ts';
import type {DatagramBatch, UdpHandlers, UdpSocket} from '../../src/net/udp/udp.ts';

const LOCALHOST = '127.0.0.1';
const SIZE = 1200;

/** Datagrams sent and received that were sent in one second. */
interface Second {
	sent: number;
	received: number;
}

/**
 * Applications that send at a fixed rate and a target that counts, in this process. Each datagram
 * says in which second it was sent.
 */
export class Load implements UdpHandlers {
	readonly seconds: Second[] = [];
	/** Datagrams that are not what was sent. */
	corrupt = 0;
	readonly #backEnd = chooseIo(undefined).backEnd;
	readonly #sink: UdpSocket;
	readonly #applications: UdpSocket[] = [];
	readonly #rate: number;
	readonly #port: number;
	readonly #slots = new Uint8Array(64 * SIZE);
	#sequence = 0;
	#begun = 0;
	#running = false;

	/** @param port where the client listens */
	constructor(rate: number, port: number, applications: number) {
		this.#rate = rate;
		this.#port = port;
		this.#sink = this.#backEnd.open({address: LOCALHOST, port: 0}, this);
		for (let i = 0; i < applications; i++) this.#applications.push(this.#open());
	}

	/** Where the target is. */
	get target(): number {
		return this.#sink.localPort;
	}

	start(): void {
		this.#running = true;
		this.#begun = performance.now();
		this.#step();
	}

	/** The oldest application ends and a new one, with a flow of its own, begins. */
	replaceApplication(): void {
		void this.#applications.shift()?.close();
		this.#applications.push(this.#open());
	}

	stop(): void {
		this.#running = false;
	}

	async close(): Promise<void> {
		await Promise.all([this.#sink, ...this.#applications].map((socket) => socket.close()));
	}

	onBatch(_socket: UdpSocket, {arena, offsets, lengths, count}: DatagramBatch): void {
		for (let i = 0; i < count; i++) {
			const at = offsets[i]!;
			const second = this.seconds[arena[at]! | (arena[at + 1]! << 8)];
			const intact = lengths[i] === SIZE && arena[at + 2] === arena[at + SIZE - 1];
			if (intact && second !== undefined && arena[at + 2] === arena[at + SIZE / 2])
				second.received++;
			else this.corrupt++;
		}
	}

	onError(): void {}

	#open(): UdpSocket {
		const ignore = {onBatch: () => {}, onError: () => {}};
		return this.#backEnd.open({address: LOCALHOST, port: 0}, ignore);
	}

	readonly #step = (): void => {
		if (!this.#running) return;
		const elapsed = performance.now() - this.#begun;
		const now = Math.floor(elapsed / 1000);
		this.seconds[now] ??= {sent: 0, received: 0};
		const due = Math.floor((elapsed * this.#rate) / 1000);
		for (let sent = 0; this.#sequence < due && sent < 64; sent++) this.#send(now);
		for (const socket of this.#applications) socket.flush();
		// What is due goes at once, the rest a millisecond later.
		if (this.#sequence < due) setImmediate(this.#step);
		else setTimeout(this.#step, 1);
	};

	#send(second: number): void {
		const socket = this.#applications[this.#sequence % this.#applications.length]!;
		const start = (this.#sequence++ % 64) * SIZE;
		this.#slots.fill(this.#sequence, start, start + SIZE);
		this.#slots[start] = second;
		this.#slots[start + 1] = second >> 8;
		const to = socket.remote(LOCALHOST, this.#port);
		socket.send(this.#slots, start, start + SIZE, to);
		this.seconds[second]!.sent++;
	}
}
