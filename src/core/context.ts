import {Fifo} from '../bytes/fifo.ts';
import type {Millis} from '../bytes/time.ts';
import {Probe} from '../wire/frames/probe.ts';
import {DropCounters} from './drop-reason.ts';
import type {Environment} from './environment.ts';
import type {EndpointEvent} from './events.ts';
import {FailedOpens} from './failed-opens.ts';
import {FrameRecords} from './frame-records.ts';
import {OpenPackets} from './open-packets.ts';
import {Outbox} from './outbox.ts';
import {Delivery} from './transmit.ts';
import type {TunnelStream} from './tunnel-stream.ts';

/** News that may wait for the driver; more are dropped and counted. */
const NEWS = 1024;

/** A stream with its mark in the queue of changed streams. */
interface QueuedStream extends TunnelStream {
	/** True while it waits there. */
	changed: boolean;
}

/**
 * State that all sessions of one endpoint share: outputs, counters, and scratch objects used in
 * turn.
 */
export class EndpointContext {
	readonly environment: Environment;
	/** True unless MPTUNNEL_ENCRYPT=0. */
	readonly encrypt: boolean;
	readonly drops: DropCounters = new DropCounters();
	readonly outbox: Outbox = new Outbox(this.drops);
	readonly failedOpens: FailedOpens = new FailedOpens();
	/** Records of the frames being read. */
	readonly records: FrameRecords = new FrameRecords();
	/** Record of the probe being written. */
	readonly probeOut: Probe = new Probe();
	readonly #events = new Fifo<EndpointEvent>();
	/** Streams that changed, each once at most. */
	readonly #changedStreams = new Fifo<QueuedStream>();
	/** Packets that wait for more datagrams. */
	readonly open: OpenPackets = new OpenPackets();
	// Records are made when first needed and used again.
	readonly #deliveries: Delivery[] = [];
	#deliveryCount = 0;
	#polled = 0;

	constructor(environment: Environment, encrypt: boolean) {
		this.environment = environment;
		this.encrypt = encrypt;
	}

	/**
	 * Queues an event for the driver. Those that release something or change a state are never
	 * dropped: an input causes no more of them than there are flows, sessions and paths.
	 */
	emit(event: EndpointEvent): void {
		if (this.#events.length >= NEWS && isNews(event)) this.drops.count('event');
		else this.#events.push(event);
	}

	/** Queues an event for an exception in a session. `0`: it was in none. */
	failed(session: number, error: unknown, now: Millis): void {
		this.recover(now);
		this.emit({type: 'fault', session, text: textOf(error)});
	}

	/** Recovers from an exception, so that the slot of an incomplete packet is not lost. */
	recover(now: Millis): void {
		this.open.flush(now);
		this.outbox.pool.reclaim();
	}

	/** Queues a stream that changed for its owner, once. */
	streamChanged(stream: QueuedStream): void {
		if (stream.changed) return;
		stream.changed = true;
		this.#changedStreams.push(stream);
	}

	/** Returns the stream that changed first, and takes it out. `undefined`: none. */
	pollStream(): TunnelStream | undefined {
		const stream = this.#changedStreams.shift();
		if (stream !== undefined) stream.changed = false;
		return stream;
	}

	/** Returns the oldest event, and takes it out. `undefined`: none. */
	pollEvent(): EndpointEvent | undefined {
		return this.#events.shift();
	}

	/** Hands out a delivery record to be filled, one for each datagram in a packet. */
	deliver(): Delivery {
		let delivery = this.#deliveries[this.#deliveryCount];
		if (delivery === undefined) {
			delivery = new Delivery();
			this.#deliveries.push(delivery);
		}
		this.#deliveryCount++;
		return delivery;
	}

	/** Returns the next datagram of the last packet. `undefined`: none. */
	pollDelivery(): Delivery | undefined {
		if (this.#polled < this.#deliveryCount) return this.#deliveries[this.#polled++];
		this.#polled = 0;
		this.#deliveryCount = 0;
		return undefined;
	}
}

/** True for events that are only logged. */
function isNews({type}: EndpointEvent): boolean {
	switch (type) {
		case 'flow-closed':
		case 'session-up':
		case 'session-down':
		case 'path-state':
		case 'path-silent':
		case 'client-id':
			return false;
		case 'path-address':
		case 'datagrams-split':
		case 'promise-broken':
		case 'policy-replaced':
		case 'refused':
		case 'target-refused':
		case 'fault':
		case 'warning':
			return true;
	}
}

/** Returns the text of an exception, and its place. */
function textOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const place = error.stack?.split('\n').find((line) => line.startsWith('    at '));
	return place === undefined ? error.message : `${error.message} ${place.trim()}`;
}
