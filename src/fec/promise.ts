import type {Millis} from '../bytes/time.ts';

/** Promise of a policy, and its price. */
export interface LanePromise {
	/** Share of the sources that may be lost or late, such as 1e-4. */
	readonly residual: number;
	/** Time from when a source is due until it is late. */
	readonly within: Millis;
	/** Largest traffic factor. */
	readonly traffic: number;
	/**
	 * Largest traffic factor in bytes. It is more than `traffic` for a fixed factor: where lengths
	 * differ, as many repairs as that buys for packets of one length take more bytes.
	 */
	readonly most: number;
	/** Standing traffic factor. */
	readonly floor: number;
	/**
	 * True: the least traffic; the silent death of a path costs what is sent until it is noticed.
	 */
	readonly cheap: boolean;
	/** Most kbit/s on all paths together, headers counted. 0: no limit. */
	readonly rate: number;
}

/** True for a factor that is the user's own decision: it stands still. */
export function isFixed({floor, traffic}: LanePromise): boolean {
	return floor === traffic;
}

/** Largest factor that lengths which differ may make of a fixed one. */
const FOR_LENGTHS = 2;

/**
 * Largest traffic factor in bytes: for lengths that differ a fixed one below 2 may add as much
 * again as it adds anyway, up to 2.
 *
 * @param cap what this end allows, at least 1
 */
export function mostOf(floor: number, traffic: number, cap: number): number {
	const most = floor === traffic ? Math.min(FOR_LENGTHS, 2 * traffic - 1) : traffic;
	return Math.min(cap, Math.max(traffic, most));
}

/**
 * Largest traffic factor in bytes that a promise allows: its own, or what its rate leaves; at least
 * 1.
 *
 * @param bytes mean of a source's packet on the wire; 0: not known, the rate says nothing then
 * @param rate sources in a ms
 */
export function allowedFactor(
	{most, rate: limit}: LanePromise,
	bytes: number,
	rate: number,
): number {
	// 1 kbit/s is a bit in a ms.
	const spent = 8 * bytes * rate;
	return limit === 0 || spent === 0 ? most : Math.max(1, Math.min(most, limit / spent));
}
