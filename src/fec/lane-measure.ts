import type {LengthMix} from './length-mix.ts';
import type {PathMeasure} from './placement.ts';

/** A path as the loop sees it. */
export interface LoopPath extends PathMeasure {
	/** Packets a ms that it delivered lately. */
	readonly delivered: number;
	/** Share that it lost just now. */
	readonly recentLoss: number;
	/**
	 * Packets of the lane sent over it so far of which is known what became of them, and arrived.
	 */
	readonly settled: number;
	readonly arrived: number;
}

/** Measurements of a lane. */
export interface LaneMeasure {
	/** Paths that the lane may use. */
	readonly paths: readonly LoopPath[];
	/** Sources in a ms. */
	readonly rate: number;
	/** Mean bytes of a source's packet on the wire. 0: not known; a rate is not kept to then. */
	readonly bytes: number;
	/** Mix of the lengths of packets. */
	readonly mix: LengthMix;
	/** Sources, and those lost or late, that the receiver counted so far. */
	readonly counted: number;
	readonly failed: number;
}

/** Packets a ms that all paths delivered lately. */
export function deliveredBy(paths: readonly LoopPath[]): number {
	return paths.reduce((sum, {delivered}) => sum + delivered, 0);
}
