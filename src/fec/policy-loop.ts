import type {Millis} from '../bytes/time.ts';
import {
	candidates,
	goodOf,
	type PathMeasure,
	type Placement,
	residualOf,
	survives,
} from './placement.ts';
import type {Plan} from './plan.ts';

/** Promise of a policy, and its price. */
export interface LanePromise {
	/** Share of the sources that may be lost or late, such as 1e-4. */
	readonly residual: number;
	/** Time from when a source is due until it is late. */
	readonly within: Millis;
	/** Largest traffic factor. */
	readonly traffic: number;
	/** Standing traffic factor. */
	readonly floor: number;
	/**
	 * True: the least traffic; the silent death of a path costs what is sent until it is noticed.
	 */
	readonly cheap: boolean;
}

/** A path as the loop sees it. */
export interface LoopPath extends PathMeasure {
	/** Packets a ms that it delivered lately. */
	readonly delivered: number;
	/** Share that it lost just now. */
	readonly recentLoss: number;
	/**
	 * Packets of the lane sent over it so far of which is known what became of them, and arrived.
	 */
	readonly settled: number;
	readonly arrived: number;
}

/** Measurements of a lane. */
export interface LaneMeasure {
	/** Paths that the lane may use. */
	readonly paths: readonly LoopPath[];
	/** Sources in a ms. */
	readonly rate: number;
	/** Sources, and those lost or late, that the receiver counted so far. */
	readonly counted: number;
	readonly failed: number;
}

/** Reason of the traffic factor. */
export type LoopReason =
	| 'floor'
	| 'promise'
	| 'survival'
	| 'cap'
	| 'ceiling'
	| 'copies'
	| 'climbing';

const STEP = 1 / 32;
/** Most of a raise, and the time between two. */
const RAISE = 1 / 8;
const RAISE_EVERY: Millis = 500;
/** Share by which it falls in a second. */
const FALL = 0.02;
/** Raises beyond this have to pay. */
const SMALL = 1 / 16;
/** Time after which a raise must have paid, beside two round trips. */
const TRIAL: Millis = 1000;
/** Time for which a ceiling stands, and by how much it rises in a second then. */
const CEILING: Millis = 10_000;
const CEILING_GROWTH = 0.05;
/** The part of the promise that the plan aims at. */
const AIM = 1 / 2;
const MOST_WINDOW = 64;
const LEAST_WINDOW = 4;
/** Below this share of arrivals for each source a code recovers nothing. */
const CAPACITY = 1.05;
/** Loss beyond which a pause is covered by two repairs. */
const LOSSY = 0.05;
/** Part of what is left that makes another placement worth its change. */
const MUCH_LESS = 1 / 4;
/** Standard deviations by which chance may move what is delivered. */
const CHANCE = 1.5;
/** Time between two probes, for a probe to show, and that it lasts then. */
const PROBE_EVERY: Millis = 10_000;
const FIRST_PROBE: Millis = 3000;
const PROBE_SETTLES: Millis = 150;
const PROBE_LASTS: Millis = 400;
/** Loss during a probe, over that before, below which it was our own. */
const OURS = 2 / 3;
/** Loss that is worth a probe, and packets that the loss before it rests on. */
const PROBED_LOSS = 0.02;
const SHORT = 100;
/** Look back of what the receiver counts. */
const JUDGED: Millis = 10_000;

interface Trial {
	readonly until: Millis;
	readonly before: number;
	readonly delivered: number;
}

interface Probe {
	readonly path: number;
	readonly since: Millis;
	readonly loss: number;
	settled: number;
	arrived: number;
}

