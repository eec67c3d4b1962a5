import type {Millis} from '../../bytes/time.ts';
import type {Lane} from '../lane/lane.ts';
import type {Policy} from '../policy.ts';

/** A session as the flows in it use it. */
export interface FlowSession {
	/** Unique in the life of the endpoint. */
	readonly number: number;
	/** The id by which packets name it at this end. */
	readonly localId: number;
	/** True while a path takes datagrams. */
	readonly hasRoute: boolean;
	/** True while datagrams wait for a path; the flows clear it when they go. */
	waiting: boolean;
	/** Datagrams wait for a path from now on: the paths are probed for one that comes up. */
	awaitRoute(now: Millis): void;
	/** Returns the lane of a policy, for the flows that have it. */
	lane(policy: Policy, now: Millis): Lane;
	/** Sends control frames on all chosen paths, or on every open one when none is chosen. */
	sendControl(frames: Uint8Array, now: Millis): void;
}
