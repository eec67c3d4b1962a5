import type {Millis} from '../../../src/bytes/time.ts';
import {candidates, type PathMeasure} from '../../../src/fec/placement.ts';
import type {LanePromise} from '../../../src/fec/policy-loop.ts';
import {plannedFactor, prefersCopies} from '../../../src/fec/traffic-factor.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {LaneRun} from './lane-run.ts';
import {planOf} from './plan.ts';
import type {LaneRow, LaneRowCase} from './row.ts';

const DAY: Millis = 86_400_000;
const SECOND: Millis = 1000;
const INTERVAL: Millis = 300_000;
/** Time behind a step that is not judged. */
const STEP: Millis = 3000;
const RATE = 500;
const PATHS = 3;
const PROMISE: LanePromise = {
	...{residual: 1e-4, within: 40, traffic: 2.5, most: 2.5, floor: 1.125, cheap: false, rate: 0},
};
/** Loss of the best and of the worst hour, and the most in a step. */
const LEAST = 0.001;
const MOST = 0.15;
const MOST_STEP = 0.2;
/** Mean seconds between two steps, deaths and bursts of a path. */
const STEP_EVERY = 1200;
const DEATH_EVERY = 7200;
const BURST_EVERY = 20;
/** Mean length of a burst, and packets of a path in a second, about. */
const BURST = 6.5;
const PACKETS = 280;

/** A path of a day: its loss goes up and down once, with steps, deaths and bursts. */
class DayPath {
	loss = LEAST;
	readonly #random: Prng;
	readonly #phase: number;
	readonly #scale: number;
	#factor = 1;
	#factorUntil: Millis = 0;
	#deadUntil: Millis = 0;
	/** Packets that a burst still takes, and when it begins. */
	#burst = 0;
	#burstAt: Millis = 0;

	/** @param phase part of a day @param scale days that pass in a day */
	constructor(random: Prng, phase: number, scale: number) {
		this.#random = random;
		this.#phase = phase;
		this.#scale = scale;
	}

	/** Lets a second begin. True: the path is lost, or its loss more than doubles. */
	tick(now: Millis): boolean {
		const before = this.loss;
		if (now >= this.#factorUntil) this.#factor = 1;
		if (this.#chance(STEP_EVERY)) {
			this.#factor = 3 + 5 * this.#random.uniform();
			this.#factorUntil = now + SECOND * (60 + this.#random.integer(240));
		}
		if (this.#chance(DEATH_EVERY)) {
			this.#deadUntil = now + SECOND * (5 + this.#random.integer(55));
		}
		if (this.#chance(BURST_EVERY)) {
			this.#burst = 3 + this.#random.integer(8);
			// Bursts of the paths are independent: not all at the full second.
			this.#burstAt = now + SECOND * this.#random.uniform();
		}
		const turn = (this.#scale * now) / DAY + this.#phase;
		const height = (1 - Math.cos(2 * Math.PI * turn)) / 2;
		const base = LEAST * (MOST / LEAST) ** height;
		this.loss =
			now < this.#deadUntil ? 1 : Math.max(base, Math.min(MOST_STEP, base * this.#factor));
		return this.loss > 2 * before;
	}

	/** True for a packet that is in a burst. */
	takes(now: Millis): boolean {
		return this.#burst > 0 && now >= this.#burstAt && this.#burst-- > 0;
	}

	/** Loss with the bursts. */
	get mean(): number {
		return Math.min(1, this.loss + BURST / BURST_EVERY / PACKETS);
	}

	#chance(every: number): boolean {
		return this.#random.uniform() < 1 / every;
	}
}

/** Judges a day by its intervals. */
class Intervals {
	kept = 0;
	count = 0;
	worst = 0;
	steps = 0;
	inSteps = 0;
	readonly #steps: Millis[] = [];

	step(now: Millis): void {
		const last = this.#steps.at(-1) ?? Number.NEGATIVE_INFINITY;
		if (now - last >= SECOND) this.steps++;
		this.#steps.push(now);
	}

	/** Judges the interval that began at a time. */
	judge(run: LaneRun, from: Millis): void {
		let bad = 0;
		let sources = 0;
		for (let at = from; at < from + INTERVAL; at += SECOND) {
			const {lost, late} = run.between((at * RATE) / 1000, ((at + SECOND) * RATE) / 1000);
			if (this.#steps.some((step) => at >= step && at < step + STEP)) this.inSteps += lost + late;
			else {
				bad += lost + late;
				sources += RATE;
			}
		}
		while (this.#steps[0] !== undefined && this.#steps[0] < from) this.#steps.shift();
		const share = sources === 0 ? 0 : bad / sources;
		this.count++;
		if (share <= PROMISE.residual) this.kept++;
		this.worst = Math.max(this.worst, share);
	}
}

/** Factor that the formula gives for losses that are known. */
function knownFactor(paths: readonly DayPath[]): number {
	const measures: PathMeasure[] = paths
		.map(({mean}, path) => ({path, loss: mean, delay: 0}))
		.filter(({loss}) => loss < 1);
	if (measures.length === 0) return PROMISE.traffic;
	const rate = RATE / 1000;
	const options = candidates(measures, PROMISE.within, PROMISE.within);
	const allowed = PROMISE.traffic;
	if (prefersCopies(options, measures, PROMISE, allowed)) return 2;
	return plannedFactor(options, measures, PROMISE, {rate, allowed, demand: 1}).factor;
}

/** A part of a day, in which its losses go through all that they go through in a day. */
export function runDay(part: number): LaneRow {
	const intervals = Math.max(1, Math.round((part * DAY) / INTERVAL));
	const length = intervals * INTERVAL;
	const random = new Prng(7);
	const paths = Array.from({length: PATHS}, (_, path) => {
		return new DayPath(random.fork(`path ${path}`), path / 8, DAY / length);
	});
	const judged = new Intervals();
	let tickAt = 0;
	let known = 0;
	const run = new LaneRun({
		seed: 7,
		links: paths.map(() => ({delay: 20, loss: {kind: 'random', loss: LEAST}})),
		rate: RATE,
		sources: ((length + 20_000) * RATE) / 1000,
		within: PROMISE.within,
		plan: planOf(1.5, 20),
		promise: PROMISE,
		traffic: 1.5,
		loses: (path, now) => paths[path]!.takes(now),
		during: ({links}, now) => {
			if (now < tickAt) return;
			paths.forEach((path, index) => {
				if (path.tick(tickAt)) judged.step(tickAt);
				links[index]!.configure({loss: {kind: 'random', loss: path.loss}}, now);
			});
			known += knownFactor(paths);
			const from = tickAt - INTERVAL - 10_000;
			if (from >= 0 && from % INTERVAL === 0) judged.judge(run, from);
			tickAt += SECOND;
		},
	});
	const {traffic} = run.run();
	const formula = (known * SECOND) / tickAt;
	const {kept, count, worst, steps, inSteps} = judged;
	return {
		name: `j: ${(length / 3_600_000).toFixed(1)} h of changing paths, 0.01 % within 40 ms, 500/s, traffic 2.5`,
		figure: `kept in ${kept} of ${count} intervals, worst ${worst.toExponential(1)}, + ${inSteps} in ${steps} steps, T ${traffic.toFixed(3)}, formula ${formula.toFixed(3)}`,
		limit: '>= 95 %, T within 20 %',
		holds: kept >= Math.floor(0.95 * count) && Math.abs(traffic / formula - 1) <= 0.2,
	};
}

/** A day of changing paths as a row of the table of figures; an hour and more in part. */
export const dayRow: LaneRowCase = {name: 'j: a day of changing paths', run: runDay};
