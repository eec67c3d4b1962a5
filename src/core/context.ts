import {Cursor} from '../bytes/cursor.ts';
import {Probe} from '../wire/probe.ts';
import {DropCounters} from './drop-reason.ts';
import type {Environment} from './environment.ts';
import type {EndpointEvent} from './events.ts';
import {FailedOpens} from './failed-opens.ts';
import {Outbox} from './outbox.ts';
import type {Stream} from './stream/stream.ts';
import {Delivery} from './transmit.ts';

/** Events that may wait for the driver; beyond it the oldest go. */
const EVENTS = 1024;

/** What all sessions of one endpoint share: outputs, counters, and scratch objects used in turn. */
export class EndpointContext {
	readonly environment: Environment;
	/** False with MPTUNNEL_ENCRYPT=0. */
	readonly encrypt: boolean;
	readonly drops: DropCounters = new DropCounters();
	readonly outbox: Outbox = new Outbox(this.drops);
	readonly failedOpens: FailedOpens = new FailedOpens();
	readonly cursor: Cursor = new Cursor();
	/** For the probe being read. */
	readonly probeIn: Probe = new Probe();
	/** For the probe being written. */
	readonly probeOut: Probe = new Probe();
	readonly #events: EndpointEvent[] = [];
	/** Each stream once at most. */
	readonly #changedStreams: Stream[] = [];
	readonly #delivery: Delivery = new Delivery();
	#delivered = false;

	constructor(environment: Environment, encrypt: boolean) {
		this.environment = environment;
		this.encrypt = encrypt;
	}

	/** Queues an event for the driver. */
	emit(event: EndpointEvent): void {
		if (this.#events.length >= EVENTS) this.#events.shift();
		this.#events.push(event);
	}

	/** A stream's owner is to look at it. */
	streamChanged(stream: Stream): void {
		if (stream.changed) return;
		stream.changed = true;
		this.#changedStreams.push(stream);
	}

	/** The stream that changed first. */
	pollStream(): Stream | undefined {
		const stream = this.#changedStreams.shift();
		if (stream !== undefined) stream.changed = false;
		return stream;
	}

	/** The oldest event. */
	pollEvent(): EndpointEvent | undefined {
		return this.#events.shift();
	}

	/** Hands out the delivery record to be filled; one datagram at most comes out of a packet. */
	deliver(): Delivery {
		this.#delivered = true;
		return this.#delivery;
	}

	/** The datagram that the last packet brought. */
	pollDelivery(): Delivery | undefined {
		if (!this.#delivered) return undefined;
		this.#delivered = false;
		return this.#delivery;
	}
}
