import type {Bench, Trial} from './bench.ts';
import {type Spread, spread} from './statistics.ts';
import type {System} from './systems.ts';

const LOSS_LIMIT = 0.01;
const FIRST_RATE = 8000;
const HIGHEST_RATE = 400_000;
const COARSE = 1.5;
const FINE = 1.15;
const BISECTIONS = 3;
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

/** Searches, for each system and size in turn, the highest rate that loses at most one percent. */
export async function measureGoodput(
	bench: Bench,
	sizes: readonly number[],
	repetitions: number,
	millis: number,
): Promise<GoodputRow[]> {
	const cells = sizes.flatMap((size) =>
		bench.systems.map((system) => ({system, size, found: [] as Best[]})),
	);
	for (let repetition = 0; repetition < repetitions; repetition++) {
		for (const {system, size, found} of cells) {
			const former = found.at(-1)?.rate;
			const trial = (rate: number) => bench.trial(system, size, rate, millis);
			found.push(await search(trial, former));
		}
	}
	return cells.map(({system, size, found}) => row(system, size, found));
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
async function search(
	trial: (rate: number) => Promise<Trial>,
	former: number | undefined,
): Promise<Best> {
	let best: Best = {rate: 0, carried: 0, limited: false};
	let failed = Number.POSITIVE_INFINITY;
	// A machine with something else to do spoils single runs, so one more is allowed to pass.
	const passes = async (rate: number, tries: number) => {
		for (; tries > 0; tries--) {
			const {carried, loss, offered} = await trial(rate);
			if (loss > LOSS_LIMIT) continue;
			const limited = offered < GENERATOR_FLOOR * rate;
			if (carried > best.carried) best = {rate, carried, limited};
			return true;
		}
		failed = Math.min(failed, rate);
		return false;
	};
	const step = former === undefined ? COARSE : FINE;
	let rate = former ?? FIRST_RATE;
	while (rate > 500 && !(await passes(rate, 2))) rate /= step;
	while (failed > rate * step && rate < HIGHEST_RATE && !best.limited) {
		rate *= step;
		await passes(rate, 2);
	}
	for (let i = 0; i < BISECTIONS && failed < Number.POSITIVE_INFINITY && best.rate > 0; i++) {
		if (failed / best.rate < 1.03) break;
		await passes(Math.sqrt(best.rate * failed), 1);
	}
	return best;
}
