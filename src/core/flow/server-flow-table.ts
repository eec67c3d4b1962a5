import type {Millis} from '../time.ts';
import {AnnouncedTargets} from './announced-targets.ts';
import {ReceivedTargets, type TargetBudget} from './received-targets.ts';
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
	/** The targets that the client named; undefined when the target is fixed. */
	readonly targets: ReceivedTargets | undefined;
	/** Who answered, as we call them. */
	readonly sources: AnnouncedTargets | undefined;
}

/** Whose flows they are: one client id of one user. They outlive its sessions. */
export interface FlowOwner {
	readonly user: {readonly name: string};
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

	/** Opens a flow. @param budget for targets that the client names; undefined = a fixed target */
	open(owner: FlowOwner, key: string, budget: TargetBudget | undefined, now: Millis): ServerFlow {
		const flow: ServerFlow = {
			handle: this.#next++,
			key,
			owner,
			session: undefined,
			id: -1,
			active: now,
			confirmed: Number.NEGATIVE_INFINITY,
			targets: budget && new ReceivedTargets(budget),
			sources: budget && new AnnouncedTargets(),
		};
		owner.flows.set(key, flow);
		this.#byHandle.set(flow.handle, flow);
		return flow;
	}

	/** Forgets a flow everywhere. */
	remove(flow: ServerFlow): void {
		flow.session?.unbind(flow);
		flow.targets?.clear();
		flow.owner.flows.delete(flow.key);
		this.#byHandle.delete(flow.handle);
	}

	/** The flows without datagrams for `idle` ms. */
	idle(now: Millis, idle: Millis): ServerFlow[] {
		return [...this.#byHandle.values()].filter((flow) => now - flow.active > idle);
	}
}