/** The loop that chooses how a direction of a coded lane sends: careful upwards. */
export class PolicyLoop {
	reason: LoopReason = 'floor';
	readonly #promise: LanePromise;
	readonly #overhead: number;
	#traffic: number;
	/** By which the target factor's share above 1 is multiplied, 1 to 2. */
	#demand = 1;
	#updatedAt: Millis;
	#raisedAt: Millis = Number.NEGATIVE_INFINITY;
	#trial: Trial | undefined;
	#probe: Probe | undefined;
	/** Set when the last probe found the loss to be the paths'. */
	#isForeign = false;
	#probeAt: Millis;
	#last: Plan | undefined;
	/** Index of the candidate that was chosen last. */
	#placed = 0;
	#ceiling = Number.POSITIVE_INFINITY;
	#ceilingUntil: Millis = 0;
	#judgedAt: Millis;
	#counted = 0;
	#failed = 0;

	/**
	 * @param overhead bytes of a repair's packet beside its symbol
	 * @param traffic factor to start with
	 */
	constructor(
		promise: LanePromise,
		overhead: number,
		now: Millis,
		traffic: number = promise.floor,
	) {
		this.#promise = promise;
		this.#overhead = overhead;
		this.#traffic = traffic;
		this.#updatedAt = now;
		this.#judgedAt = now;
		this.#probeAt = now + FIRST_PROBE;
	}

	/** Traffic factor now. */
	get traffic(): number {
		return this.#traffic;
	}

	/** Returns the plan for what was measured. `undefined`: there is no path. */
	update(measure: LaneMeasure, now: Millis): Plan | undefined {
		const elapsed = now - this.#updatedAt;
		this.#updatedAt = now;
		if (measure.paths.length === 0) return undefined;
		this.#judge(measure, now);
		this.#settleProbe(measure, now);
		if (this.#probe !== undefined && this.#last !== undefined) return this.#probing(this.#last);
		const {within} = this.#promise;
		const window = clamp(Math.floor(within * measure.rate), LEAST_WINDOW, MOST_WINDOW);
		const isMoved = this.#needsCopies(measure);
		const options = this.#options(measure, window);
		const target = this.#target(options, measure);
		this.#move(target, measure, elapsed, now);
		if (isMoved) return this.#remember(this.#copies(measure, window));
		this.#placed = this.#best(options, measure);
		const placement = options[this.#placed]!;
		const span = clamp(
			Math.floor((within - placement.skew) * measure.rate),
			LEAST_WINDOW,
			MOST_WINDOW,
		);
		return this.#remember(this.#plan(placement, measure, span));
	}

	#remember(plan: Plan): Plan {
		this.#last = plan;
		return plan;
	}

	/** The last plan without what one path carries beside sources. */
	#probing(plan: Plan): Plan {
		const left = (plan.repairs ?? plan.sources).filter((path) => path !== this.#probe?.path);
		return left.length === 0 ? plan : {...plan, repairs: left};
	}

	/**
	 * Candidates; while the loss may be our own, other ones than a rotation only for the sake of
	 * the delay.
	 */
	#options({paths, rate}: LaneMeasure, window: number): readonly Placement[] {
		const all = candidates(paths, this.#promise.within, window / rate);
		const isEven = all[0]!.sources.length === goodOf(paths).length;
		return isEven && !this.#isForeign ? all.slice(0, 1) : all;
	}

	#needsCopies({paths, rate}: LaneMeasure): boolean {
		const {within, traffic, cheap} = this.#promise;
		if (rate * within < 1) return true;
		if (goodOf(paths).length === 2 && !cheap && traffic >= 2) return true;
		const loss = paths.reduce((sum, path) => sum + path.loss, 0) / paths.length;
		return this.#isForeign && traffic * (1 - loss) < CAPACITY && paths.length > 1;
	}

