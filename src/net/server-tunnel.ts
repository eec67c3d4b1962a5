import type {ServerEndpoint} from '../core/endpoint.ts';
import type {EndpointEvent, EndpointStatus} from '../core/events.ts';
import type {Millis} from '../core/time.ts';
import type {Delivery, Transmit} from '../core/transmit.ts';
import {flowSocketLimit, readSoftLimit} from './descriptors.ts';
import {Driver, type DriverOutputs} from './driver.ts';
import type {Reporter} from './reporter.ts';
import type {Resolver} from './resolver.ts';
import {ServerSockets} from './server-sockets.ts';
import {TargetSockets} from './target-sockets.ts';
import type {DatagramBatch, UdpBackEnd} from './udp.ts';

/** What a server needs to run on real sockets. */
export interface ServerTunnelInit {
	readonly endpoint: ServerEndpoint;
	readonly port: number;
	/** IP literals; empty = every address of the machine. */
	readonly bind: readonly string[];
	/** The fixed target. */
	readonly target: {readonly host: string; readonly port: number};
	readonly backEnd: UdpBackEnd;
	readonly resolver: Resolver;
	readonly reporter: Reporter;
	/** Hears every event of the endpoint, after the tunnel acted on it. */
	readonly onEvent: (event: EndpointEvent) => void;
}

/** A server endpoint with its sockets: the clients on one side, the fixed target on the other. */
export class ServerTunnel implements DriverOutputs {
	readonly #endpoint: ServerEndpoint;
	readonly #init: ServerTunnelInit;
	readonly #driver: Driver;
	readonly #sockets: ServerSockets;
	readonly #targets: TargetSockets;
	#closing = false;

	constructor(init: ServerTunnelInit) {
		this.#init = init;
		const endpoint = init.endpoint;
		const driver = new Driver(endpoint, this);
		this.#endpoint = endpoint;
		this.#driver = driver;
		const {port, bind, target, backEnd, resolver, reporter} = init;
		this.#sockets = new ServerSockets({
			port,
			bind,
			backEnd,
			reporter,
			events: {
				received: (batch) => this.#receive(batch),
				closed: (socket) => this.#input((now) => endpoint.socketClosed(socket, now)),
				tooLong: (remote, size) => this.#input((now) => endpoint.remoteTooLong(remote, size, now)),
			},
		});
		this.#targets = new TargetSockets({
			...target,
			limit: flowSocketLimit(readSoftLimit()),
			backEnd,
			resolver,
			reporter,
			now: () => driver.now(),
			events: {
				answered: (flow, batch) => this.#fromTarget(flow, batch),
				failed: (flow) => this.#input((now) => endpoint.refuseFlow(flow, now)),
			},
		});
	}

	/** Where clients reach it, as `host:port`. */
	get listening(): readonly string[] {
		return this.#sockets.listening;
	}

	/** Datagrams lost on this side of the tunnel's own counters, by reason. */
	get drops(): Readonly<Record<string, number>> {
		return {
			'path-queue-full': this.#sockets.dropped,
			'path-send-failed': this.#sockets.failures,
			'target-queue-full': this.#targets.dropped,
			'target-send-failed': this.#targets.failures,
		};
	}

	/** Opens the sockets and begins; throws a SocketError when no address can be bound. */
	start(): void {
		this.#sockets.start();
		void this.#targets.start();
	}

	/** Says goodbye, stays silent with open sockets as long as bridges need, closes everything. */
	async close(): Promise<void> {
		if (!this.#closing) {
			this.#closing = true;
			this.#driver.input(() => this.#endpoint.close(this.#driver.now()));
			await pause(this.#endpoint.lingerTime());
		}
		await this.abort();
	}

	/** Closes everything at once, without a word to the other end. */
	async abort(): Promise<void> {
		this.#closing = true;
		this.#driver.stop();
		await Promise.all([this.#sockets.close(), this.#targets.close()]);
	}

	/** What the endpoint tells of itself. */
	status(): EndpointStatus {
		return this.#endpoint.status(this.#driver.now());
	}

	transmit(transmit: Transmit): boolean {
		const {slot, remotes, count} = transmit;
		let referenced = false;
		for (let i = 0; i < count; i++) {
			const remote = remotes[i];
			if (remote === undefined) continue;
			if (this.#sockets.send(remote, slot.bytes, slot.start, slot.end)) referenced = true;
		}
		return referenced;
	}

	deliver(delivery: Delivery, lasting: boolean): void {
		const {flow, bytes, start, end} = delivery;
		if (lasting) this.#targets.send(flow, bytes, start, end);
		else this.#targets.send(flow, bytes.slice(start, end), 0, end - start);
	}

	flush(): void {
		this.#sockets.flush();
		this.#targets.flush();
	}

	event(event: EndpointEvent): void {
		if (event.type === 'flow-closed') this.#targets.end(event.flow);
		this.#init.onEvent(event);
	}

	// After the goodbye only silence keeps bridges alive.
	#input(action: (now: Millis) => void): void {
		if (!this.#closing) this.#driver.input(() => action(this.#driver.now()));
	}

	#receive(batch: DatagramBatch): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		for (let i = 0; i < batch.count; i++) {
			const source = batch.sources[i];
			if (source === undefined) continue;
			const start = batch.offsets[i]!;
			const end = start + batch.lengths[i]!;
			this.#endpoint.receive(source, batch.arena, start, end, now);
			this.#driver.settle(batch.arena);
		}
		this.#driver.finish();
	}

	#fromTarget(flow: number, batch: DatagramBatch): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		for (let i = 0; i < batch.count; i++) {
			const start = batch.offsets[i]!;
			const end = start + batch.lengths[i]!;
			this.#endpoint.sendDatagram(flow, batch.arena, start, end, now);
			this.#driver.settle(batch.arena);
		}
		this.#driver.finish();
	}
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}
