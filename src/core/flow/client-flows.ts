import {VARINT_MAX} from '../../bytes/varint.ts';
import {encodeFixedTarget} from '../../wire/address.ts';
import type {DropReason} from '../drop-reason.ts';
import type {RemoteAddress} from '../remote-address.ts';
import type {Millis} from '../time.ts';
import type {Delivery} from '../transmit.ts';

/** Flows of a client: applications on all listeners together. */
const FLOW_LIMIT = 16_384;
/** A refused flow stays quiet for this long before it is tried again. */
const REFUSED_FOR: Millis = 1000;

/** One application that talks through a listener. */
export interface ClientFlow {
	/** Never reused while the client runs. */
	readonly id: number;
	readonly listener: number;
	readonly application: RemoteAddress;
	/** The target as DATAGRAM_TO carries it. */
	readonly target: Uint8Array;
	/** Whether the server has confirmed the target, so that it need not travel any more. */
	known: boolean;
	active: Millis;
	refusedUntil: Millis;
}

/** The client's flows: found by application on the way in, by flow id on the way out. */
export class ClientFlows {
	readonly #listeners: readonly string[];
	readonly #idle: Millis;
	readonly #byApplication = new Map<string, ClientFlow>();
	readonly #byId = new Map<number, ClientFlow>();
	#nextId = 0;

	/** @param listeners their names, which are part of the server's key for a flow */
	constructor(listeners: readonly string[], idle: Millis) {
		this.#listeners = listeners;
		this.#idle = idle;
	}

	/** How many there are. */
	get size(): number {
		return this.#byId.size;
	}

	/** The flow of an application, opened when it is new; undefined when there are too many. */
	find(listener: number, application: RemoteAddress, now: Millis): ClientFlow | undefined {
		let flow = this.#byApplication.get(application.key);
		if (flow === undefined) {
			if (this.#byId.size >= FLOW_LIMIT || this.#nextId > VARINT_MAX) return undefined;
			const name = this.#listeners[listener] ?? '';
			flow = {
				id: this.#nextId++,
				listener,
				application,
				target: encodeFixedTarget(name, `${application.host} ${application.port}`),
				known: false,
				active: now,
				refusedUntil: 0,
			};
			this.#byApplication.set(application.key, flow);
			this.#byId.set(flow.id, flow);
		}
		flow.active = now;
		return flow;
	}

	/** Fills in where a datagram of the server goes to. */
	deliver(
		id: number,
		delivery: () => Delivery,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const flow = this.#byId.get(id);
		if (flow === undefined) return 'unknown-flow';
		flow.active = now;
		const out = delivery();
		out.flow = id;
		out.listener = flow.listener;
		out.application = flow.application;
		out.bytes = bytes;
		out.start = start;
		out.end = end;
		return undefined;
	}

	/** The server knows the flow's target, or does not any more. */
	setKnown(id: number, known: boolean): void {
		const flow = this.#byId.get(id);
		if (flow !== undefined) flow.known = known;
	}

	/** A new session: the server knows nothing. */
	forgetKnown(): void {
		for (const flow of this.#byId.values()) flow.known = false;
	}

	/** The server closed the flow: the application's next datagram opens another. */
	remove(id: number): void {
		const flow = this.#byId.get(id);
		if (flow === undefined) return;
		this.#byId.delete(id);
		this.#byApplication.delete(flow.application.key);
	}

	/** The server refused the flow; true the first time. */
	refuse(id: number, now: Millis): boolean {
		const flow = this.#byId.get(id);
		if (flow === undefined) return false;
		const first = flow.refusedUntil === 0;
		flow.refusedUntil = now + REFUSED_FOR;
		flow.known = false;
		return first;
	}

	/** Removes flows without datagrams for the idle time and returns their ids. */
	expire(now: Millis): number[] {
		const idle: number[] = [];
		for (const flow of this.#byId.values()) {
			if (now - flow.active > this.#idle) idle.push(flow.id);
		}
		for (const id of idle) this.remove(id);
		return idle;
	}
}
