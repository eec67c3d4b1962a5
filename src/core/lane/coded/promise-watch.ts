import {type Millis, NEVER} from '../../../bytes/time.ts';
import type {LanePromise} from '../../../fec/policy-loop.ts';
import {judgeResidual, type Residual, ResidualMeter} from '../../../fec/residual.ts';

/** Time between two judgements. */
const JUDGE_EVERY: Millis = 2000;
/** Time for which a promise has to be broken before it is said: a lane begins carefully. */
const BROKEN_FOR: Millis = 10_000;
/** Packets for each that may fail, with which a promise can be judged (rule of three). */
const ENOUGH = 3;
/** Sources after which the receiver counts one that did not come as missing, about. */
const COUNTED_BEHIND = 256;
const LONGEST_LAG: Millis = 5000;

/** Compares what the receiver of a lane counts with the promise, step by step apart. */
export class PromiseWatch {
	readonly #promise: LanePromise;
	readonly #meter = new ResidualMeter();
	#judgeAt: Millis = Number.NEGATIVE_INFINITY;
	#brokenSince: Millis = NEVER;
	#isSaid = false;

	constructor(promise: LanePromise) {
		this.#promise = promise;
	}

	/**
	 * Takes the counts of the receiver.
	 * @param counted sources that were received, recovered or found missing so far
	 * @param failed those that were missing or late so far
	 */
	update(counted: number, failed: number, now: Millis): void {
		this.#meter.update(counted, failed, now);
	}

	/** A path was lost, or its loss more than doubled. @param slot time between two sources */
	step(slot: Millis, now: Millis): void {
		this.#meter.step(now, Math.min(LONGEST_LAG, COUNTED_BEHIND * slot));
	}

	/** Returns the counts of the last 5 minutes. */
	residual(now: Millis): Residual {
		return this.#meter.read(now);
	}

	/**
	 * True when it is to be said now that the promise is broken: once until it is kept again.
	 * @param isPossible false when it takes more than is allowed, so that less traffic can tell
	 */
	isNews(isPossible: () => boolean, now: Millis): boolean {
		if (now < this.#judgeAt) return false;
		this.#judgeAt = now + JUDGE_EVERY;
		const residual = this.#meter.read(now);
		const {residual: promised} = this.#promise;
		const verdict = judgeResidual(residual, promised);
		if (verdict === 'kept') this.#isSaid = false;
		if (verdict !== 'broken' || this.#isSaid) {
			this.#brokenSince = NEVER;
			return false;
		}
		if (residual.sources * promised < ENOUGH && isPossible()) return false;
		this.#brokenSince = Math.min(this.#brokenSince, now);
		this.#isSaid = now - this.#brokenSince >= BROKEN_FOR;
		return this.#isSaid;
	}
}
