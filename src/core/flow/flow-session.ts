import type {Millis} from '../../bytes/time.ts';
import type {Policy} from '../../policy/policy.ts';
import type {Lane} from '../lane/lane.ts';

/** The parts of a session that its flows use. */
export interface FlowSession {
	/** Number of the session, unique in the life of the endpoint. */
	readonly number: number;
	/** Id by which packets to this end name it. */
	readonly localId: number;
	/** True while a path takes datagrams. */
	readonly hasRoute: boolean;
	/** True while datagrams wait for a path; the flows clear it when these go. */
	waiting: boolean;
	/** Marks that datagrams wait for a path: the paths are probed for one that comes up. */
	awaitRoute(now: Millis): void;
	/** Returns the lane of a policy, for the flows that have it. */
	lane(policy: Policy, now: Millis): Lane;
	/** Forgets which policy has which lane: policies, or the paths that they name, have changed. */
	forgetPolicies(): void;
	/** Returns the lane that the peer described under an id. `undefined`: it described none. */
	laneById(id: number): Lane | undefined;
	/** Returns the name of the policy that a lane is of. */
	policyOf(lane: Lane): string;
	/** Lane 0. */
	readonly firstLane: Lane;
	/** Sends control frames on all chosen paths, or on every open one when none is chosen. */
	sendControl(frames: Uint8Array, now: Millis): void;
}
