import type {Millis} from '../../bytes/time.ts';
import type {EndpointContext} from '../context.ts';
import type {ServerFlowTable} from '../flow/server-flow-table.ts';
import type {Session} from '../session/session.ts';
import type {Stream} from '../stream/stream.ts';
import type {TotalsStatus} from '../totals.ts';
import type {ClientRecords} from './client-records.ts';
import type {ClientRecord, ServerSession} from './server-session.ts';
import type {ServerUser} from './server-user.ts';
import {UserTotals} from './user-totals.ts';

/** Life of a session for which no packet came after its handshake. */
const HALF_OPEN_FOR: Millis = 10_000;
/** Ended sessions kept whose client was not informed; it gets a RESET when it sends again. */
const FORMER = 4096;

const NONE: readonly ServerSession[] = [];

/** A session whose place another one of the same client id took. */
export interface FormerSession {
	readonly record: ClientRecord;
	readonly exporter: Uint8Array;
	/** Set when its client was the later of two with one id, and has to take another. */
	readonly isClone: boolean;
}

/** The sessions of a server: their beginnings, their ends, and the look-up by id. */
export class ServerSessions {
	readonly #context: EndpointContext;
	readonly #table: ServerFlowTable;
	readonly #records: ClientRecords;
	readonly #byId = new Map<number, ServerSession>();
	/** Sessions whose streams have something to send, and perhaps some that sent it since. */
	readonly #due = new Set<ServerSession>();
	/** Sessions that ended, by id. `undefined`: it ended for silence. */
	readonly #former = new Map<number, FormerSession | undefined>();
	/** Last session looked up; not kept beyond its end. */
	#last: ServerSession | undefined;
	#halfOpen = 0;

	constructor(context: EndpointContext, table: ServerFlowTable, records: ClientRecords) {
		this.#context = context;
		this.#table = table;
		this.#records = records;
	}

	/** Sessions that exist, half-open ones included. */
	get size(): number {
		return this.#byId.size;
	}

	/** Sessions without a genuine packet so far. */
	get halfOpen(): number {
		return this.#halfOpen;
	}

