import type {Millis} from '../bytes/time.ts';
import {residualWithin} from './decay.ts';
import {type Placement, sharesOf} from './placement.ts';
import type {LanePromise} from './promise.ts';
import {aimOf} from './traffic-factor.ts';

/** Sources that a repair covers: at least, and at most. */
const LEAST_WINDOW = 4;
const MOST_WINDOW = 64;
/**
 * Multiply-adds in a ms that the repairs of a direction take while fewer do: some 5 % of a core.
 * Up to 15,600 sources a second at 1.5 x they cover as much as they can.
 */
const WORK = 500;
/** Least window for the sake of less work: a burst of losses is to be covered, too. */
const LEAST_WORKED = 16;
/** Part of what the plan aims at that a shorter window may leave. */
const LITTLE = 1 / 100;

/** Reach of repairs. */
export interface RepairWindow {
	/** Sources that a repair covers. */
	readonly window: number;
	/** Sources of a long turn after which repairs go out in the middle of it. */
	readonly stride: number;
}

/** Returns how many sources come in a time, as far as a repair can cover them. */
export function windowOf(time: Millis, rate: number): number {
	return Math.max(LEAST_WINDOW, Math.min(MOST_WINDOW, Math.floor(time * rate)));
}

/**
 * Chooses the reach of repairs: all sources within the deadline, or at high rates fewer, while
 * those leave next to nothing of what the promise permits.
 *
 * @param rate sources in a ms
 */
export function repairWindow(
	placement: Placement,
	promise: LanePromise,
	traffic: number,
	rate: number,
): RepairWindow {
	const span = windowOf(promise.within - placement.skew, rate);
	const most = WORK / (rate * (traffic - 1));
	if (span > most) {
		const shares = sharesOf(placement, traffic);
		const limit = aimOf(promise) * LITTLE;
		for (let window = LEAST_WORKED; window < span; window *= 2) {
			if (2 * window <= most || residualWithin(shares, window) > limit) continue;
			return {window, stride: window / 2};
		}
	}
	return {window: span, stride: MOST_WINDOW / 2};
}