	#copies({paths}: LaneMeasure, window: number): Plan {
		this.reason = 'copies';
		const {traffic, floor, residual} = this.#promise;
		const good = goodOf(paths);
		const sorted = paths.toSorted(
			(a, b) => +good.includes(b) - +good.includes(a) || a.delay - b.delay,
		);
		let left = 1;
		let count = 0;
		while (count < sorted.length && (left > residual * AIM || count < floor)) {
			left *= sorted[count++]!.loss;
		}
		this.#traffic = Math.min(traffic, Math.max(count, floor));
		return {
			coded: false,
			traffic: this.#traffic,
			window,
			sources: sorted.map(({path}) => path),
			repairs: undefined,
			samples: [],
			pauseRepairs: 0,
			overhead: this.#overhead,
		};
	}

	/** Smallest factor in steps of 1/32 that meets the promise with some placement. */
	#target(options: readonly Placement[], {paths, rate}: LaneMeasure): number {
		const {residual, within, traffic, floor, cheap} = this.#promise;
		const mustSurvive = !cheap && goodOf(paths).length > 2;
		const meets = (factor: number) =>
			options.some((placement) => residualOf(placement, factor, within, rate) <= residual * AIM);
		const lives = (factor: number) =>
			!mustSurvive || options.some((placement) => survives(placement, factor));
		const promised = smallest(floor, traffic, meets);
		const surviving = smallest(floor, traffic, lives);
		const asked = 1 + (promised - 1) * this.#demand;
		const target = Math.min(traffic, Math.max(asked, surviving));
		this.reason = 'promise';
		if (target <= floor) this.reason = 'floor';
		else if (target >= traffic) this.reason = 'cap';
		else if (surviving > asked) this.reason = 'survival';
		return Math.max(target, floor);
	}

	/** Moves the factor towards what is target: up in steps that must pay, down slowly. */
	#move(target: number, measure: LaneMeasure, elapsed: Millis, now: Millis): void {
		this.#settleTrial(measure, now);
		if (now > this.#ceilingUntil) this.#ceiling *= 1 + (CEILING_GROWTH * elapsed) / 1000;
		const limit = Math.max(1, this.#ceiling / measure.rate);
		const allowed = Math.min(target, limit);
		if (allowed < target) this.reason = 'ceiling';
		if (limit < this.#traffic) this.#traffic = limit;
		if (allowed <= this.#traffic) {
			const fallen = this.#traffic * (1 - (FALL * elapsed) / 1000);
			this.#traffic = Math.max(allowed, fallen);
			return;
		}
		if (now - this.#raisedAt < RAISE_EVERY) return;
		const next = Math.min(allowed, this.#traffic + RAISE);
		this.#trial ??= {
			until: now + TRIAL,
			before: this.#traffic,
			delivered: deliveredBy(measure),
		};
		this.#raisedAt = now;
		this.#traffic = next;
		if (next < target) this.reason = 'climbing';
	}

	/**
	 * After raises: about as much more has to arrive as was added, else a probe looks whose the
	 * loss is. While chance could explain both, the trial goes on.
	 */
	#settleTrial(measure: LaneMeasure, now: Millis): void {
		const trial = this.#trial;
		if (trial === undefined || now < trial.until) return;
		const delivered = deliveredBy(measure);
		const added = (this.#traffic - trial.before) * measure.rate;
		const gained = delivered - trial.delivered;
		const chance = CHANCE * Math.sqrt(delivered / TRIAL);
		this.#trial = gained < added / 2 && added > 0 ? {...trial, until: now + TRIAL} : undefined;
		if (gained + chance >= added / 2) return;
		this.#trial = undefined;
		this.#probeAt = now;
	}

	/** The loss was our own: no more than what is delivered goes out for a while. */
	#limit(delivered: number, rate: number, now: Millis): void {
		this.#ceiling = Math.max(delivered, rate);
		this.#ceilingUntil = now + CEILING;
	}

	/**
	 * Now and then the repairs of one path are left out for a moment: when it loses much less
	 * then, its loss was made by them.
	 */
	#settleProbe({paths, rate}: LaneMeasure, now: Millis): void {
		const probe = this.#probe;
		if (probe === undefined) {
			if (now >= this.#probeAt && this.#traffic > 1 + SMALL) this.#startProbe(paths, now);
			return;
		}
		const path = paths.find((one) => one.path === probe.path);
		if (path === undefined) this.#probe = undefined;
		else if (probe.arrived < 0 && now - probe.since >= PROBE_SETTLES) {
			probe.settled = path.settled;
			probe.arrived = path.arrived;
		} else if (now - probe.since >= PROBE_SETTLES + PROBE_LASTS) {
			this.#probe = undefined;
			const sent = path.settled - probe.settled;
			const loss = 1 - (path.arrived - probe.arrived) / Math.max(1, sent);
			const chance = Math.sqrt(probe.loss * (1 - probe.loss) * (1 / Math.max(1, sent) + 1 / SHORT));
			const bound = OURS * probe.loss;
			this.#isForeign = loss > bound + CHANCE * chance;
			if (loss < bound - CHANCE * chance) this.#limit(deliveredBy({paths}), rate, now);
		}
	}

	#startProbe(paths: readonly LoopPath[], now: Millis): void {
		this.#probeAt = now + PROBE_EVERY;
		const most = goodOf(paths).toSorted((a, b) => b.recentLoss - a.recentLoss)[0];
		const isPossible = this.#last?.coded === true && this.#last.sources.length > 1;
		if (most === undefined || most.recentLoss < PROBED_LOSS || !isPossible) return;
		this.#probe = {path: most.path, since: now, loss: most.recentLoss, settled: 0, arrived: -1};
	}

	/** Compares what the receiver counts with the promise. */
	#judge({counted, failed}: LaneMeasure, now: Millis): void {
		if (now - this.#judgedAt < JUDGED) return;
		const sources = counted - this.#counted;
		const bad = failed - this.#failed;
		this.#judgedAt = now;
		this.#counted = counted;
		this.#failed = failed;
		if (sources === 0) return;
		const {residual} = this.#promise;
		if (bad >= 3 && bad / sources > residual) this.#demand = Math.min(2, this.#demand * 1.1);
		else if (bad / sources < residual / 2) this.#demand = Math.max(1, this.#demand * 0.98);
	}

	/** The placement that leaves the least; another than the last only when it leaves much less. */
	#best(options: readonly Placement[], {paths, rate}: LaneMeasure): number {
		const {within, cheap} = this.#promise;
		const mustSurvive = !cheap && goodOf(paths).length > 2;
		const left = options.map((placement) => {
			const dies = mustSurvive && !survives(placement, this.#traffic);
			return residualOf(placement, this.#traffic, within, rate) + (dies ? 1 : 0);
		});
		const last = Math.min(this.#placed, options.length - 1);
		const least = left.indexOf(Math.min(...left));
		return left[least]! < left[last]! * MUCH_LESS ? least : last;
	}

	#plan({sources, repairs}: Placement, {paths}: LaneMeasure, window: number): Plan {
		const used = new Set([...sources, ...(repairs ?? [])]);
		const loss = sources.reduce((sum, path) => sum + path.loss, 0) / sources.length;
		return {
			coded: true,
			traffic: this.#traffic,
			window,
			sources: sources.map(({path}) => path),
			repairs: repairs?.map(({path}) => path),
			samples: paths.filter((path) => !used.has(path)).map(({path}) => path),
			pauseRepairs: loss > LOSSY ? 2 : 1,
			overhead: this.#overhead,
		};
	}
}

function deliveredBy({paths}: Pick<LaneMeasure, 'paths'>): number {
	return paths.reduce((sum, {delivered}) => sum + delivered, 0);
}

/**
 * Smallest value in steps of 1/32 from `low` to `high` with a property that larger ones have too.
 */
function smallest(low: number, high: number, has: (value: number) => boolean): number {
	let from = 0;
	let to = Math.max(0, Math.ceil((high - low) / STEP));
	while (from < to) {
		const middle = (from + to) >> 1;
		if (has(low + middle * STEP)) to = middle;
		else from = middle + 1;
	}
	return Math.min(high, low + from * STEP);
}

function clamp(value: number, least: number, most: number): number {
	return Math.max(least, Math.min(most, value));
}
