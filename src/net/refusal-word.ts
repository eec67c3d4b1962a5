import {RefusalCode} from '../wire/constants.ts';

/** A word for one of RefusalCode. */
export function refusalWord(code: number): string {
	switch (code) {
		case RefusalCode.LIMIT:
			return 'limit-of-flows';
		case RefusalCode.NO_TARGET:
			return 'no-exit';
		case RefusalCode.SOCKET:
			return 'socket';
		case RefusalCode.DENIED:
			return 'denied';
		case RefusalCode.UNRESOLVABLE:
			return 'unresolvable';
		case RefusalCode.RATE:
			return 'limit-of-new-flows';
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
		default:
			return 'unknown';
	}
}
