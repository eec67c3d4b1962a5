import type {Millis} from '../../bytes/time.ts';
import {VARINT_MAX} from '../../bytes/varint.ts';
import {equalBytes} from '../../crypto/keys.ts';
import {encodeFixedTarget, encodeForwardTarget} from '../../wire/address.ts';
import type {ListenerConfig} from '../endpoint.ts';
import type {Lane} from '../lane/lane.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {AnnouncedTargets} from './announced-targets.ts';
import {surplus} from './idle-flows.ts';
import {ReceivedTargets, SESSION_TARGETS} from './received-targets.ts';

/** Most flows of a client: applications on all listeners together. */
const FLOW_LIMIT = 16_384;
/** Time after a refusal before the flow is tried again. */
const REFUSED_FOR: Millis = 1000;

/** The datagrams of one application at a listener. */
export interface ClientFlow {
	/** Number of the flow on the wire, never reused while the client runs. */
	readonly id: number;
	readonly listener: number;
	readonly application: RemoteAddress;
	/** The only target as DATAGRAM_TO carries it; empty when the application names its targets. */
	readonly target: Uint8Array;
	/** Targets that the application named. `undefined`: there is only one. */
	readonly targets: AnnouncedTargets | undefined;
	/** Sources of answers. */
	readonly sources: ReceivedTargets;
	/** Set when the server has confirmed the target, so that it need not travel any more. */
	known: boolean;
	/** Lane of its policy in the session. `undefined`: none of its datagrams went into one yet. */
	lane: Lane | undefined;
	/** Frames that come before the target where it is announced. `undefined`: none. */
	prefix: Uint8Array | undefined;
	/** Login of the application at SOCKS5. '': none. */
	user: string;
	/** Time of the last datagram; below, of the first one. */
	active: Millis;
	readonly opened: Millis;
	/** Bytes of datagrams of the application, and of those for it. */
	sent: number;
	received: number;
	/** Time up to which its datagrams are dropped. 0: it was never refused. */
	refusedUntil: Millis;
}

/** The client's flows: found by application on the way in, by flow id on the way out. */
export class ClientFlows {
	#listeners: readonly (ListenerConfig | undefined)[];
	readonly #idle: Millis;
	readonly #byApplication = new Map<string, ClientFlow>();
	readonly #byId = new Map<number, ClientFlow>();
	readonly #budget = {left: SESSION_TARGETS};
	#nextId = 0;

	/** @param listeners their names are part of the server's key for a flow */
	constructor(listeners: readonly (ListenerConfig | undefined)[], idle: Millis) {
		this.#listeners = listeners;
		this.#idle = idle;
	}

	/** Flows that exist. */
	get size(): number {
		return this.#byId.size;
	}

	/** Iterates over all flows. */
	values(): IterableIterator<ClientFlow> {
		return this.#byId.values();
	}

	/** Settings of a listener. `undefined`: there is none. */
	listener(number: number): ListenerConfig | undefined {
		return this.#listeners[number];
	}

	/** Takes other listeners; removes the flows of those that changed, and returns their ids. */
	reconfigure(listeners: readonly (ListenerConfig | undefined)[]): number[] {
		const before = this.#listeners;
		this.#listeners = listeners;
		const ids = [...this.#byId.values()]
			.filter(({listener}) => !isSame(before[listener], listeners[listener]))
			.map(({id}) => id);
		for (const id of ids) this.remove(id);
		return ids;
	}

	/** Returns the flow of an application, opened when it is new. `undefined`: too many. */
	find(listener: number, application: RemoteAddress, now: Millis): ClientFlow | undefined {
		let flow = this.#byApplication.get(application.key);
		if (flow === undefined) {
			if (this.#byId.size >= FLOW_LIMIT || this.#nextId > VARINT_MAX) return undefined;
			const {name = '', open = false, target} = this.#listeners[listener] ?? {};
			const from = `${application.host} ${application.port}`;
			const fixed =
				target === undefined
					? encodeFixedTarget(name, from)
					: encodeForwardTarget(name, from, target);
			flow = {
				id: this.#nextId++,
				listener,
				application,
				target: open ? new Uint8Array(0) : fixed,
				targets: open ? new AnnouncedTargets() : undefined,
				sources: new ReceivedTargets(this.#budget),
				known: false,
				user: '',
				lane: undefined,
				prefix: undefined,
				active: now,
				opened: now,
				sent: 0,
				received: 0,
				refusedUntil: 0,
			};
			this.#byApplication.set(application.key, flow);
			this.#byId.set(flow.id, flow);
		}
		flow.active = now;
		return flow;
	}

	/** Returns the flow with that id. `undefined`: no such flow. */
	get(id: number): ClientFlow | undefined {
		return this.#byId.get(id);
	}

	/** Returns the flow of an application. `undefined`: it has none. */
	of(application: RemoteAddress): ClientFlow | undefined {
		return this.#byApplication.get(application.key);
	}

	/** Records that the server has a target of the flow, or has lost it. */
	setKnown(id: number, reference: number, known: boolean): void {
		const flow = this.#byId.get(id);
		if (flow === undefined) return;
		if (flow.targets === undefined) flow.known = known;
		else flow.targets.setKnown(reference, known);
	}

	/**
	 * Prepares all flows for the next session, which has other lanes and no targets yet, and whose
	 * server gives its references anew.
	 */
	leaveSession(): void {
		for (const flow of this.#byId.values()) {
			flow.lane = undefined;
			flow.known = false;
			flow.targets?.leaveSession();
			flow.sources.clear();
		}
	}

	/** Removes a flow; the application's next datagram opens another. Harmless when it is gone. */
	remove(id: number): void {
		const flow = this.#byId.get(id);
		if (flow === undefined) return;
		this.#byId.delete(id);
		this.#byApplication.delete(flow.application.key);
		flow.sources.clear();
	}

	/** Marks a flow as refused by the server. True the first time. */
	refuse(id: number, now: Millis): boolean {
		const flow = this.#byId.get(id);
		if (flow === undefined) return false;
		const first = flow.refusedUntil === 0;
		flow.refusedUntil = now + REFUSED_FOR;
		flow.known = false;
		return first;
	}

	/** Removes idle flows that nothing keeps, and the surplus of the others; returns their ids. */
	expire(now: Millis): number[] {
		const kept: ClientFlow[] = [];
		const expired: ClientFlow[] = [];
		for (const flow of this.#byId.values()) {
			if (now - flow.active <= this.#idle) continue;
			if (flow.targets === undefined) kept.push(flow);
			else expired.push(flow);
		}
		expired.push(...surplus(kept));
		const ids = expired.map(({id}) => id);
		for (const id of ids) this.remove(id);
		return ids;
	}
}

/** True when flows of the one may go on at the other. */
function isSame(before: ListenerConfig | undefined, now: ListenerConfig | undefined): boolean {
	if (before === now) return true;
	if (before === undefined || now === undefined) return false;
	const isOpen = before.open === true;
	if (before.name !== now.name || isOpen !== (now.open === true)) return false;
	const {target} = before;
	if (target === undefined || now.target === undefined) return target === now.target;
	return equalBytes(target, now.target);
}
