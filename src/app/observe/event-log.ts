import type {EndpointEvent, PathState} from '../../core/events.ts';
import {RefusalCode} from '../../wire/constants.ts';
import {refusalWord} from '../../wire/refusal.ts';
import {EVENTS, type EventCounters, type EventName} from './event-table.ts';
import {brokenWords, obstacleWords} from './lane-words.ts';
import type {LineLimit} from './line-limiter.ts';
import type {LogFields} from './log-fields.ts';
import type {Logger} from './logger.ts';
import {targetText} from './target-text.ts';

/** A kind of line passes once in this time, or as often as its burst. */
const INTERVAL_MILLIS = 60_000;

/** Of refusals the reason matters more than every single target. */
const REFUSAL_INTERVAL_MILLIS = 10_000;

/** Lines of one user's sessions or paths, or of one of our paths, in that time. */
const BURST: LineLimit = {burst: 60};

/** An event with its name in the table, and what differs from time to time. */
export interface NamedEvent {
	readonly name: EventName;
	/** Fields of its line; they hold outside text. */
	readonly fields: LogFields;
	/** Occurrences that it stands for. */
	readonly times: number;
	/** Limit of its lines. */
	readonly key: string;
	readonly every: number;
	readonly limit: LineLimit;
}

/**
 * Names, counts and logs the events of an endpoint. Whatever others can cause - strangers, peers,
 * users, bridges - is limited by its kind and by the user concerned, never by an address or a name
 * from outside: there is no end to those. `pathNames` are the names as the user wrote them, by path
 * id; without one the endpoint's own name is shown.
 */
export class EventLog {
	readonly #logger: Logger;
	readonly #counters: EventCounters;
	readonly #pathNames: readonly string[];
	/** Users of the sessions that are up. */
	readonly #users = new Map<number, string>();

	constructor(logger: Logger, counters: EventCounters, pathNames: readonly string[] = []) {
		this.#logger = logger;
		this.#counters = counters;
		this.#pathNames = pathNames;
	}

	/** Counts one event, and logs it unless there were too many of its kind. */
	log(event: EndpointEvent): void {
		const named = this.#named(event);
		if (named === undefined) return;
		const {name, fields, times, key, every, limit} = named;
		this.#counters.count(name, times);
		const {level, text} = EVENTS[name];
		const logger = this.#logger;
		if (logger.isEnabled(level)) logger.limited(key, every, limit)[level](text, fields);
	}

	/** Returns the event by its name in the table. `undefined`: it is none for others. */
	#named(event: EndpointEvent): NamedEvent | undefined {
		switch (event.type) {
			case 'session-up':
			case 'session-down':
				return this.#session(event);
			case 'path-state':
				return this.#pathState(event);
			case 'path-address': {
				const {name, address, session} = event;
				const fields = {path: name, address, session: hex(session)};
				return this.#ofSession('path-address', session, fields);
			}
			case 'datagrams-split': {
				const {size, fits, session} = event;
				const hint = 'a smaller MTU inside the tunnel is faster and loses less';
				return this.#ofSession('datagrams-split', session, {size, fits, hint});
			}
			case 'promise-broken':
				return this.#policy(event, {detail: brokenWords(event)});
			case 'policy-replaced': {
				const {policy, obstacle} = event;
				return this.#policy(event, {policy, because: obstacleWords(obstacle)});
			}
			case 'warning': {
				const {code, where, text, times} = event;
				// The text of this one names the user, who is one of few.
				const key = code === 'clone' ? `${code} ${text}` : code;
				const limited = limitedBy(key, INTERVAL_MILLIS, {times});
				return {name: code, fields: {where, detail: text}, ...limited, times};
			}
			case 'client-id':
				return undefined;
			case 'fault': {
				const {session, text} = event;
				const fields = {session: session === 0 ? undefined : hex(session), detail: text};
				return {name: 'fault', fields, ...limitedBy('fault', INTERVAL_MILLIS, BURST)};
			}
			case 'path-silent': {
				const key = `silent ${event.path}`;
				const fields = {path: this.#pathNames[event.path]};
				return {name: 'path-silent', fields, ...limitedBy(key, INTERVAL_MILLIS, BURST)};
			}
			case 'flow-closed': {
				const limited = limitedBy('flow-closed', INTERVAL_MILLIS, BURST);
				return {name: 'flow-closed', fields: {flow: event.flow}, ...limited};
			}
			case 'refused': {
				const {user, kind, code} = event;
				const reason = refusalWord(code, kind);
				const limited = limitedBy(`refused ${user} ${kind} ${reason}`, INTERVAL_MILLIS);
				return {name: `${kind}-refused`, fields: {user: user || undefined, reason}, ...limited};
			}
			case 'target-refused':
				return refusal(event);
		}
	}

