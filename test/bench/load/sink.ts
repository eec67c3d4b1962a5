import {Arrivals} from './arrivals.ts';
import {sharedNow} from './clock.ts';
import {HEADER_LENGTH, KIND, kindAt, runAt, sentAt, sequenceAt, viewOf} from './datagram.ts';
import type {LoadSocket, LoadSockets, Source} from './load-sockets.ts';
import type {SinkCommand, SinkResult} from './messages.ts';
import {Pacer} from './pacer.ts';
import {Packets} from './packets.ts';

/** So long it looks at nothing but its socket; then commands have their turn. */
const TURN_MILLIS = 10;
const TICK_MICROS = 200;

/** Counts and echoes what arrives, and sends datagrams of its own to where it came from. */
export class Sink {
	readonly #sockets: LoadSockets;
	readonly #arrivals = new Arrivals();
	#socket: LoadSocket | undefined;
	#run = 0;
	#source: Source;
	#missed = 0;
	#echoes = 0;
	#push: Extract<SinkCommand, {type: 'begin'}>['push'];
	#pacer: Pacer | undefined;
	#pushUntil = 0;
	#packets = new Packets([HEADER_LENGTH]);
	#pushed = 0;

	constructor(sockets: LoadSockets) {
		this.#sockets = sockets;
	}

	/** Opens the socket and begins to receive. */
	async start(): Promise<void> {
		this.#socket = await this.#sockets.open(
			{address: '0.0.0.0'},
			{
				onDatagram: (bytes, start, end, from) => this.#receive(bytes, start, end, from),
				onEnd: () => {
					if (this.#echoes > 0) this.#socket?.flush();
					this.#echoes = 0;
				},
			},
		);
		void this.#turn();
	}

	handle(command: SinkCommand): SinkResult {
		if (command.type === 'begin') {
			this.#run = command.run;
			this.#push = command.push;
			this.#pacer = undefined;
			this.#source = undefined;
			this.#pushed = 0;
			this.#packets = new Packets([command.push?.size ?? HEADER_LENGTH]);
			this.#missed = this.#socket?.missed ?? 0;
			this.#arrivals.clear();
		}
		const {unique, bytes, duplicates, reordered, delays, last, gapFrom, gapUntil} = this.#arrivals;
		return {
			description: this.#sockets.description,
			port: this.#socket?.port ?? 0,
			unique,
			bytes,
			duplicates,
			reordered,
			missed: (this.#socket?.missed ?? 0) - this.#missed,
			delayP50: delays.quantile(0.5),
			delayP99: delays.quantile(0.99),
			last,
			gapFrom,
			gapUntil,
			pushed: this.#pushed,
		};
	}

	#receive(bytes: Uint8Array, start: number, end: number, from: Source): void {
		if (end - start < HEADER_LENGTH) return;
		const view = viewOf(bytes);
		if (runAt(view, start) !== this.#run) return;
		const now = sharedNow();
		this.#arrivals.add(sequenceAt(view, start), end - start, sentAt(view, start), now);
		this.#source = from;
		if (kindAt(view, start) !== KIND.echo) return;
		this.#socket?.send(bytes, start, end, from);
		this.#echoes++;
	}

	async #turn(): Promise<void> {
		const until = sharedNow() + TURN_MILLIS;
		do {
			const waiting = this.#sockets.wait(this.#pushDue() ? TICK_MICROS : TURN_MILLIS * 500);
			if (waiting !== undefined) await waiting;
		} while (sharedNow() < until);
		if (this.#socket !== undefined) setImmediate(() => void this.#turn());
	}

	/** Ends it. */
	stop(): void {
		this.#socket?.close();
		this.#socket = undefined;
	}

	// Sends what is due; false = there is nothing to send now or soon.
	#pushDue(): boolean {
		const push = this.#push;
		const source = this.#source;
		if (push === undefined || source === undefined) return false;
		const now = sharedNow();
		if (this.#pacer === undefined) {
			this.#pacer = new Pacer(push.rate, now);
			this.#pushUntil = now + push.millis;
		}
		if (now > this.#pushUntil) return false;
		const due = this.#pacer.due(now);
		for (let i = 0; i < due; i++) {
			this.#packets.make(this.#run, this.#pushed++, now, KIND.push);
			const {bytes, start, end} = this.#packets;
			this.#socket?.send(bytes, start, end, source);
		}
		if (due > 0) this.#socket?.flush();
		return true;
	}
}
