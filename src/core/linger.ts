import type {Millis} from '../bytes/time.ts';

/** Answers that wait in bridges on a busy machine come this late at least. */
const SHORTEST: Millis = 300;
/** A clean stop takes at most a second. */
const LONGEST: Millis = 800;

/**
 * Returns the time for which sockets stay open and silent after CLOSE, given the longest round trip
 * time.
 */
export function lingerFor(rtt: Millis): Millis {
	return Math.min(LONGEST, Math.max(1.5 * rtt, SHORTEST));
}
