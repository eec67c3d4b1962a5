/** Part of a coded lane that a path carries, and its loss. */
export interface PathShare {
	/**
	 * Share of the sources that go over it; over all paths they add up to 1, less what copies make up
	 * for.
	 */
	readonly sources: number;
	/** Repairs for each source of the lane that go over it. */
	readonly repairs: number;
	/** Share of its packets that are lost, 0 to 1. */
	readonly loss: number;
}

/** Largest tilt, and how exactly the best one is found: the decay is flat there. */
const MOST_TILT = 12;
const EXACT = 1e-4;

/** Logarithm of the growth of the moment generating function at `tilt`, over one source. */
function growth(tilt: number, paths: readonly PathShare[]): number {
	const up = Math.exp(tilt);
	const down = Math.exp(-tilt);
	let sum = 0;
	for (const {sources, repairs, loss} of paths) {
		if (sources > 0) sum += sources * Math.log(1 - loss + loss * up);
		if (repairs > 0) sum += repairs * Math.log(loss + (1 - loss) * down);
	}
	return sum;
}

/** Slope of the growth at `tilt`: it rises with the tilt. */
function slope(tilt: number, paths: readonly PathShare[]): number {
	const up = Math.exp(tilt);
	let sum = 0;
	for (const {sources, repairs, loss} of paths) {
		if (sources > 0) sum += (sources * loss * up) / (1 - loss + loss * up);
		if (repairs > 0) sum -= (repairs * (1 - loss)) / (loss * up + 1 - loss);
	}
	return sum;
}

/**
 * Logarithm of the factor by which the chance that a lost source is still missing falls with each
 * source sent after it (Chernoff's bound on losses minus repairs that arrive, losses
 * independent). 0 where repairs do not make up for losses.
 */
export function decayPerSource(paths: readonly PathShare[]): number {
	let low = 0;
	let high = MOST_TILT;
	while (high - low > EXACT) {
		const middle = (low + high) / 2;
		if (slope(middle, paths) > 0) high = middle;
		else low = middle;
	}
	return Math.min(0, growth((low + high) / 2, paths));
}

/**
 * Share of the sources that are neither there nor recovered when `slots` further sources were
 * sent: p rho^D / (2 sqrt D).
 */
export function residualWithin(paths: readonly PathShare[], slots: number): number {
	let loss = 0;
	for (const path of paths) loss += path.sources * path.loss;
	if (slots < 1) return loss;
	const left = Math.exp(decayPerSource(paths) * slots);
	return loss * Math.min(1, left / (slots > 1 ? 2 * Math.sqrt(slots) : 1));
}
