import {Cursor} from '../../bytes/cursor.ts';
import type {EndpointEvent} from '../../core/events.ts';
import type {WarningCode} from '../../core/warnings.ts';
import {formatTarget, ipTarget} from '../../socks/target.ts';
import {decodeTarget, TargetKind} from '../../wire/address.ts';
import {RefusalCode} from '../../wire/constants.ts';
import {type RefusedKind, refusalWord} from '../../wire/refusal.ts';
import {brokenWords, obstacleWords} from './lane-words.ts';
import type {Logger} from './logger.ts';

/** A kind of line passes once in this time, or as often as its burst. */
const INTERVAL_MILLIS = 60_000;

/** Of refusals the reason matters more than every single target. */
const REFUSAL_INTERVAL_MILLIS = 10_000;

/** Lines of one user's sessions or paths, or of one of our paths, in that time. */
const BURST = {burst: 60};

const REFUSED: Readonly<Record<RefusedKind, string>> = {
	flow: 'flows or targets',
	stream: 'connections',
	session: 'sessions',
};

const WARNINGS: Readonly<Record<WarningCode, string>> = {
	'encryption-differs': 'MPTUNNEL_ENCRYPT differs between the two ends: no session',
	'other-version': 'the other end uses another version of the protocol: no session',
	'unknown-key': 'handshake with an unknown key rejected',
	keyless: 'one end has a key and the other has none: no session',
	full: 'a limit is reached',
	'user-full': 'a limit of this key is reached',
	'old-keys': 'the keys are not replaced',
	clone: 'two clients used one client id',
};

/**
 * Logs the events of an endpoint. Whatever others can cause - strangers, peers, users, bridges - is
 * limited by its kind and by the user concerned, never by an address or a name from outside: there
 * is no end to those. `pathNames` are the names as the user wrote them, by path id; without one the
 * endpoint's own name is shown.
 */
export class EventLog {
	readonly #logger: Logger;
	readonly #pathNames: readonly string[];
	/** Users of the sessions that are up. */
	readonly #users = new Map<number, string>();

	constructor(logger: Logger, pathNames: readonly string[] = []) {
		this.#logger = logger;
		this.#pathNames = pathNames;
	}

	/** Logs one event, unless there were too many of its kind. */
	log(event: EndpointEvent): void {
		const logger = this.#logger;
		switch (event.type) {
			case 'session-up':
			case 'session-down':
				this.#session(event);
				return;
			case 'path-state':
				this.#pathState(event);
				return;
			case 'path-address': {
				const {name, address, session} = event;
				const limited = this.#limited('address', session);
				limited.info('a path has another address', {path: name, address, session: hex(session)});
				return;
			}
			case 'datagrams-split': {
				const {size, fits, session} = event;
				const limited = this.#limited('split', session);
				const hint = 'a smaller MTU inside the tunnel is faster and loses less';
				limited.info('datagrams are split', {size, fits, hint});
				return;
			}
			case 'promise-broken':
			case 'policy-replaced':
				this.#policy(event);
				return;
			case 'warning': {
				const {code, where, text, times} = event;
				// The text of this one names the user, who is one of few.
				const kind = code === 'clone' ? `${code} ${text}` : code;
				const limited = logger.limited(kind, INTERVAL_MILLIS, {times});
				limited.warn(WARNINGS[code], {where, detail: text});
				return;
			}
			case 'client-id':
				return;
			case 'fault': {
				const {session, text} = event;
				const fields = {session: session === 0 ? undefined : hex(session), detail: text};
				const limited = logger.limited('fault', INTERVAL_MILLIS, BURST);
				limited.error('a fault of this program, please report it; the others go on', fields);
				return;
			}
			case 'path-silent': {
				const limited = logger.limited(`silent ${event.path}`, INTERVAL_MILLIS, BURST);
				const path = this.#pathNames[event.path];
				limited.debug('a path is silent, connecting it anew', {path});
				return;
			}
			case 'flow-closed':
				if (!logger.isEnabled('debug')) return;
				logger
					.limited('flow-closed', INTERVAL_MILLIS, BURST)
					.debug('a flow has ended', {flow: event.flow});
				return;
			case 'refused': {
				const {user, kind, code} = event;
				const reason = refusalWord(code, kind);
				const limited = logger.limited(`refused ${user} ${kind} ${reason}`, INTERVAL_MILLIS);
				limited.info(`${REFUSED[kind]} of a user are refused`, {user: user || undefined, reason});
				return;
			}
			case 'target-refused':
				logRefusal(logger, event);
		}
	}

