import type {Millis} from '../../bytes/time.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import {Policy} from '../policy.ts';
import {BestDispatch} from './dispatch/best.ts';
import {RedundantDispatch} from './dispatch/redundant.ts';
import {Lane, type LaneInit} from './lane.ts';

/** Inputs of a session's lanes. */
export interface LanesInit extends LaneInit {
	readonly paths: PathSet;
	readonly now: Millis;
}

/** The lanes of one session, each made for the first flow that uses it. */
export class Lanes {
	/** Dispatch of lane 0 and of streams. */
	readonly redundant: RedundantDispatch = new RedundantDispatch();
	/** Lane 0, which always is there: control frames take it. */
	readonly first: Lane;
	readonly #init: LanesInit;
	readonly #byPolicy = new Map<Policy, Lane>();

	constructor(init: LanesInit) {
		this.#init = init;
		this.first = new Lane(init, this.redundant);
		this.#byPolicy.set(Policy.REDUNDANT, this.first);
		init.paths.observe(this.redundant, init.now);
	}

	/** Returns the lane of a policy. */
	get(policy: Policy, now: Millis): Lane {
		let lane = this.#byPolicy.get(policy);
		if (lane === undefined) {
			const dispatch = new BestDispatch();
			lane = new Lane(this.#init, dispatch);
			this.#byPolicy.set(policy, lane);
			this.#init.paths.observe(dispatch, now);
		}
		return lane;
	}

	/** True while packets of any lane go out on the path. */
	carry(path: Path): boolean {
		for (const lane of this.#byPolicy.values()) if (lane.carries(path)) return true;
		return false;
	}

	/** Datagrams that went out in parts, because no packet held them. */
	get split(): number {
		let split = 0;
		for (const lane of this.#byPolicy.values()) split += lane.split;
		return split;
	}

	/** Sends the packets that wait for more datagrams. */
	flush(now: Millis): void {
		for (const lane of this.#byPolicy.values()) lane.flush(now);
	}

	/** Drops the packets that wait for more datagrams: the session is over. */
	end(): void {
		for (const lane of this.#byPolicy.values()) lane.end();
	}
}
