import {Cursor} from '../bytes/cursor.ts';
import type {EndpointEvent} from '../core/events.ts';
import {refusalWord} from '../net/refusal-word.ts';
import {formatTarget, ipTarget} from '../socks/address.ts';
import {decodeTarget, TargetKind} from '../wire/address.ts';
import {RefusalCode} from '../wire/constants.ts';
import type {Logger} from './logger.ts';

/** How often the same warning is logged at most. */
const WARNING_INTERVAL_MILLIS = 60_000;

/** Of refusals the reason matters more than every single target. */
const REFUSAL_INTERVAL_MILLIS = 10_000;

type WarningCode = Extract<EndpointEvent, {type: 'warning'}>['code'];

const WARNINGS: Readonly<Record<WarningCode, string>> = {
	'encryption-differs': 'MPTUNNEL_ENCRYPT differs between the two ends: no session',
	'other-version': 'the other end speaks another version of the protocol: no session',
	'unknown-key': 'somebody uses a key that is not known here: no session',
	keyless: 'one end has a key and the other has none: no session',
	full: 'a limit is reached',
};

/**
 * Logs what an endpoint tells. `pathNames` are the names as the user wrote them, by path id; without
 * one the endpoint's own name is used.
 */
export function logEvent(
	logger: Logger,
	event: EndpointEvent,
	pathNames: readonly string[] = [],
): void {
	switch (event.type) {
		case 'session-up': {
			const fields = {session: hex(event.session), user: event.user || undefined};
			if (event.resumed) logger.debug('the session has new keys', fields);
			else logger.info('a session is up', fields);
			return;
		}
		case 'session-down':
			logger.info('a session is down', {session: hex(event.session), reason: event.reason});
			return;
		case 'path-state': {
			const path = pathNames[event.path] ?? event.name;
			const {from, reason} = event;
			const fields = {path, from, reason, session: hex(event.session)};
			// Suspicion comes and goes with every burst of loss.
			const quiet = event.to === 'suspect' || from === 'suspect' ? event.to !== 'down' : false;
			const level = quiet || event.to === 'new' ? 'debug' : 'info';
			logger[level](`a path is ${event.to}`, fields);
			return;
		}
		case 'path-address': {
			const {name, address} = event;
			logger.info('a path has another address', {
				path: name,
				address,
				session: hex(event.session),
			});
			return;
		}
		case 'warning': {
			const {code, where, text} = event;
			const limited = logger.limited(`${code} ${where}`, WARNING_INTERVAL_MILLIS);
			limited.warn(WARNINGS[code], {where, detail: text});
			return;
		}
		case 'path-silent':
			logger.debug('a path is silent, connecting it anew', {path: pathNames[event.path]});
			return;
		case 'flow-closed':
			logger.debug('a flow has ended', {flow: event.flow});
			return;
		case 'refused': {
			const {user, code} = event;
			const reason = refusalWord(code);
			const limited = logger.limited(`refused ${user} ${reason}`, WARNING_INTERVAL_MILLIS);
			limited.info('flows or targets of a user are refused', {user: user || undefined, reason});
			return;
		}
		case 'target-refused':
			logRefusal(logger, event);
	}
}

/** What the target's own network says: no fault of the tunnel or of its configuration. */
const UNREACHED: ReadonlySet<number> = new Set([
	RefusalCode.REFUSED,
	RefusalCode.NET_UNREACHABLE,
	RefusalCode.HOST_UNREACHABLE,
	RefusalCode.TIMED_OUT,
]);

function logRefusal(
	logger: Logger,
	{code, target, flow}: Extract<EndpointEvent, {type: 'target-refused'}>,
): void {
	const reason = refusalWord(code);
	const limited = logger.limited(`refused ${reason}`, REFUSAL_INTERVAL_MILLIS);
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
