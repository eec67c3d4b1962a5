import {type Millis, NEVER} from '../../bytes/time.ts';
import {Role} from '../role.ts';
import type {Path} from './path.ts';

/** Activity of a session: data in the last 2 s, in the last 30 s, or neither. */
export type Activity = 'active' | 'calm' | 'idle';

const REGULAR: Record<Activity, Millis> = {active: 100, calm: 1000, idle: 20_000};
const METERED: Record<Activity, Millis> = {active: 1000, calm: 60_000, idle: 60_000};
/**
 * Interval that keeps the mapping of a NAT: many forget one after 30 s. A metered path is probed so
 * often only while nothing else reaches a client that peers may need to reach.
 */
export const NAT_LIFE: Millis = 25_000;
/** Delay until a lost probe that was to keep a mapping is sent again. */
const KEEP_AGAIN: Millis = 5000;
/** Intervals are spread by so much in either direction. */
export const SPREAD = 0.1;
/** A path that may be failing is probed often, for a short while. */
const URGENT: Millis = 25;
const URGENT_FOR: Millis = 1000;
const DOWN: Millis = 200;
const DOWN_OFTEN: Millis = 30_000;
const DOWN_SLOWEST: Millis = 5000;
/** A path with a queue is watched more closely, and so are all while one is in doubt. */
const CLOSE: Millis = 50;

/** Inputs of the interval besides the path itself. */
export interface Situation {
	readonly role: Role;
	readonly activity: Activity;
	/** True while datagrams wait for a path. */
	readonly waiting: boolean;
	/** True while some path is suspect, so that reports on it are needed soon. */
	readonly doubt: boolean;
	/** Longest time between two packets of this end on the path. `NEVER`: no limit. */
	readonly keepAlive: Millis;
}

/** Returns the time between the last probe on `path` and the next one. */
export function probeInterval(path: Path, situation: Situation, now: Millis): Millis {
	const {role, activity, waiting, doubt, keepAlive} = situation;
	if (path.state === 'down') {
		const since = path.downSince === NEVER ? 0 : now - path.downSince;
		if (waiting || since < DOWN_OFTEN) return DOWN;
		return Math.min(DOWN_SLOWEST, Math.max(DOWN, (since - DOWN_OFTEN) / 2));
	}
	// The server's own probes only stand in for the client's, which come through every NAT.
	const patience = role === Role.SERVER ? 1.5 : 1;
	const longest = keepAlive / (1 + SPREAD);
	if (path.settings.metered) {
		if (path.state === 'suspect' && longest < METERED[activity])
			return Math.min(longest, KEEP_AGAIN);
		return Math.min(patience * METERED[activity], longest);
	}
	if (path.state !== 'up') {
		if (activity !== 'active' && !waiting) return DOWN;
		const urgent = now - path.judge.unprovenSince < URGENT_FOR;
		return urgent && path.state === 'suspect' ? URGENT : REGULAR.active;
	}
	const queued = (path.sendDelay.queueing ?? 0) > CLOSE;
	if (activity === 'active' && (queued || doubt)) return CLOSE;
	return Math.min(patience * REGULAR[activity], longest);
}
