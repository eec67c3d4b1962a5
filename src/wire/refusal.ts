import {RefusalCode} from './constants.ts';

/** Kinds of refusals of a user: a flow or one of its targets, a stream, a session. */
export type RefusedKind = 'flow' | 'stream' | 'session';

const THINGS: Readonly<Record<RefusedKind, string>> = {
	flow: 'flows',
	stream: 'connections',
	session: 'sessions',
};

/** Returns the name of a counter of refusals: those of TCP are apart. */
export function refusalCounter(code: number, kind: RefusedKind): string {
	const word = refusalWord(code, kind);
	return kind === 'stream' ? `tcp-${word}` : word;
}

/** Returns the word for one of RefusalCode, as it is meant for that kind. */
export function refusalWord(code: number, kind: RefusedKind = 'flow'): string {
	switch (code) {
		case RefusalCode.LIMIT:
			return `limit-of-${THINGS[kind]}`;
		case RefusalCode.NO_TARGET:
			return 'no-exit';
		case RefusalCode.SOCKET:
			return 'socket';
		case RefusalCode.DENIED:
			return 'denied';
		case RefusalCode.UNRESOLVABLE:
			return 'unresolvable';
		case RefusalCode.RATE:
			return `limit-of-new-${THINGS[kind]}`;
		case RefusalCode.DESCRIPTORS:
			return 'limit-of-descriptors';
		case RefusalCode.REFUSED:
			return 'connection-refused';
		case RefusalCode.NET_UNREACHABLE:
			return 'network-unreachable';
		case RefusalCode.HOST_UNREACHABLE:
			return 'host-unreachable';
		case RefusalCode.TIMED_OUT:
			return 'timed-out';
		case RefusalCode.NO_SESSION:
			return 'tunnel-down';
		case RefusalCode.MEMORY:
			return 'limit-of-memory';
		default:
			return 'unknown';
	}
}