	#policy(event: Extract<EndpointEvent, {type: 'promise-broken' | 'policy-replaced'}>): void {
		const {type, policy, session} = event;
		const limited = this.#limited(type, session);
		const whose = {user: this.#users.get(session) || undefined, session: hex(session)};
		if (type === 'promise-broken') {
			limited.warn('a promise is not kept', {detail: brokenWords(event), ...whose});
		} else {
			const because = obstacleWords(event.obstacle);
			limited.warn('copies go out in place of a policy', {policy, because, ...whose});
		}
	}

	#limited(kind: string, session: number): Logger {
		const user = this.#users.get(session) ?? '';
		return this.#logger.limited(`${kind} ${user}`, INTERVAL_MILLIS, BURST);
	}

	#session(event: Extract<EndpointEvent, {type: 'session-up' | 'session-down'}>): void {
		const session = hex(event.session);
		if (event.type === 'session-down') {
			const {reason} = event;
			this.#limited('session-down', event.session).info('a session is down', {session, reason});
			this.#users.delete(event.session);
			return;
		}
		this.#users.set(event.session, event.user);
		const fields = {session, user: event.user || undefined};
		if (event.resumed)
			this.#limited('resumed', event.session).debug('the session has new keys', fields);
		else this.#limited('session-up', event.session).info('a session is up', fields);
	}

	#pathState({
		path: id,
		name,
		from,
		to,
		reason,
		session,
	}: Extract<EndpointEvent, {type: 'path-state'}>): void {
		const own = this.#pathNames[id];
		const fields = {path: own ?? name, from, reason, session: hex(session)};
		// Suspicion comes and goes with every burst of loss.
		const quiet = (to === 'suspect' || from === 'suspect') && to !== 'down';
		const level = quiet || to === 'new' ? 'debug' : 'info';
		const kind = own === undefined ? `path ${level}` : `path ${level} ${id}`;
		this.#limited(kind, session)[level](`a path is ${to}`, fields);
	}
}

/** Refusals from the target's own network: no fault of the tunnel or of its configuration. */
const UNREACHED: ReadonlySet<number> = new Set([
	RefusalCode.REFUSED,
	RefusalCode.NET_UNREACHABLE,
	RefusalCode.HOST_UNREACHABLE,
	RefusalCode.TIMED_OUT,
]);

function logRefusal(
	logger: Logger,
	{kind, code, target, flow}: Extract<EndpointEvent, {type: 'target-refused'}>,
): void {
	const reason = refusalWord(code, kind);
	const limited = logger.limited(`refused ${kind} ${reason}`, REFUSAL_INTERVAL_MILLIS);
	if (target.length > 0 && UNREACHED.has(code)) {
		limited.info('a target cannot be reached', {reason, target: targetText(target)});
	} else if (code === RefusalCode.NO_SESSION) {
		limited.warn('a connection is refused: nothing comes from the server', {
			reason,
			target: targetText(target),
		});
	} else if (target.length === 0) limited.warn('the server refuses a flow', {reason, flow});
	else limited.warn('the server refuses a target', {reason, target: targetText(target)});
}

/** `host:port` of a target as it is encoded on the wire. */
function targetText(encoded: Uint8Array): string {
	const cursor = new Cursor();
	cursor.reset(encoded, 0, encoded.length);
	const target = decodeTarget(cursor);
	if (target === undefined) return '?';
	if (target.kind === TargetKind.FIXED) return 'the fixed target';
	const {kind, host, port} = target.kind === TargetKind.FORWARD ? target.to : target;
	if (kind !== TargetKind.DOMAIN) return formatTarget(ipTarget(host, port));
	return `${String.fromCharCode(...host)}:${port}`;
}

function hex(session: number): string {
	return (session >>> 0).toString(16).padStart(8, '0');
}
