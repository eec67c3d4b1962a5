import type {LogLevel} from '../../config/logging.ts';
import type {WarningCode} from '../../core/warnings.ts';
import type {RefusedKind} from '../../wire/refusal.ts';

/** One kind of event. */
export interface EventKind {
	/** Level of its line in the log. */
	readonly level: LogLevel;
	/** Words of that line, without what differs from time to time. */
	readonly text: string;
	/** True where the snapshot counts it; others are reported less often than they occur. */
	readonly counts: boolean;
}

/** Names of the events that tell what others do with sessions, paths and promises. */
type OwnName =
	| 'session-up'
	| 'session-rekeyed'
	| 'session-down'
	| 'path-new'
	| 'path-up'
	| 'path-recovered'
	| 'path-suspect'
	| 'path-down'
	| 'path-silent'
	| 'path-address'
	| 'promise-broken'
	| 'policy-replaced'
	| 'datagrams-split'
	| 'fault'
	| 'flow-closed'
	| 'target-unreachable'
	| 'target-refused'
	| 'target-flow-refused'
	| 'target-unanswered';

/** Names of all events. */
export type EventName = OwnName | WarningCode | `${RefusedKind}-refused`;

/**
 * All events: their lines in the log and their counters are made of this table. The names are for
 * programs and stay; the texts may change.
 */
export const EVENTS: Readonly<Record<EventName, EventKind>> = {
	'session-up': {level: 'info', text: 'a session is up', counts: true},
	'session-rekeyed': {level: 'debug', text: 'the session has new keys', counts: true},
	'session-down': {level: 'info', text: 'a session is down', counts: true},
	'path-new': {level: 'debug', text: 'a path is new', counts: true},
	'path-up': {level: 'info', text: 'a path is up', counts: true},
	// Suspicion comes and goes with every burst of loss.
	'path-recovered': {level: 'debug', text: 'a path is up', counts: true},
	'path-suspect': {level: 'debug', text: 'a path is suspect', counts: true},
	'path-down': {level: 'info', text: 'a path is down', counts: true},
	'path-silent': {
		level: 'debug',
		text: 'a path is silent, connecting it anew',
		counts: true,
	},
	'path-address': {level: 'info', text: 'a path has another address', counts: true},
	'promise-broken': {level: 'warn', text: 'a promise is not kept', counts: true},
	'policy-replaced': {
		level: 'warn',
		text: 'copies go out in place of a policy',
		counts: true,
	},
	'datagrams-split': {level: 'info', text: 'datagrams are split', counts: false},
	'encryption-differs': {
		level: 'warn',
		text: 'MPTUNNEL_ENCRYPT differs between the two ends: no session',
		counts: true,
	},
	'other-version': {
		level: 'warn',
		text: 'the other end uses another version of the protocol: no session',
		counts: true,
	},
	'unknown-key': {
		level: 'warn',
		text: 'handshake with an unknown key rejected',
		counts: true,
	},
	keyless: {
		level: 'warn',
		text: 'one end has a key and the other has none: no session',
		counts: true,
	},
	full: {level: 'warn', text: 'a limit is reached', counts: true},
	'user-full': {level: 'warn', text: 'a limit of this key is reached', counts: true},
	'old-keys': {level: 'warn', text: 'the keys are not replaced', counts: true},
	clone: {level: 'warn', text: 'two clients used one client id', counts: true},
	fault: {
		level: 'error',
		text: 'a fault of this program, please report it; the others go on',
		counts: true,
	},
	'flow-closed': {level: 'debug', text: 'a flow has ended', counts: false},
	'flow-refused': {
		level: 'info',
		text: 'flows or targets of a user are refused',
		counts: false,
	},
	'stream-refused': {
		level: 'info',
		text: 'connections of a user are refused',
		counts: false,
	},
	'session-refused': {
		level: 'info',
		text: 'sessions of a user are refused',
		counts: false,
	},
	'target-unreachable': {level: 'info', text: 'a target cannot be reached', counts: true},
	'target-refused': {level: 'warn', text: 'the server refuses a target', counts: true},
	'target-flow-refused': {level: 'warn', text: 'the server refuses a flow', counts: true},
	'target-unanswered': {
		level: 'warn',
		text: 'a connection is refused: nothing comes from the server',
		counts: true,
	},
};

/** Counts of events by name: those that count, also those that never occurred. */
export type EventCounts = Readonly<Partial<Record<EventName, number>>>;

/** Counters of the events of one program. */
export class EventCounters {
	readonly #counts = new Map<EventName, number>();

	constructor() {
		for (const name of eventNames()) if (EVENTS[name].counts) this.#counts.set(name, 0);
	}

	/** Counts an event, `times` times; one that does not count is let pass. */
	count(name: EventName, times = 1): void {
		const count = this.#counts.get(name);
		if (count !== undefined) this.#counts.set(name, count + times);
	}

	/** Returns the counts so far. */
	read(): EventCounts {
		return Object.fromEntries(this.#counts);
	}
}

/** Returns the names of all events, in the order of the table. */
export function eventNames(): readonly EventName[] {
	// The type of the table names exactly its keys.
	return Object.keys(EVENTS) as EventName[];
}
