import type {EndpointEvent} from '../core/events.ts';
import type {Logger} from './logger.ts';

/** How often the same warning is logged at most. */
const WARNING_INTERVAL_MILLIS = 60_000;

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
	}
}

function hex(session: number): string {
	return (session >>> 0).toString(16).padStart(8, '0');
}
