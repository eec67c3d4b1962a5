import type {Millis} from '../bytes/time.ts';
import type {LoopPath} from './lane-measure.ts';
import {goodOf} from './placement.ts';

/** Time between two probes, before the first, for one to show, and that it lasts then. */
const EVERY: Millis = 10_000;
const FIRST: Millis = 3000;
const SETTLES: Millis = 150;
const LASTS: Millis = 400;
/** Loss during a probe, over that before, below which it was the lane's own. */
const OURS = 2 / 3;
/** Loss that is worth a probe, and packets that the loss before it rests on. */
const PROBED_LOSS = 0.02;
const BEFORE = 100;
/** Packets during a probe below which it shows nothing. */
const FEW = 10;
/** Standard deviations by which chance may move a loss. */
const CHANCE = 1.5;

interface Running {
	readonly path: number;
	readonly since: Millis;
	readonly loss: number;
	settled: number;
	/** -1: not counted yet. */
	arrived: number;
}

/**
 * Now and then the repairs of one path are left out for a moment: when it loses much less then,
 * they made its loss.
 */
export class OwnLossProbe {
	/** True when the last probe found the loss to be that of the paths. */
	isForeign = false;
	#running: Running | undefined;
	#dueAt: Millis;

	constructor(now: Millis) {
		this.#dueAt = now + FIRST;
	}

	/** Path whose repairs are left out now. -1: none. */
	get path(): number {
		return this.#running?.path ?? -1;
	}

	/** Nothing was sent for a while: a probe that is on shows nothing, and the next one waits. */
	pause(now: Millis): void {
		this.#running = undefined;
		this.#dueAt = Math.max(this.#dueAt, now + FIRST);
	}

	/** The next probe begins now. */
	request(now: Millis): void {
		this.#dueAt = now;
	}

	/** True when one is due: `start` begins it. */
	isDue(now: Millis): boolean {
		return this.#running === undefined && now >= this.#dueAt;
	}

	/** Begins with the path that loses most, if that is worth it. */
	start(paths: readonly LoopPath[], isPossible: boolean, now: Millis): void {
		this.#dueAt = now + EVERY;
		const [most] = goodOf(paths).toSorted((a, b) => b.recentLoss - a.recentLoss);
		if (most === undefined || most.recentLoss < PROBED_LOSS || !isPossible) return;
		const {path, recentLoss: loss} = most;
		this.#running = {path, since: now, loss, settled: 0, arrived: -1};
	}

	/** Lets time pass. True when a probe ends and the loss is the lane's own. */
	settle(paths: readonly LoopPath[], now: Millis): boolean {
		const running = this.#running;
		if (running === undefined) return false;
		const path = paths.find((one) => one.path === running.path);
		if (path === undefined) this.#running = undefined;
		else if (running.arrived < 0 && now - running.since >= SETTLES) {
			running.settled = path.settled;
			running.arrived = path.arrived;
		} else if (now - running.since >= SETTLES + LASTS) {
			this.#running = undefined;
			return this.#judge(running, path);
		}
		return false;
	}

	#judge(before: Running, {settled, arrived}: LoopPath): boolean {
		const sent = settled - before.settled;
		const got = arrived - before.arrived;
		// More arrived than was sent: what counted as lost before was late.
		if (sent < FEW || got >= sent + 1) return false;
		const loss = 1 - got / sent;
		const variance = before.loss * (1 - before.loss) * (1 / sent + 1 / BEFORE);
		const chance = CHANCE * Math.sqrt(variance);
		const bound = OURS * before.loss;
		this.isForeign = loss > bound + chance;
		return loss < bound - chance;
	}
}
