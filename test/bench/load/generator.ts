import {Arrivals} from './arrivals.ts';
import {sharedNow} from './clock.ts';
import {HEADER_LENGTH, KIND, kindAt, runAt, sentAt, sequenceAt, viewOf} from './datagram.ts';
import {Histogram} from './histogram.ts';
import type {LoadSocket, LoadSockets, Reception} from './load-sockets.ts';
import type {LoadCommand, LoadResult} from './messages.ts';
import {Pacer} from './pacer.ts';
import {Packets} from './packets.ts';

/** The shortest pause between bursts: bursts stay far smaller than a socket's buffer. */
const TICK_MICROS = 200;
/** Datagrams of one burst at most; more would find no room on their way. */
const MOST_AT_ONCE = 256;

/** Sends numbered datagrams at a rate, and measures what comes back. */
export class Generator {
	readonly #sockets: LoadSockets;
	/** Kept, by where they lead: a plain socat serves only the first address that it hears of. */
	readonly #open = new Map<string, Promise<LoadSocket>>();
	readonly #pushed = new Arrivals();
	readonly #trips = new Histogram();
	#run = 0;

	constructor(sockets: LoadSockets) {
		this.#sockets = sockets;
	}

	async send(command: LoadCommand): Promise<LoadResult> {
		const {run, host, ports, flows, sizes, rate, millis, echoEvery} = command;
		const groups: LoadSocket[][] = [];
		for (let flow = 0; flow < flows; flow++) {
			groups.push(await Promise.all(ports.map((port) => this.#socketTo(host, port, flow))));
		}
		this.#run = run;
		this.#pushed.clear();
		this.#trips.clear();
		const packets = new Packets(sizes);
		const dropped = groups.map(([first]) => first?.dropped ?? 0);
		const begin = sharedNow();
		const pacer = new Pacer(rate, begin);
		let sequence = 0;
		let wanted = 0;
		for (let now = begin, turn = 0; now - begin < millis; now = sharedNow(), turn++) {
			const due = rate === Number.POSITIVE_INFINITY ? MOST_AT_ONCE : pacer.due(now);
			const group = groups[turn % flows]!;
			for (let left = due; left > 0; left--) {
				const echo = echoEvery > 0 && sequence % echoEvery === 0;
				if (echo) wanted++;
				packets.make(run, sequence++, now, echo ? KIND.echo : KIND.count);
				const {bytes, start, end} = packets;
				for (const socket of group) socket.send(bytes, start, end);
				if (left % MOST_AT_ONCE === 1) for (const socket of group) socket.flush();
			}
			const until = Number.isFinite(rate) ? (pacer.nextAt - sharedNow()) * 1000 : 0;
			const pause = until <= 0 ? 0 : Math.max(until, due > 0 ? TICK_MICROS : 0);
			const left = (begin + millis - now) * 1000;
			const waiting = this.#sockets.wait(Math.min(pause, left));
			if (waiting !== undefined) await waiting;
		}
		const took = sharedNow() - begin;
		await this.#drain(command.drainMillis);
		const refused = groups.reduce(
			(sum, [first], i) => sum + (first?.dropped ?? 0) - dropped[i]!,
			0,
		);
		const {count} = this.#trips;
		return {
			sent: sequence - refused,
			begin,
			millis: took,
			wanted,
			echoed: count,
			p50: this.#trips.quantile(0.5),
			p99: this.#trips.quantile(0.99),
			pushed: this.#pushed.unique,
			pushedTwice: this.#pushed.duplicates,
			lastPushed: this.#pushed.last,
		};
	}

	/** Closes its sockets. */
	async stop(): Promise<void> {
		for (const socket of this.#open.values()) (await socket).close();
		this.#open.clear();
	}

	#socketTo(host: string, port: number, flow: number): Promise<LoadSocket> {
		const key = `${host} ${port} ${flow}`;
		const open =
			this.#open.get(key) ??
			this.#sockets.open({address: '0.0.0.0', to: {host, port}}, this.#reception);
		this.#open.set(key, open);
		return open;
	}

	async #drain(millis: number): Promise<void> {
		const end = sharedNow() + millis;
		for (let left = millis; left > 0; left = end - sharedNow()) {
			const waiting = this.#sockets.wait(left * 1000);
			if (waiting !== undefined) await waiting;
		}
	}

	readonly #reception: Reception = {
		onDatagram: (bytes, start, end) => {
			if (end - start < HEADER_LENGTH) return;
			const view = viewOf(bytes);
			if (runAt(view, start) !== this.#run) return;
			const now = sharedNow();
			const sent = sentAt(view, start);
			if (kindAt(view, start) === KIND.push) {
				this.#pushed.add(sequenceAt(view, start), end - start, sent, now);
			} else this.#trips.add((now - sent) * 1000);
		},
		onEnd: () => {},
	};
}