	#policy(
		{type, session}: Extract<EndpointEvent, {type: 'promise-broken' | 'policy-replaced'}>,
		fields: LogFields,
	): NamedEvent {
		const user = this.#users.get(session) || undefined;
		return this.#ofSession(type, session, {...fields, user, session: hex(session)});
	}

	#ofSession(name: EventName, session: number, fields: LogFields, kind: string = name): NamedEvent {
		const key = `${kind} ${this.#users.get(session) ?? ''}`;
		return {name, fields, ...limitedBy(key, INTERVAL_MILLIS, BURST)};
	}

	#session(event: Extract<EndpointEvent, {type: 'session-up' | 'session-down'}>): NamedEvent {
		const session = hex(event.session);
		if (event.type === 'session-down') {
			const {reason} = event;
			const named = this.#ofSession('session-down', event.session, {session, reason});
			this.#users.delete(event.session);
			return named;
		}
		this.#users.set(event.session, event.user);
		const fields = {session, user: event.user || undefined};
		return this.#ofSession(event.resumed ? 'session-rekeyed' : 'session-up', event.session, fields);
	}

	#pathState(event: Extract<EndpointEvent, {type: 'path-state'}>): NamedEvent {
		const {path: id, from, to, reason, session} = event;
		const own = this.#pathNames[id];
		const name = pathEvent(from, to);
		const fields = {path: own ?? event.name, from, reason, session: hex(session)};
		const {level} = EVENTS[name];
		const kind = own === undefined ? `path ${level}` : `path ${level} ${id}`;
		return this.#ofSession(name, session, fields, kind);
	}
}

function pathEvent(from: PathState, to: PathState): EventName {
	return to === 'up' && from === 'suspect' ? 'path-recovered' : `path-${to}`;
}

function limitedBy(
	key: string,
	every: number,
	limit: LineLimit = {},
): Pick<NamedEvent, 'key' | 'every' | 'limit' | 'times'> {
	return {key, every, limit, times: 1};
}

/** Refusals from the target's own network: no fault of the tunnel or of its configuration. */
const UNREACHED: ReadonlySet<number> = new Set([
	RefusalCode.REFUSED,
	RefusalCode.NET_UNREACHABLE,
	RefusalCode.HOST_UNREACHABLE,
	RefusalCode.TIMED_OUT,
]);

function refusal({
	kind,
	code,
	target,
	flow,
}: Extract<EndpointEvent, {type: 'target-refused'}>): NamedEvent {
	const reason = refusalWord(code, kind);
	const name = refusalEvent(code, target);
	const about = name === 'target-flow-refused' ? {flow} : {target: targetText(target)};
	const limited = limitedBy(`refused ${kind} ${reason}`, REFUSAL_INTERVAL_MILLIS);
	return {name, fields: {reason, ...about}, ...limited};
}

function refusalEvent(code: number, target: Uint8Array): EventName {
	if (target.length > 0 && UNREACHED.has(code)) return 'target-unreachable';
	if (code === RefusalCode.NO_SESSION) return 'target-unanswered';
	return target.length === 0 ? 'target-flow-refused' : 'target-refused';
}

function hex(session: number): string {
	return (session >>> 0).toString(16).padStart(8, '0');
}
