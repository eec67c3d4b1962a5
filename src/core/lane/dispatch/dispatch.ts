import type {Millis} from '../../../bytes/time.ts';
import type {Route} from '../../packets/route.ts';
import type {Path} from '../../path/path.ts';
import type {PathsObserver} from '../../path/path-set.ts';

/** Chooses the paths of every packet of a lane. */
export interface Dispatch extends PathsObserver {
	/**
	 * Paths that carry the lane now, the best first; the same array for life. Empty: none is usable.
	 */
	readonly paths: readonly Path[];
	/** Bytes of UDP payload that a packet may have at most. */
	readonly packetSize: number;
	/**
	 * Fills `out` with the paths that take a packet of `bytes` now, whose allowances it is taken
	 * from. Empty: none takes it.
	 */
	route(bytes: number, now: Millis, out: Route): void;
	/** Appends the paths that get a copy of a data packet only to measure what arrives there. */
	sample(bytes: number, now: Millis, out: Route): void;
}
