import type {Millis} from '../../../src/bytes/time.ts';
import {MOST_CAPACITY} from '../../../src/fec/receiver.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import type {LossConfig} from '../../../src/sim/loss.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {type LaneCase, LaneRun} from './lane-run.ts';
import {planOf} from './plan.ts';

/** Sources before and behind the outages, and most during them. */
const BEFORE = 1500;
const BEHIND = 3000;
const MOST_DURING = 4000;
/** Longest outage. */
const OUTAGE: Millis = 40_000;
/** Time behind an outage in which nothing is judged, and sources. */
const SETTLES: Millis = 5000;
/** Slots of the sender's window and its sum, of the ring, of what waits, and of equations. */
const MOST_SLOTS = 65 + MOST_CAPACITY + MOST_CAPACITY / 2 + 64;

/** A random world, and when all of its outages are over. */
interface World {
	readonly lane: LaneCase;
	readonly over: Millis;
	/** Loss that is usual without a code: the loop may send all over the worst path. */
	readonly loss: number;
	/** True: losses are independent, and a third more than what is lost arrives. */
	readonly isEasy: boolean;
}

/** What became of a random world. */
export interface WorldFigures {
	/** Sources sent behind the outages, and those of them that never came. */
	readonly sources: number;
	readonly lost: number;
	/** Most of them that may be lost. */
	readonly most: number;
	readonly slots: number;
	readonly mostSlots: number;
	/** Longest time that a timer lay ahead. */
	readonly timer: Millis;
	readonly world: string;
}

function between(random: Prng, low: number, high: number): number {
	return low + (high - low) * random.uniform();
}

function lossOf(random: Prng, isBursty: boolean): LossConfig & {readonly loss: number} {
	const loss = between(random, 0.01, 0.3);
	if (!isBursty) return {kind: 'random', loss};
	return {kind: 'burst', loss, meanBurst: [3, 10, 50][random.integer(3)]!};
}

function worldOf(seed: number): World {
	const random = new Prng(seed);
	const rate = Math.round(50 * 1600 ** random.uniform());
	const count = 1 + random.integer(4);
	const isBursty = random.integer(2) === 0;
	const skew = [0, 5, 50, 200][random.integer(4)]!;
	const losses = Array.from({length: count}, () => lossOf(random, isBursty));
	const starts = (BEFORE * 1000) / rate;
	const length = Math.min(between(random, 10, OUTAGE), (MOST_DURING * 1000) / rate);
	const over = starts + length;
	const isWhole = random.integer(2) === 0;
	const links = losses.map((loss, path): Partial<LinkConfig> => {
		const jitter = random.integer(2) === 0 ? 0 : between(random, 0, 10);
		return {
			...{loss, jitter, jitterReorders: true},
			delay: 10 + (path === 0 ? 0 : skew * random.uniform()),
			outages: isWhole || path === 0 ? [{from: starts, until: over}] : [],
		};
	});
	const traffic = [1.25, 1.5, 2, 3][random.integer(4)]!;
	const within = between(random, 10, 300);
	const window = 4 + random.integer(61);
	const sources = BEFORE + BEHIND + Math.ceil((length * rate) / 1000);
	const promise = {
		residual: 1e-4,
		within,
		traffic,
		most: traffic,
		floor: 1.125,
		cheap: false,
		rate: 0,
	};
	const isSteered = random.integer(2) === 0;
	const paths = losses.map((_, path) => path);
	const mean = losses.reduce((sum, each) => sum + each.loss, 0) / count;
	const loss = isSteered ? Math.max(...losses.map((each) => each.loss)) : mean;
	return {
		lane: {
			...{seed, links, rate, sources, within},
			plan: planOf(traffic, window, {sources: paths}),
			...(isSteered ? {promise} : {}),
		},
		over,
		loss,
		isEasy: !isBursty && !isSteered && skew === 0 && window >= 16 && traffic * (1 - loss) > 1.33,
	};
}

/** Runs the random world of a seed; throws when a source is recovered twice or wrong. */
export function runWorld(seed: number): WorldFigures {
	const {lane, over, loss, isEasy} = worldOf(seed);
	let slots = 0;
	let timer = 0;
	const run = new LaneRun({
		...lane,
		during: ({sender, receiver, slots: used}, now) => {
			slots = Math.max(slots, used);
			for (const at of [sender.nextTimeout(), receiver.nextTimeout()]) {
				if (at !== Number.POSITIVE_INFINITY) timer = Math.max(timer, at - now);
			}
		},
	});
	run.run();
	const judged = Math.min(SETTLES, (500 * 1000) / lane.rate);
	const from = Math.ceil(((over + judged) * lane.rate) / 1000);
	const sources = lane.sources - from;
	const {lost} = run.between(from, lane.sources);
	// Never more than without a code, but for chance; most come back where that is easy.
	const usual = loss * sources;
	return {
		...{sources, lost, slots, timer},
		most: isEasy ? usual / 10 : 1.5 * usual + 60,
		mostSlots: MOST_SLOTS,
		world: JSON.stringify({...lane, easy: isEasy}),
	};
}
