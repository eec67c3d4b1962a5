import {goodOf, type PathMeasure, type Placement, residualOf, survives} from './placement.ts';
import type {LanePromise} from './promise.ts';

/*
 * Traffic factors are those for packets of one length here: one more than the repairs for each
 * source.
 */

/** Traffic factors are multiples of this, from the smallest that is looked at. */
export const FACTOR_STEP: number = 1 / 32;

/** The part of the promise that the plan aims at. */
const AIM = 1 / 2;
/** Copies that leave more than so many times the promise give way to a code, even a mortal one. */
const FAR = 10;

/** Largest residual that a plan for a promise may leave. */
export function aimOf({residual}: LanePromise): number {
	return residual * AIM;
}

/**
 * Smallest traffic factor from `low` to `high` with which one of the placements keeps the
 * promise; `high` when none does.
 *
 * @param rate sources in a ms
 */
export function promisedFactor(
	placements: readonly Placement[],
	promise: LanePromise,
	rate: number,
	low: number,
	high: number,
): number {
	return smallest(low, high, (factor) => keeps(placements, promise, rate, factor));
}

/** True when one of the placements keeps the promise with a traffic factor. */
export function keeps(
	placements: readonly Placement[],
	promise: LanePromise,
	rate: number,
	factor: number,
): boolean {
	const aim = aimOf(promise);
	return placements.some((one) => residualOf(one, factor, promise.within, rate) <= aim);
}

/**
 * Smallest traffic factor from `low` to `high` with which one of the placements survives the death
 * of any path; `high` when none does.
 */
export function survivingFactor(
	placements: readonly Placement[],
	low: number,
	high: number,
): number {
	return smallest(low, high, (factor) => placements.some((one) => survives(one, factor)));
}

/** Limits of a factor to aim at. */
export interface FactorLimits {
	/** Sources in a ms. */
	readonly rate: number;
	/** Largest factor that is allowed. */
	readonly allowed: number;
	/** By which the share above 1 that the promise takes is multiplied, at least 1. */
	readonly demand: number;
}

/** A factor to aim at, and what asked for it. */
export interface PlannedFactor {
	readonly factor: number;
	/** True: to survive the death of a path takes more than the promise. */
	readonly isSurvival: boolean;
}

/** Smallest factor that keeps the promise and survives the death of a path, within its limits. */
export function plannedFactor(
	placements: readonly Placement[],
	paths: readonly PathMeasure[],
	promise: LanePromise,
	{rate, allowed, demand}: FactorLimits,
): PlannedFactor {
	const floor = Math.min(promise.floor, allowed);
	const promised = promisedFactor(placements, promise, rate, floor, allowed);
	const asked = 1 + (promised - 1) * demand;
	const surviving = mustSurvive(placements, paths, promise, allowed)
		? survivingFactor(placements, floor, allowed)
		: floor;
	const factor = Math.max(floor, Math.min(allowed, Math.max(asked, surviving)));
	return {factor, isSurvival: surviving > asked};
}

/** True when the death of a path is to be survived: for two paths where the factor allows it. */
export function mustSurvive(
	placements: readonly Placement[],
	paths: readonly PathMeasure[],
	{cheap}: LanePromise,
	allowed: number,
): boolean {
	const good = goodOf(paths).length;
	if (cheap || good < 2) return false;
	return good > 2 || placements.some((one) => survives(one, allowed));
}

/**
 * True when copies on both of two paths do better than a code: they survive the death of one
 * with less, as long as that is enough for the promise, or not far from it while no code that is
 * allowed survives.
 *
 * @param copies copies that are allowed, where lengths differ
 */
export function prefersCopies(
	placements: readonly Placement[],
	paths: readonly PathMeasure[],
	promise: LanePromise,
	allowed: number,
	copies: number = allowed,
): boolean {
	const [first, second, third] = goodOf(paths).filter(({delay}) => delay <= promise.within);
	if (promise.cheap || copies < 2 || second === undefined || third !== undefined) return false;
	const left = first!.loss * second.loss;
	if (left <= aimOf(promise)) return true;
	return left <= FAR * promise.residual && !mustSurvive(placements, paths, promise, allowed);
}

/** Smallest value from `low` to `high` with a property that larger ones have too, else `high`. */
function smallest(low: number, high: number, has: (value: number) => boolean): number {
	let from = 0;
	let to = Math.max(0, Math.ceil((high - low) / FACTOR_STEP));
	while (from < to) {
		const middle = (from + to) >> 1;
		if (has(low + middle * FACTOR_STEP)) to = middle;
		else from = middle + 1;
	}
	return Math.min(high, low + from * FACTOR_STEP);
}
