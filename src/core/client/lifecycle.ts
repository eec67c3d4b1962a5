import {type Millis, NEVER} from '../../bytes/time.ts';
import type {EndpointContext} from '../context.ts';
import type {FlowStatus, SessionStatus} from '../events.ts';
import type {ClientTraffic} from '../flow/client-traffic.ts';
import type {Lane} from '../lane/lane.ts';
import {flowList} from '../session/flow-list.ts';
import type {Session} from '../session/session.ts';
import {UserSums} from '../session/user-sums.ts';
import type {StreamSet} from '../stream/stream-set.ts';
import {ClientTimer, type Timers} from '../timers.ts';
import type {TotalsStatus} from '../totals.ts';
import type {ClientHandshake} from './client-handshake.ts';

/** The state of a client, as its status shows it. */
export type ClientState = SessionStatus['state'];

/**
 * The states that each state may be left for:
 *
 *     connecting --RESP--> up <--genuine packet-- restarting       closed: from any state, for good
 *         ^  ^             | |------RESET------------^   |
 *         |  |-keys too old-|------------------------|---|
 *         |                 v                        v
 *         |--time or BACK-- quiet: the server closed, or the session broke
 */
const MOVES: Readonly<Record<ClientState, readonly ClientState[]>> = {
	connecting: ['up', 'quiet', 'closed'],
	up: ['up', 'restarting', 'connecting', 'quiet', 'closed'],
	restarting: ['up', 'restarting', 'connecting', 'quiet', 'closed'],
	quiet: ['connecting', 'quiet', 'closed'],
	closed: [],
};

/** Parts of a client that its lifecycle starts, stops or holds. */
export interface LifecycleInit {
	readonly context: EndpointContext;
	readonly timers: Timers<ClientTimer>;
	readonly handshake: ClientHandshake;
	readonly traffic: ClientTraffic;
	readonly streams: StreamSet;
}

/**
 * The only owner of a client's state, of the time at which the state ends and of the session. With
 * every move it alone starts or stops the handshake and holds traffic and streams or lets them go.
 */
export class Lifecycle {
	readonly #init: LifecycleInit;
	readonly #timers: Timers<ClientTimer>;
	#state: ClientState = 'connecting';
	#session: Session | undefined;
	/** Counts of all sessions. */
	readonly #sums = new UserSums();
	#expected: Uint8Array | undefined;

	constructor(init: LifecycleInit) {
		this.#init = init;
		this.#timers = init.timers;
	}

	/** The present state. */
	get state(): ClientState {
		return this.#state;
	}

	/** The session. `undefined`: none, in the states connecting and quiet. */
	get session(): Session | undefined {
		return this.#session;
	}

	/** Counts of all sessions so far. */
	get totals(): TotalsStatus {
		const live = this.#session === undefined ? [] : [this.#session];
		return this.#sums.read('', live, this.#init.streams.totals);
	}

	/** True while the session carries datagrams and streams. */
	get isUp(): boolean {
		return this.#state === 'up' || this.#state === 'restarting';
	}

	/** The packet that ends the state quiet before its time. `undefined`: none. */
	get expected(): Uint8Array | undefined {
		return this.#expected;
	}

	/**
	 * Changes the state; nothing else does.
	 *
	 * @param until time at which it ends by itself
	 * @throws Error a move that {@link MOVES} does not list
	 */
	#moveTo(state: ClientState, until: Millis = NEVER): void {
		if (!MOVES[this.#state].includes(state)) {
			throw new Error(`a client cannot go from ${this.#state} to ${state}`);
		}
		this.#state = state;
		this.#expected = undefined;
		this.#timers.set(ClientTimer.STATE, until);
	}

	/** Begins a handshake for a first session. */
	start(now: Millis): void {
		this.#init.handshake.begin(undefined, now);
	}

	/** Begins a handshake for another session; ends the present one, if any, for that reason. */
	moveToConnecting(reason: string, now: Millis): void {
		this.#moveTo('connecting');
		this.#end(reason);
		this.#init.handshake.begin(undefined, now);
	}

	/**
	 * Lets a new session carry everything from now on.
	 *
	 * @param streams true when its server supports streams
	 */
	moveToUp(session: Session, streams: boolean, now: Millis): void {
		const {context, handshake, traffic} = this.#init;
		this.#moveTo('up');
		handshake.stop();
		this.#end('the server knows the session no more');
		this.#session = session;
		this.#sums.sessions++;
		traffic.begin(session, now);
		this.#init.streams.attach(session, streams);
		context.emit({type: 'session-up', session: session.number, user: '', resumed: false});
		traffic.resume(now);
	}

	/** Goes on with the session under new keys. */
	resume(session: Session, now: Millis): void {
		const {context, handshake, traffic} = this.#init;
		handshake.stop();
		this.trust();
		context.emit({type: 'session-up', session: session.number, user: '', resumed: true});
		traffic.resume(now);
	}

	/**
	 * Suspects that the server has lost the session: everything goes on, with copies kept for the
	 * next one, until a genuine packet refutes it or the time is over.
	 *
	 * @param until end of that time; ignored while under suspicion already
	 */
	moveToRestarting(until: Millis): void {
		const {STATE} = ClientTimer;
		this.#moveTo('restarting', this.#state === 'up' ? until : this.#timers.at(STATE));
		this.#init.traffic.suspect();
	}

	/** Ends the suspicion: the server has the session still, or had it until now. */
	trust(): void {
		if (this.#state !== 'restarting') return;
		this.#moveTo('up');
		this.#init.traffic.trust();
	}

	/**
	 * Stays without session and sends no packet until that time, or until the packet `expected`
	 * comes; ends the present session, if any, for that reason.
	 */
	moveToQuiet(reason: string, until: Millis, expected?: Uint8Array): void {
		this.#moveTo('quiet', until);
		this.#expected = expected;
		this.#end(reason);
		this.#init.handshake.stop();
	}

	/**
	 * Closes the client for good: nothing goes in or out. The session stays for its goodbye, without
	 * what its lanes hold: their memory is the process's, which may go on.
	 */
	moveToClosed(): void {
		this.#moveTo('closed');
		this.#session?.lanes.end();
		this.#timers.clearAll();
		this.#init.handshake.stop();
	}

	/** Returns the flows and streams that carried most. */
	flowList(limit: number, now: Millis): readonly FlowStatus[] {
		const {traffic, streams} = this.#init;
		const policyOf = (lane: Lane) => this.#session?.policyOf(lane);
		return flowList([traffic.flows.values(), streams.values()], {limit, now, policyOf});
	}

	#end(reason: string): void {
		const session = this.#session;
		if (session === undefined) return;
		const {context, traffic, streams} = this.#init;
		context.emit({type: 'session-down', session: session.number, reason});
		this.#sums.add(session);
		session.end();
		this.#session = undefined;
		traffic.hold();
		streams.detach();
		this.#timers.clear(ClientTimer.KEYS);
		this.#timers.clear(ClientTimer.PATHS);
	}
}
