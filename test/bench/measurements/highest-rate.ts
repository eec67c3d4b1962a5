import type {Bench} from '../bench.ts';
import {type Best, type RateTrial, searchRate} from '../rate-search.ts';
import type {System} from '../systems/system.ts';

/** What is searched through one system. */
export interface SearchPlan {
	readonly system: System;
	readonly sizes: readonly number[];
	readonly lossLimit: number;
	/** In both directions at once, at the same rate; the worse one counts. */
	readonly both?: boolean;
}

/**
 * Searches the highest rate for each plan. They take turns run by run, so that whatever else the
 * machine does meets them all, and so that what an overload leaves behind in one of them is over
 * when it is next. One list of results for each plan.
 */
export async function highestRates(
	bench: Bench,
	plans: readonly SearchPlan[],
	repeats: number,
	millis: number,
): Promise<Best[][]> {
	const found = plans.map((): Best[] => []);
	for (let repeat = 0; repeat < repeats; repeat++) {
		const searches = plans.map(({lossLimit}, i) => searchRate(lossLimit, found[i]!.at(-1)?.rate));
		const steps = searches.map((each) => each.next());
		while (steps.some(({done}) => done !== true)) {
			for (const [i, plan] of plans.entries()) {
				const step = steps[i]!;
				if (step.done === true) continue;
				const next = searches[i]!.next(await tryRate(bench, plan, step.value, millis));
				steps[i] = next;
				if (next.done === true) found[i]!.push(next.value);
			}
		}
	}
	return found;
}

async function tryRate(
	bench: Bench,
	plan: SearchPlan,
	rate: number,
	millis: number,
): Promise<RateTrial> {
	const {system, sizes, both = false} = plan;
	const trial = await bench.trial(system, {sizes, rate, millis}, both);
	if (!both) return trial;
	const {offered, carried, loss, backOffered, backCarried, backLoss} = trial;
	return {
		offered: Math.min(offered, backOffered),
		carried: Math.min(carried, backCarried),
		loss: Math.max(loss, backLoss),
	};
}
