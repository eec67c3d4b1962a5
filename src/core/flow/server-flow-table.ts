import type {Millis} from '../../bytes/time.ts';
import type {HostTarget} from '../../wire/address.ts';
import type {Account} from '../budget.ts';
import type {EndpointContext} from '../context.ts';
import type {Lane} from '../lane/lane.ts';
import type {ReceivedTarget} from '../received-target.ts';
import {AnnouncedTargets} from './announced-targets.ts';
import type {FlowSession} from './flow-session.ts';
import {IdleFlows, surplus} from './idle-flows.ts';
import {ReceivedTargets, type TargetBudget} from './received-targets.ts';

/** A flow at the server: one socket towards the target. */
export interface ServerFlow {
	/** Unique in the server's life; names the target socket in `net/`. */
	readonly handle: number;
	/** Listener and application at the client. */
	readonly key: string;
	readonly owner: FlowOwner;
	/** The session's flows it belongs to now, and its id there; none after the session ended. */
	session: FlowHome | undefined;
	id: number;
	/** The lane of its policy in that session. */
	lane: Lane | undefined;
	active: Millis;
	/** Time of the last TARGET_KNOWN, for a fixed target. */
	confirmed: Millis;
	/** The one target that the client chose; undefined when it is the server's, or one of many. */
	readonly forward: ReceivedTarget | undefined;
	/** The targets that the client named; undefined when there is only one. */
	readonly targets: ReceivedTargets | undefined;
	/** Hosts that answered, by this end's references. */
	readonly sources: AnnouncedTargets | undefined;
}

/** Owner of flows: one client id of one user. They outlive its sessions. */
export interface FlowOwner {
	readonly user: FlowUser;
	readonly flows: Map<string, ServerFlow>;
}

/** A user of the server as its flows see it. */
export interface FlowUser {
	readonly name: string;
	/** True when flows to the server's fixed target are served. */
	readonly fixedTarget: boolean;
	/** True when its clients may choose targets. */
	readonly exit: boolean;
	/** Flows that it may have at once, and those that it has. */
	readonly flowLimit: number;
	flows: number;
	/** Pays for datagrams that wait. */
	readonly memory: Account;
	/**
	 * True while one more flow may be opened now, as far as their number in a second is concerned.
	 */
	mayOpen(now: Millis): boolean;
	/** Counts a refusal, one of RefusalCode; true = it is time to report it. */
	refused(kind: 'flow', code: number, now: Millis): boolean;
}

/** The flows of one session, to which a flow belongs while the session lasts. */
export interface FlowHome {
	readonly session: FlowSession;
	/** Lets a flow go, which another session took over or which is gone. */
	unbind(flow: ServerFlow): void;
	/** Reports to the client that a flow is closed. */
	close(flow: ServerFlow, now: Millis): void;
}

/** All flows of a server, by handle. */
export class ServerFlowTable {
	readonly #byHandle = new Map<number, ServerFlow>();
	readonly #idle: Millis;
	readonly #idleFlowsOf = new WeakMap<FlowUser, IdleFlows<ServerFlow>>();
	#next = 1;

	/** @param idle how long a flow without datagrams stays, whatever else there is */
	constructor(idle: Millis) {
		this.#idle = idle;
	}

	#idleFlows(user: FlowUser): IdleFlows<ServerFlow> {
		const all = this.#byHandle;
		const isIdle = (flow: ServerFlow, now: Millis) => now - flow.active > this.#idle;
		return new IdleFlows(
			() => all.values(),
			(flow, now) => flow.owner.user === user && isIdle(flow, now) && all.get(flow.handle) === flow,
		);
	}

	/** Flows that exist. */
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
			lane: undefined,
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

	/**
	 * Idle flows that end: a flow with one target lives as long as its session (a peer that was
	 * silent for hours reaches the client), as one of so many of its client.
	 */
	expired(now: Millis): readonly ServerFlow[] {
		const expired: ServerFlow[] = [];
		const kept = new Map<FlowOwner, ServerFlow[]>();
		for (const flow of this.#byHandle.values()) {
			if (now - flow.active <= this.#idle) continue;
			if (flow.session === undefined || flow.targets !== undefined) expired.push(flow);
			else if (kept.get(flow.owner)?.push(flow) === undefined) kept.set(flow.owner, [flow]);
		}
		for (const flows of kept.values()) expired.push(...surplus(flows));
		return expired;
	}

	/** The flow of a user that goes first where room is needed; undefined = none may go. */
	oldestIdle(now: Millis, user: FlowUser): ServerFlow | undefined {
		let flows = this.#idleFlowsOf.get(user);
		if (flows === undefined) {
			flows = this.#idleFlows(user);
			this.#idleFlowsOf.set(user, flows);
		}
		return flows.oldest(now);
	}
}

/** Ends a flow and reports it to its client and to the owner of its sockets. */
export function endFlow(
	flow: ServerFlow,
	{table, context}: {readonly table: ServerFlowTable; readonly context: EndpointContext},
	now: Millis,
): void {
	flow.session?.close(flow, now);
	table.remove(flow);
	context.emit({type: 'flow-closed', flow: flow.handle});
}
