import type {Millis} from '../bytes/time.ts';

/** Promise of a policy, and its price. */
export interface LanePromise {
	/** Share of the sources that may be lost or late, such as 1e-4. */
	readonly residual: number;
	/** Time from when a source is due until it is late. */
	readonly within: Millis;
	/** Largest traffic factor. */
	readonly traffic: number;
	/** Standing traffic factor. */
	readonly floor: number;
	/**
	 * True: the least traffic; the silent death of a path costs what is sent until it is noticed.
	 */
	readonly cheap: boolean;
	/** Most kbit/s on all paths together, headers counted. 0: no limit. */
	readonly rate: number;
}

/**
 * Largest traffic factor that a promise allows: its own, or what its rate leaves; at least 1.
 *
 * @param bytes mean of a source's packet on the wire; 0: not known, the rate says nothing then
 * @param rate sources in a ms
 */
export function allowedFactor(
	{traffic, rate: most}: LanePromise,
	bytes: number,
	rate: number,
): number {
	// 1 kbit/s is a bit in a ms.
	const spent = 8 * bytes * rate;
	return most === 0 || spent === 0 ? traffic : Math.max(1, Math.min(traffic, most / spent));
}
