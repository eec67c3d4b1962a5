import type {Millis} from '../../../bytes/time.ts';
import type {LaneMeter} from '../../../fec/lane-meter.ts';
import type {Path} from '../../path/path.ts';

/** Losses below are taken for this one. */
const LEAST_LOSS = 0.005;
/** Growth of a loss in a second that is no step. */
const SLOW_GROWTH = 0.2;
/** Time behind a step in which the loss of its path may go on rising. */
const SETTLES: Millis = 1000;

/** Loss of a path that later ones are compared with. */
interface Reference {
	loss: number;
	/** It follows the path's loss until then. */
	until: Millis;
}

/** Finds steps of a lane: a path that was lost, or whose loss more than doubled at once. */
export class PathSteps {
	#paths: readonly Path[] = [];
	readonly #references: (Reference | undefined)[] = [];
	#updatedAt: Millis = 0;

	/**
	 * True when there was a step since the last call.
	 * @param paths those that the lane may use
	 * @param isSilent true for a path by its id that was found to be lost before
	 */
	update(
		paths: readonly Path[],
		meterOf: (path: number) => LaneMeter,
		isSilent: (path: number) => boolean,
		now: Millis,
	): boolean {
		const elapsed = now - this.#updatedAt;
		this.#updatedAt = now;
		let isStep = false;
		for (const path of this.#paths) {
			const isLost = !path.open || path.state === 'down';
			if (isLost && !isSilent(path.id) && meterOf(path.id).arrived > 0) isStep = true;
		}
		this.#paths = paths.filter((path) => path.open && path.state !== 'down');
		for (const {id} of paths) {
			if (!isSilent(id) && this.#hasRisen(id, meterOf(id), elapsed, now)) isStep = true;
		}
		return isStep;
	}

	#hasRisen(id: number, meter: LaneMeter, elapsed: Millis, now: Millis): boolean {
		const loss = Math.max(LEAST_LOSS, meter.loss(now));
		const reference = this.#references[id];
		if (reference === undefined) {
			this.#references[id] = {loss, until: now + SETTLES};
			return false;
		}
		if (now < reference.until) {
			reference.loss = loss;
			return false;
		}
		if (meter.hasDoubled(reference.loss, now)) {
			reference.until = now + SETTLES;
			return true;
		}
		const grown = reference.loss * (1 + (SLOW_GROWTH * elapsed) / 1000);
		reference.loss = Math.min(loss, grown);
		return false;
	}
}
