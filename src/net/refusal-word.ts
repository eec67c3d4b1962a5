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
		default:
			return 'unknown';
	}
}
