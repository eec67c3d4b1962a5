import type {HostTarget} from '../../wire/address.ts';
import type {ServerUser} from '../server-user.ts';
import type {Millis} from '../time.ts';
import {AnnouncedTargets} from './announced-targets.ts';
import {type ReceivedTarget, ReceivedTargets, type TargetBudget} from './received-targets.ts';
import type {ServerFlows} from './server-flows.ts';

/** A flow at the server: one socket towards the target. */
export interface ServerFlow {
	/** Unique in the server's life; names the target socket in `net/`. */
	readonly handle: number;
	/** Listener and application at the client. */
	readonly key: string;
	readonly owner: FlowOwner;
	/** The session's flows it belongs to now, and its id there; none after the session ended. */
	session: ServerFlows | undefined;
	id: number;
	active: Millis;
	/** When TARGET_KNOWN was sent last, for a fixed target. */
	confirmed: Millis;
	/** The one target that the client chose; undefined when it is the server's, or one of many. */
	readonly forward: ReceivedTarget | undefined;
	/** The targets that the client named; undefined when there is only one. */
	readonly targets: ReceivedTargets | undefined;
	/** Who answered, as we call them. */
	readonly sources: AnnouncedTargets | undefined;
}

/** Whose flows they are: one client id of one user. They outlive its sessions. */
export interface FlowOwner {
	readonly user: ServerUser;
	readonly flows: Map<string, ServerFlow>;
}

/** All flows of a server, by handle. */
export class ServerFlowTable {
	readonly #byHandle = new Map<number, ServerFlow>();
	#next = 1;

	/** How many there are. */
	get size(): number {
		return this.#byHandle.size;
	}

	/** The flow whose target socket has that handle. */
	get(handle: number): ServerFlow | undefined {
		return this.#byHandle.get(handle);
	}

	/**
	 * Opens a flow: to many targets, which count in a budget, to one that the client chose, or with
	 * neither to the server's fixed one.
	 */
	open(
		owner: FlowOwner,
		key: string,
		{budget, forward}: {budget?: TargetBudget | undefined; forward?: HostTarget | undefined},
		now: Millis,
	): ServerFlow {
		const confirmed = Number.NEGATIVE_INFINITY;
		const flow: ServerFlow = {
			handle: this.#next++,
			key,
			owner,
			session: undefined,
			id: -1,
			active: now,
			confirmed,
			forward: forward && {reference: 0, target: forward, only: true, used: now, confirmed},
			targets: budget && new ReceivedTargets(budget),
			sources: budget && new AnnouncedTargets(),
		};
		owner.user.flows++;
		owner.flows.set(key, flow);
		this.#byHandle.set(flow.handle, flow);
		return flow;
	}

	/** Forgets a flow everywhere. */
	remove(flow: ServerFlow): void {
		flow.session?.unbind(flow);
		flow.targets?.clear();
		flow.owner.flows.delete(flow.key);
		if (this.#byHandle.delete(flow.handle)) flow.owner.user.flows--;
	}

	/** The flows without datagrams for `idle` ms. */
	idle(now: Millis, idle: Millis): ServerFlow[] {
		return [...this.#byHandle.values()].filter((flow) => now - flow.active > idle);
	}
}
