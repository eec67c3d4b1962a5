import type {Millis} from '../../../src/bytes/time.ts';
import type {ServerConfig} from '../../../src/core/endpoint.ts';
import type {Environment} from '../../../src/core/environment.ts';
import type {EndpointEvent} from '../../../src/core/events.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import type {TunnelStream} from '../../../src/core/tunnel-stream.ts';
import {environmentOf, remoteOf} from '../../core/session/core-fixtures.ts';
import {connectRaw, type RawSession} from './raw-session.ts';
import {CountedServer} from './slot-count.ts';

/** A datagram that came out of the server. */
interface Delivered {
	readonly flow: number;
	readonly bytes: Uint8Array;
}

/** A server on a virtual clock, drained after every input, whose clients are the test. */
export class ServerBench {
	now: Millis = 1000;
	readonly server: CountedServer;
	readonly sent: {readonly to: RemoteAddress; readonly bytes: Uint8Array}[] = [];
	readonly delivered: Delivered[] = [];
	readonly events: EndpointEvent[] = [];
	readonly streams: TunnelStream[] = [];
	readonly #environment: Environment;

	constructor(
		seed: string,
		config: Partial<ServerConfig> = {},
		environment?: Partial<Environment>,
	) {
		this.#environment = environmentOf(seed, environment);
		const server: ServerConfig = {
			users: [
				{name: 'ann', psk: new Uint8Array(32).fill(1)},
				{name: 'bob', psk: new Uint8Array(32).fill(2)},
			],
			...{keyless: false, encrypt: true, fixedTarget: true, exit: true},
			...{flowIdle: 300_000, sessionIdle: 180_000},
			...{flowLimit: 16_384, flowRate: 4096, sessionLimit: 4096},
			...config,
		};
		this.server = new CountedServer(server, this.#environment);
	}

	/** A session of a user, by its place in the configuration; half-open until its first packet. */
	connect(user: number, client: number = user, remote: RemoteAddress = remoteOf(1)): RawSession {
		const psk = new Uint8Array(32).fill(user + 1);
		const clientId = new Uint8Array(16).fill(client + 1);
		const end = {environment: this.#environment, psk, clientId};
		this.now += 10;
		return connectRaw(end, this.now, (init) => {
			const before = this.sent.length;
			this.receive(init, remote);
			return this.sent[before]?.bytes;
		});
	}

	/** Hands the server a packet. */
	receive(packet: Uint8Array, remote: RemoteAddress = remoteOf(1)): string | undefined {
		const bytes = packet.slice();
		const reason = this.server.receive(remote, bytes, 0, bytes.length, this.now);
		this.drain();
		return reason;
	}

	/** The target of a flow answers. */
	answer(flow: number, bytes: Uint8Array = new Uint8Array(10)): string | undefined {
		const reason = this.server.sendDatagram(flow, bytes, 0, bytes.length, this.now);
		this.drain();
		return reason;
	}

	/** Lets time pass, with every timer. */
	run(duration: Millis): void {
		const until = this.now + duration;
		for (;;) {
			const next = this.server.nextTimeout();
			if (next > until) break;
			this.now = Math.max(this.now, next);
			this.server.handleTimeout(this.now);
			this.drain();
		}
		this.now = until;
	}

	/** Takes everything that the server has to hand out. */
	drain(): void {
		const {server, now} = this;
		for (let round = 0; round < 2; round++) {
			if (round > 0) server.flush(now);
			for (let out = server.pollTransmit(now); out; out = server.pollTransmit(now)) {
				const bytes = out.slot.bytes.slice(out.slot.start, out.slot.end);
				for (let i = 0; i < out.count; i++) this.sent.push({to: out.remotes[i]!, bytes});
				server.releaseSlot(out.slot);
			}
			for (let out = server.pollDelivery(); out; out = server.pollDelivery()) {
				const {flow, bytes, start, end} = out;
				this.delivered.push({flow, bytes: bytes.slice(start, end)});
			}
			for (let event = server.pollEvent(); event; event = server.pollEvent()) {
				this.events.push(event);
			}
			for (let stream = server.pollStream(); stream; stream = server.pollStream()) {
				if (!this.streams.includes(stream)) this.streams.push(stream);
			}
		}
		if (server.slots.out !== 0) throw new Error('a slot is out');
	}

	/** The texts of events of that type, in their order. */
	eventsOf<T extends EndpointEvent['type']>(type: T): Extract<EndpointEvent, {type: T}>[] {
		return this.events.filter((event): event is Extract<EndpointEvent, {type: T}> => {
			return event.type === type;
		});
	}
}
