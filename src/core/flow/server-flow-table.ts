import type {Millis} from '../../bytes/time.ts';
import type {HostTarget} from '../../wire/address.ts';
import type {Account} from '../budget.ts';
import type {EndpointContext} from '../context.ts';
import type {Lane} from '../lane/lane.ts';
import type {ReceivedTarget} from '../received-target.ts';
import {AnnouncedTargets} from './announced-targets.ts';
import {AnswerLanes} from './answer-lanes.ts';
import type {FlowSession} from './flow-session.ts';
import {IdleFlows, surplus} from './idle-flows.ts';
import {ReceivedTargets, type TargetBudget} from './received-targets.ts';

/** A flow at the server: one socket towards the target. */
export interface ServerFlow {
	/** Number of the flow, unique in the server's life; names the target socket in `net/`. */
	readonly handle: number;
	/** Key among the flows of its owner: listener and application at the client. */
	readonly key: string;
	readonly owner: FlowOwner;
	/** Flows of the session that it belongs to, and its id there. `undefined`: the session ended. */
	session: FlowHome | undefined;
	id: number;
	/** Id of the lane that its first datagram named in that session. 0: lane 0. */
	laneId: number;
	/** That lane. `undefined`: not looked up since, or not known there yet. */
	lane: Lane | undefined;
	/** Time of the last datagram; below, of the first one. */
	active: Millis;
	readonly opened: Millis;
	/** Bytes of answers, and of datagrams for its targets. */
	sent: number;
	received: number;
	/** Time of the last TARGET_KNOWN, for a flow with one target. */
	confirmed: Millis;
	/** The only target, chosen by the client. `undefined`: it is the server's, or one of many. */
	readonly forward: ReceivedTarget | undefined;
	/** Targets that the client named. `undefined`: there is only one. */
	readonly targets: ReceivedTargets | undefined;
	/** Hosts that answered, by this end's references. `undefined`: there is only one target. */
	readonly sources: AnnouncedTargets | undefined;
	/** Lanes of their answers. `undefined`: there is only one target. */
	readonly lanes: AnswerLanes | undefined;
}

/** Owner of flows: one client id of one user. They outlive its sessions. */
export interface FlowOwner {
	readonly user: FlowUser;
	readonly flows: Map<string, ServerFlow>;
}

/** The parts of a user that its flows use. */
export interface FlowUser {
	readonly name: string;
	/** True when flows to the server's fixed target are served. */
	readonly fixedTarget: boolean;
	/** True when its clients may choose targets. */
	readonly exit: boolean;
	/** Most flows that it may have at once; below, those that it has. */
	readonly flowLimit: number;
	flows: number;
	/** Account that is charged for datagrams that wait. */
	readonly memory: Account;
	/** Counts one more flow. True when the rate of new flows allows it. */
	mayOpen(now: Millis): boolean;
	/** Counts a refusal, one of RefusalCode. True when it is time to report it. */
	refused(kind: 'flow', code: number, now: Millis): boolean;
}

/** The flows of one session, to which a flow belongs while the session lasts. */
export interface FlowHome {
	readonly session: FlowSession;
	/** Releases a flow that another session took over or that is gone. */
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

	/** @param idle least life of a flow without datagrams, in milliseconds */
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

	/** Iterates over all flows. */
	values(): IterableIterator<ServerFlow> {
		return this.#byHandle.values();
	}

	/** Returns the flows of a user. */
	of(user: FlowUser): readonly ServerFlow[] {
		return [...this.#byHandle.values()].filter(({owner}) => owner.user === user);
	}

	/** Returns the flows to the server's fixed target whose users have none any more. */
	strays(): readonly ServerFlow[] {
		return [...this.#byHandle.values()].filter(
			({owner, forward, targets}) =>
				forward === undefined && targets === undefined && !owner.user.fixedTarget,
		);
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
			laneId: 0,
			lane: undefined,
			active: now,
			opened: now,
			sent: 0,
			received: 0,
			confirmed,
			forward: forward && {
				reference: 0,
				target: forward,
				only: true,
				used: now,
				lane: 0,
				address: forward.encoded,
				confirmed,
			},
			targets: budget && new ReceivedTargets(budget),
			sources: budget && new AnnouncedTargets(),
			lanes: budget && new AnswerLanes(budget),
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
		flow.lanes?.clear();
		flow.owner.flows.delete(flow.key);
		if (this.#byHandle.delete(flow.handle)) flow.owner.user.flows--;
	}

	/**
	 * Returns the idle flows that end. A flow with one target lives as long as its session (a peer
	 * that was silent for hours reaches the client), as one of so many of its client.
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

	/** Returns the flow of a user that goes first where room is needed. `undefined`: none may go. */
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
