import {type Bench, LOSS_LIMIT, type Trial} from './bench.ts';
import {type Spread, spread} from './statistics.ts';
import type {System} from './systems.ts';

const FIRST_RATE = 10_000;
const HIGHEST_RATE = 400_000;
const COARSE = 1.4;
const FINE = 1.15;
const BISECTIONS = 2;
const FINE_ENOUGH = 1.05;
const LOWEST_RATE = 500;
/** No further repetition begins after this long, however busy the machine is. */
const LONGEST_MILLIS = 110_000;
/** Below this part of the offered rate the generator, not the system, is at its limit. */
const GENERATOR_FLOOR = 0.9;

/** How much a system carries. */
export interface GoodputRow {
	readonly system: string;
	readonly size: number;
	/** Datagrams a second. */
	readonly packets: Spread;
	/** The generator could not offer more in the best run. */
	readonly generatorLimited: boolean;
}

interface Best {
	readonly rate: number;
	readonly carried: number;
	readonly limited: boolean;
}

type Search = Generator<number, Best, Trial>;

/**
 * Searches, for each system and size, the highest rate that loses at most one percent. The systems
 * take turns run by run, so that whatever else the machine does meets them all, and so that what
 * an overload leaves behind in one of them is over when it is next.
 */
export async function measureGoodput(
	bench: Bench,
	sizes: readonly number[],
	repetitions: number,
	millis: number,
): Promise<GoodputRow[]> {
	const cells = sizes.map((size) => ({size, found: bench.systems.map((): Best[] => [])}));
	const deadline = performance.now() + LONGEST_MILLIS;
	for (let repetition = 0; repetition < repetitions; repetition++) {
		for (const {size, found} of cells) {
			if (repetition > 0 && performance.now() > deadline) break;
			const searches = found.map((bests) => search(bests.at(-1)?.rate));
			const bests = await takeTurns(bench, searches, size, millis);
			found.forEach((list, index) => {
				list.push(bests[index]!);
			});
		}
	}
	return cells.flatMap(({size, found}) =>
		found.map((bests, index) => row(bench.systems[index]!, size, bests)),
	);
}

async function takeTurns(
	bench: Bench,
	searches: readonly Search[],
	size: number,
	millis: number,
): Promise<(Best | undefined)[]> {
	const bests = searches.map((): Best | undefined => undefined);
	const steps = searches.map((each) => each.next());
	while (steps.some(({done}) => done !== true)) {
		for (const [index, system] of bench.systems.entries()) {
			const step = steps[index]!;
			if (step.done === true) continue;
			const trial = await bench.trial(system, size, step.value, millis);
			const next = searches[index]!.next(trial);
			steps[index] = next;
			if (next.done === true) bests[index] = next.value;
		}
	}
	return bests;
}

function row(system: System, size: number, found: readonly Best[]): GoodputRow {
	const packets = spread(found.map(({carried}) => carried));
	return {
		system: system.name,
		size,
		packets,
		generatorLimited: found.every((best) => best.limited),
	};
}

/** Upwards in steps until it loses too much, then between the last two rates. */
function* search(former: number | undefined): Search {
	let best: Best = {rate: 0, carried: 0, limited: false};
	let failed = Number.POSITIVE_INFINITY;
	const judge = (rate: number, {carried, loss, offered}: Trial) => {
		if (loss > LOSS_LIMIT) return false;
		const limited = offered < GENERATOR_FLOOR * rate;
		if (carried > best.carried) best = {rate: Math.min(rate, offered), carried, limited};
		return !limited;
	};
	const step = former === undefined ? COARSE : FINE;
	let rate = former || FIRST_RATE;
	// A machine with something else to do spoils single runs, so one more is allowed to pass.
	while (rate > LOWEST_RATE && !judge(rate, yield rate) && !judge(rate, yield rate)) {
		failed = rate;
		rate /= step;
	}
	while (failed > rate * step && rate < HIGHEST_RATE) {
		rate *= step;
		if (!judge(rate, yield rate) && !judge(rate, yield rate)) failed = rate;
	}
	for (let i = 0; i < BISECTIONS && best.rate > 0 && failed / best.rate > FINE_ENOUGH; i++) {
		if (failed === Number.POSITIVE_INFINITY) break;
		rate = Math.sqrt(best.rate * failed);
		if (!judge(rate, yield rate)) failed = rate;
	}
	return best;
}