	/** Returns the session with that id of ours. `undefined`: no such session. */
	get(id: number): ServerSession | undefined {
		// Packets come in batches of the same session.
		if (this.#last?.session.localId !== id) this.#last = this.#byId.get(id);
		return this.#last;
	}

	/** Returns the longest round trip time of all paths. */
	longestRoundTrip(): Millis {
		let longest = 0;
		for (const {session} of this.#byId.values()) {
			for (const {rtt} of session.paths.all) {
				if (rtt.measured) longest = Math.max(longest, rtt.smoothed);
			}
		}
		return longest;
	}

	/** Returns the streams of each session. */
	streams(): readonly Iterable<Stream>[] {
		return [...this.#byId.values()].map(({session}) => session.streams?.values() ?? []);
	}

	/** Iterates over all sessions; one may be ended meanwhile. */
	values(): IterableIterator<ServerSession> {
		return this.#byId.values();
	}

	/**
	 * True when a session with that id ended not long ago, and its client may not have been informed.
	 */
	hasExpired(id: number): boolean {
		return this.#former.has(id);
	}

	/** Returns the session with that id whose place another one took. `undefined`: none of late. */
	former(id: number): FormerSession | undefined {
		return this.#former.get(id);
	}

	/** Marks a session with a stream that has something to send. */
	streamDue(entry: ServerSession): void {
		this.#due.add(entry);
	}

	/** Takes the sessions with streams that have something to send. */
	takeDue(): readonly ServerSession[] {
		if (this.#due.size === 0) return NONE;
		const due = [...this.#due].filter(({session}) => session.streams?.isDue);
		this.#due.clear();
		return due;
	}

	#remember(id: number, former?: FormerSession): void {
		for (const oldest of this.#former.keys()) {
			if (this.#former.size < FORMER) break;
			this.#former.delete(oldest);
		}
		this.#former.set(id, former);
	}

	/** Returns an id that no session has. */
	freeId(): number {
		const {random} = this.#context.environment;
		let id = random.uint32();
		while (this.#byId.has(id)) id = random.uint32();
		return id;
	}

	/** Adds a half-open session. */
	add(entry: ServerSession): void {
		this.#byId.set(entry.session.localId, entry);
		this.#halfOpen++;
		const {user} = entry.record;
		user.halfOpen++;
		user.sessions.add(1);
	}

	#forget(entry: ServerSession): void {
		const {session} = entry;
		this.#due.delete(entry);
		this.#byId.delete(session.localId);
		this.#last = undefined;
		const {user} = entry.record;
		user.sessions.give(1);
		if (!entry.live) {
			this.#halfOpen--;
			user.halfOpen--;
		}
		session.end();
		session.streams?.detach();
	}

	/** Drops the oldest half-open session of a user, to make room for another of the same user. */
	dropOldestHalfOpen(user: ServerUser): void {
		for (const entry of this.#byId.values()) {
			if (entry.live || entry.record.user !== user) continue;
			this.#forget(entry);
			return;
		}
	}

	/**
	 * Makes a session live at its first genuine packet, unless that ended it; the client's former
	 * session ends. Harmless when the session is live.
	 */
	activate(entry: ServerSession): void {
		if (entry.live || this.#byId.get(entry.session.localId) !== entry) return;
		entry.live = true;
		this.#halfOpen--;
		entry.record.user.halfOpen--;
		entry.record.user.sums.sessions++;
		this.#takeOver(entry);
		const {number} = entry.session;
		const user = entry.record.user.name;
		this.#context.emit({type: 'session-up', session: number, user, resumed: false});
	}

	#takeOver(entry: ServerSession): void {
		const former = entry.record.session;
		entry.record.session = entry;
		if (former === undefined || former === entry) return;
		const {record, exporter} = former;
		this.#remember(former.session.localId, {record, exporter, isClone: false});
		this.end(former, 'the client came back');
	}

	/** Returns the sessions of a user, half-open ones included. */
	of(user: ServerUser): readonly ServerSession[] {
		return [...this.#byId.values()].filter(({record}) => record.user === user);
	}

	/** Ends a session that its user may not have any more; its client gets a RESET if it goes on. */
	cutOff(entry: ServerSession, reason: string): void {
		this.#remember(entry.session.localId);
		this.end(entry, reason);
	}

	/** Ends the session of a client whose id belongs to another; its client is to take a new one. */
	endClone(entry: ServerSession): void {
		const {record, exporter} = entry;
		this.#remember(entry.session.localId, {record, exporter, isClone: true});
		this.end(entry, 'another client has its client id');
	}

	/**
	 * Keyless mode: moves a session to the record of the client id that it sent, with the flows of
	 * the client's former sessions. Returns that record.
	 */
	identify(entry: ServerSession, user: ServerUser, id: Uint8Array, now: Millis): ClientRecord {
		if (entry.record.key !== '') return entry.record;
		this.#closeFlows(entry.record);
		entry.record = this.#records.find(user, id, now);
		this.#takeOver(entry);
		return entry.record;
	}

	/** Ends a session. Its flows stay with the record of their client, which may claim them again. */
	end(entry: ServerSession, reason: string): void {
		if (this.#byId.get(entry.session.localId) !== entry) return;
		this.#forget(entry);
		const {user} = entry.record;
		user.past.add(entry.session);
		if (entry.live) user.sums.add(entry.session);
		entry.flows.unbindAll();
		if (entry.record.session === entry) entry.record.session = undefined;
		if (entry.record.key === '') this.#closeFlows(entry.record);
		if (entry.live) {
			this.#context.emit({type: 'session-down', session: entry.session.number, reason});
		}
	}

	/** Returns the counts of each user since the server started. */
	totals(users: readonly ServerUser[]): readonly TotalsStatus[] {
		const live = new Map<ServerUser, Session[]>(users.map((user) => [user, []]));
		for (const entry of this.#byId.values()) {
			if (entry.live) live.get(entry.record.user)?.push(entry.session);
		}
		return users.map((user) => {
			const sessions = live.get(user)!;
			const all = new UserTotals();
			all.addAll(user.past);
			for (const session of sessions) all.add(session);
			return user.sums.read(user.name, sessions, all.streams);
		});
	}

	/** Closes the flows of a client without an id: they can never be claimed again. */
	#closeFlows(record: ClientRecord): void {
		for (const flow of [...record.flows.values()]) {
			this.#table.remove(flow);
			this.#context.emit({type: 'flow-closed', flow: flow.handle});
		}
	}

	/**
	 * Ends what was silent for `idle` ms or has keys as old as `keyLimit`, forgets half-open ones
	 * that stayed so.
	 */
	expire(now: Millis, idle: Millis, keyLimit: Millis): void {
		for (const entry of this.#byId.values()) {
			const {session, flows} = entry;
			flows.held.expire(now);
			if (!entry.live) {
				if (now - session.since > HALF_OPEN_FOR) this.#forget(entry);
			} else if (now - session.lastReceived > idle) {
				this.#remember(session.localId);
				this.end(entry, 'nothing received from the client');
			} else if (now - session.keys.since > keyLimit) this.end(entry, 'its keys are too old');
		}
	}
}
