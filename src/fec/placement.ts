import type {Millis} from '../bytes/time.ts';
import {decayPerSource, type PathShare, residualWithin} from './decay.ts';

/** Figures of a path that a lane may use. */
export interface PathMeasure {
	readonly path: number;
	/** Share of packets that are lost, 0 to 1; cautious where few are counted. */
	readonly loss: number;
	/** One-way delay beyond that of the fastest path. */
	readonly delay: Millis;
}

/** Sources and repairs placed on paths. */
export interface Placement {
	readonly sources: readonly PathMeasure[];
	/** `undefined`: in one rotation with the sources. */
	readonly repairs: readonly PathMeasure[] | undefined;
	/** Delay of the slowest path in it beyond the fastest. */
	readonly skew: Millis;
	/** Share of the sources that go as copies for being short: they take no part in the factor. */
	readonly short: number;
}

/** Paths whose delays differ by less than this part of the deadline share one rotation. */
const NEAR = 1 / 4;
/** A path is of use to repairs while this part of the deadline is left when they arrive. */
const IN_TIME = 3 / 4;
/** Paths that lose more carry no sources while others lose less. */
const MUCH = 0.4;
/** Unless all lose about as much. */
const AS_MUCH = 0.1;
/** Slots beyond which the window of repairs says more than the decay. */
const MOST_SLOTS = 128;
/** Least decay with a path dead: sources come back within some tens of slots. */
const SURVIVING = -0.01;

/** Paths that carry sources: those that do not lose much more than the others. */
export function goodOf<T extends PathMeasure>(paths: readonly T[]): readonly T[] {
	const least = paths.reduce((smallest, {loss}) => Math.min(smallest, loss), 1);
	return paths.filter(({loss}) => loss <= Math.max(MUCH, least + AS_MUCH));
}

/**
 * The placements that are worth a thought, for paths in the order of their delay: (a) one
 * rotation over those that are about as fast; (b) sources on the fastest good one, repairs on the
 * others; (c) sources on the two best, repairs on all that are in time.
 */
export function candidates(
	measures: readonly PathMeasure[],
	within: Millis,
	window: Millis,
	short = 0,
): readonly Placement[] {
	const paths = measures.toSorted((a, b) => a.delay - b.delay || a.path - b.path);
	const good = goodOf(paths);
	const fast = good[0];
	if (fast === undefined) return [];
	const rotation = good.filter(
		({delay}) => delay - fast.delay <= Math.min(within * NEAR, window / 2),
	);
	const inTime = (good.length > 1 ? good : paths).filter(
		({delay}) => delay - fast.delay <= within * IN_TIME,
	);
	const inRotation = {sources: rotation, repairs: undefined, skew: skewOf(rotation)};
	const found: Placement[] = [{...inRotation, short}];
	const others = inTime.filter((path) => path !== fast);
	if (others.length === 0) return found;
	found.push({sources: [fast], repairs: others, skew: skewOf([fast, ...others]), short});
	const second = good[1];
	if (second !== undefined && inTime.length > 2 && inTime.includes(second)) {
		const slowFirst = inTime.toReversed();
		found.push({sources: [fast, second], repairs: slowFirst, skew: skewOf(inTime), short});
	}
	return found;
}

function skewOf(paths: readonly PathMeasure[]): Millis {
	let least = Number.POSITIVE_INFINITY;
	let most = 0;
	for (const {delay} of paths) {
		least = Math.min(least, delay);
		most = Math.max(most, delay);
	}
	return paths.length === 0 ? 0 : most - least;
}

/**
 * Shares of the paths.
 * @param traffic factor for packets of one length
 * @param dead a path that loses everything, if any
 */
export function sharesOf(
	placement: Placement,
	traffic: number,
	dead?: PathMeasure,
): readonly PathShare[] {
	const {sources, repairs = sources, short} = placement;
	const paths = [...new Set([...sources, ...repairs])];
	const loss = paths.reduce((sum, path) => sum + path.loss, 0) / paths.length;
	// Of two copies the code has to do with one, where the other is lost.
	const once = paths.length > 1 ? 1 - short + short * loss : 1;
	return paths.map((path) => ({
		sources: sources.includes(path) ? once / sources.length : 0,
		repairs: repairs.includes(path) ? ((traffic - 1) * (1 - short)) / repairs.length : 0,
		loss: path === dead ? 1 : path.loss,
	}));
}

/**
 * Share of the sources that are not there `within` after they were due.
 * @param rate sources in a ms
 */
export function residualOf(
	placement: Placement,
	traffic: number,
	within: Millis,
	rate: number,
): number {
	const slots = Math.min(MOST_SLOTS, Math.max(0, within - placement.skew) * rate);
	return residualWithin(sharesOf(placement, traffic), slots);
}

/** True when everything still comes back with any one of the paths dead. */
export function survives(placement: Placement, traffic: number): boolean {
	const {sources, repairs = sources} = placement;
	return [...new Set([...sources, ...repairs])].every(
		(dead) => decayPerSource(sharesOf(placement, traffic, dead)) < SURVIVING,
	);
}
