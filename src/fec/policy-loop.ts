import type {Millis} from '../bytes/time.ts';
import {deliveredBy, type LaneMeasure, type LoopPath} from './lane-measure.ts';
import {bytesOf, EQUAL_LENGTHS, mixWithin, ofPackets, packetsOf, repairsOf} from './length-mix.ts';
import {explainTraffic, type LoopReason} from './loop-reason.ts';
import {OwnLossProbe} from './own-loss-probe.ts';
import {candidates, goodOf, type Placement, residualOf, survives} from './placement.ts';
import type {Plan} from './plan.ts';
import {allowedFactor, isFixed, type LanePromise} from './promise.ts';
import {RaiseTrial} from './raise-trial.ts';
import {repairWindow, windowOf} from './repair-window.ts';
import {
	aimOf,
	FACTOR_STEP,
	keeps,
	mustSurvive,
	plannedFactor,
	prefersCopies,
	promisedFactor,
	survivingFactor,
} from './traffic-factor.ts';

export type {LaneMeasure, LanePromise, LoopPath, LoopReason};

/** Most of a raise, and the time between two. */
const RAISE = 1 / 8;
const RAISE_EVERY: Millis = 500;
/** Share by which it falls in a second. */
const FALL = 0.02;
/** Time without a plan after which what was measured before says nothing of now. */
const PAUSE: Millis = 1000;
/** Raises beyond this have to pay. */
const SMALL = 1 / 16;
/** Time for which a ceiling stands, and by how much it rises in a second then. */
const CEILING: Millis = 10_000;
const CEILING_GROWTH = 0.05;
/** Below this share of arrivals for each source a code recovers nothing. */
const CAPACITY = 1.05;
/** Loss beyond which a pause is covered by two repairs. */
const LOSSY = 0.05;
/** Part of what is left that makes another placement worth its change. */
const MUCH_LESS = 1 / 4;
/** Sources between those of two paths; a receiver makes room for four times as many. */
const KEPT = 1024;
/** Look back of what the receiver counts. */
const JUDGED: Millis = 10_000;
/** Largest traffic factor that is looked at beyond what is allowed. */
const MOST_FACTOR = 16;

/**
 * The loop that chooses how a direction of a coded lane sends: careful upwards. Within it a traffic
 * factor is one more than the repairs for each source, whatever their lengths; plans, limits and
 * what people see have it in bytes.
 */
export class PolicyLoop {
	reason: LoopReason = 'floor';
	readonly #promise: LanePromise;
	readonly #overhead: number;
	#traffic: number;
	/** Largest factor that is allowed now, and in bytes, and the one that is aimed at. */
	#allowed: number;
	#allowedBytes: number;
	#target: number;
	#mix = EQUAL_LENGTHS;
	/** By which the target factor's share above 1 is multiplied, 1 to 2. */
	#demand = 1;
	#updatedAt: Millis;
	#raisedAt: Millis = Number.NEGATIVE_INFINITY;
	readonly #trial = new RaiseTrial();
	readonly #probe: OwnLossProbe;
	#last: Plan | undefined;
	#measure: LaneMeasure | undefined;
	/** Index of the candidate that was chosen last. */
	#placed = 0;
	/** Packets a ms beyond which more made more loss. */
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
		this.#allowed = promise.traffic;
		this.#allowedBytes = promise.most;
		this.#target = traffic;
		this.#updatedAt = now;
		this.#judgedAt = now;
		this.#probe = new OwnLossProbe(now);
	}

	/** Traffic factor now, as for packets of one length. */
	get traffic(): number {
		return this.#traffic;
	}

	/** Largest traffic factor that the promise allows now, by its own cap and by its rate. */
	get allowed(): number {
		return this.#inBytes(this.#promise.traffic);
	}

	/**
	 * Traffic factor that the promise takes as of the last update, whatever is allowed. Infinity: no
	 * factor keeps it. Some tens of evaluations of the formula: for a status, not for each packet.
	 */
	needed(): number {
		const measure = this.#measure;
		if (measure === undefined) return this.#promise.floor;
		const {rate} = measure;
		const options = this.#options(measure, this.#window(rate));
		const promised = promisedFactor(options, this.#promise, rate, 1, MOST_FACTOR);
		const surviving = this.#mustSurvive(options, measure)
			? survivingFactor(options, 1, MOST_FACTOR)
			: 1;
		const isEnough = promised < MOST_FACTOR || keeps(options, this.#promise, rate, MOST_FACTOR);
		return isEnough ? bytesOf(Math.max(promised, surviving), this.#mix) : Number.POSITIVE_INFINITY;
	}

	/** Explains the traffic factor to people, such as `needs 3.4 x, allowed 3 x`. */
	explain(): string {
		return explainTraffic({
			reason: this.reason,
			target: this.#inBytes(this.#target),
			allowed: this.allowed,
			needed: this.needed(),
			rate: this.#promise.rate,
			stretch: this.#mix.stretch,
		});
	}

	/** Returns the plan for what was measured. `undefined`: there is no path. */
	update(measure: LaneMeasure, now: Millis): Plan | undefined {
		const elapsed = now - this.#updatedAt;
		this.#updatedAt = now;
		if (measure.paths.length === 0) {
			this.reason = 'no-path';
			return undefined;
		}
		if (elapsed > PAUSE) {
			this.#probe.pause(now);
			this.#trial.cancel();
		}
		this.#measure = measure;
		this.#allowedBytes = allowedFactor(this.#promise, measure.bytes, measure.rate);
		this.#mix = mixWithin(this.#allowedBytes, measure.mix);
		const {traffic} = this.#promise;
		this.#allowed = Math.min(traffic, repairsOf(this.#allowedBytes, this.#mix));
		this.#judge(measure, now);
		this.#probeLoss(measure, now);
		if (this.#probe.path >= 0 && this.#last !== undefined) return this.#probing(this.#last);
		const window = this.#window(measure.rate);
		const options = this.#options(measure, window);
		const isMoved = this.#needsCopies(options, measure);
		this.#target = this.#aim(options, measure);
		this.#move(measure, elapsed, now);
		if (isMoved) return this.#remember(this.#copies(measure, window));
		this.#placed = this.#best(options, measure);
		return this.#remember(this.#plan(options[this.#placed]!, measure));
	}

	/** A factor in bytes, within what is allowed. */
	#inBytes(factor: number): number {
		return Math.min(this.#allowedBytes, bytesOf(factor, this.#mix));
	}

	#window(rate: number): number {
		return windowOf(this.#promise.within, rate);
	}

	#mustSurvive(options: readonly Placement[], {paths}: LaneMeasure): boolean {
		return mustSurvive(options, paths, this.#promise, this.#allowed);
	}

	#remember(plan: Plan): Plan {
		this.#last = plan;
		return plan;
	}

	/** The last plan without what one path carries beside sources. */
	#probing(plan: Plan): Plan {
		this.reason = 'probe';
		const left = (plan.repairs ?? plan.sources).filter((path) => path !== this.#probe.path);
		return left.length === 0 ? plan : {...plan, repairs: left};
	}

	/**
	 * Candidates; while the loss may be our own, other ones than a rotation only for the sake of
	 * the delay.
	 */
	#options({paths, rate}: LaneMeasure, window: number): readonly Placement[] {
		const {within} = this.#promise;
		const all = candidates(paths, within, Math.max(window, KEPT) / rate, this.#mix.short);
		const isEven = all[0]!.sources.length === goodOf(paths).length;
		return isEven && !this.#probe.isForeign ? all.slice(0, 1) : all;
	}

	#needsCopies(options: readonly Placement[], {paths, rate}: LaneMeasure): boolean {
		const allowed = this.#allowed;
		if (rate * this.#promise.within < 1) return true;
		if (prefersCopies(options, paths, this.#promise, allowed, this.#copiesAllowed)) return true;
		// A dead path carries none of the code, so its loss is none of the code's.
		const good = goodOf(paths);
		const loss = good.reduce((sum, path) => sum + path.loss, 0) / good.length;
		return this.#probe.isForeign && allowed * (1 - loss) < CAPACITY && paths.length > 1;
	}

	get #copiesAllowed(): number {
		return Math.min(this.#promise.traffic, this.#allowedBytes);
	}

	#copies({paths}: LaneMeasure, window: number): Plan {
		this.reason = 'copies';
		const {floor} = this.#promise;
		const aim = aimOf(this.#promise);
		const good = goodOf(paths);
		const sorted = paths.toSorted(
			(a, b) => +good.includes(b) - +good.includes(a) || a.delay - b.delay,
		);
		let left = 1;
		let count = 0;
		while (count < sorted.length && (left > aim || count < floor)) left *= sorted[count++]!.loss;
		this.#traffic = Math.min(this.#copiesAllowed, Math.max(count, floor));
		// No copy goes over a bad path in place of one over a good path.
		const used = Math.max(good.length, Math.ceil(this.#traffic));
		const all = sorted.map(({path}) => path);
		return {
			coded: false,
			traffic: this.#traffic,
			window,
			stride: window,
			sources: all.slice(0, used),
			repairs: undefined,
			samples: all.slice(used),
			pauseRepairs: 0,
			overhead: this.#overhead,
		};
	}

	/**
	 * The promise that is planned for. A fixed factor is one in bytes; where lengths differ, so that
	 * this buys fewer repairs, as many as for packets of one length if the promise takes them.
	 */
	get #planned(): LanePromise {
		const promise = this.#promise;
		if (!isFixed(promise)) return promise;
		const floor = repairsOf(Math.min(promise.traffic, this.#allowedBytes), this.#mix);
		return {...promise, floor, cheap: true};
	}

	/** The factor to aim at, and its reason. */
	#aim(options: readonly Placement[], {paths, rate}: LaneMeasure): number {
		const {floor, most} = this.#promise;
		const allowed = this.#allowed;
		const limits = {rate, allowed, demand: this.#demand};
		const {factor, isSurvival} = plannedFactor(options, paths, this.#planned, limits);
		const isRateBound = this.allowed < Math.min(most, bytesOf(this.#promise.traffic, this.#mix));
		if (isFixed(this.#promise) && !isRateBound) this.reason = 'fixed';
		else if (factor >= allowed) this.reason = isRateBound ? 'rate' : 'cap';
		else if (factor <= floor) this.reason = 'floor';
		else this.reason = isSurvival ? 'survival' : 'promise';
		return factor;
	}

	/** Moves the factor towards what is aimed at: up in steps that must pay, down slowly. */
	#move(measure: LaneMeasure, elapsed: Millis, now: Millis): void {
		if (isFixed(this.#promise)) {
			// It is the user's own decision: nothing is tried.
			this.#traffic = Math.max(this.#target, Math.min(this.#allowed, this.#fallen(elapsed)));
			return;
		}
		this.#settleTrial(measure, now);
		if (now > this.#ceilingUntil) this.#ceiling *= 1 + (CEILING_GROWTH * elapsed) / 1000;
		const target = this.#target;
		const limit = Math.max(1, ofPackets(this.#ceiling / measure.rate, this.#mix));
		const allowed = Math.min(target, limit);
		if (allowed < target) this.reason = 'ceiling';
		this.#traffic = Math.min(this.#traffic, limit, this.#allowed);
		if (allowed <= this.#traffic) {
			this.#traffic = Math.max(allowed, this.#fallen(elapsed));
			if (this.#traffic > allowed + FACTOR_STEP) this.reason = 'falling';
			return;
		}
		if (now - this.#raisedAt >= RAISE_EVERY) {
			this.#trial.begin(this.#packets, deliveredBy(measure.paths), now);
			this.#raisedAt = now;
			this.#traffic = Math.min(allowed, this.#traffic + RAISE);
		}
		if (this.#traffic + FACTOR_STEP < target) this.reason = 'climbing';
	}

	#fallen(elapsed: Millis): number {
		return this.#traffic * (1 - (FALL * elapsed) / 1000);
	}

	/** Packets for each source. */
	get #packets(): number {
		return packetsOf(this.#traffic, this.#mix);
	}

	/** After raises that did not pay a probe looks whose the loss is. */
	#settleTrial({paths, rate}: LaneMeasure, now: Millis): void {
		if (this.#trial.hasFailed(this.#packets, deliveredBy(paths), rate, now)) {
			this.#probe.request(now);
		}
	}

	/** Loss of our own: no more than what is delivered goes out for a while. */
	#probeLoss({paths, rate}: LaneMeasure, now: Millis): void {
		if (this.#probe.isDue(now) && this.#traffic > 1 + SMALL) {
			const isPossible = this.#last?.coded === true && this.#last.sources.length > 1;
			this.#probe.start(paths, isPossible, now);
		} else if (this.#probe.settle(paths, now)) {
			this.#ceiling = Math.max(deliveredBy(paths), rate);
			this.#ceilingUntil = now + CEILING;
		}
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
	#best(options: readonly Placement[], measure: LaneMeasure): number {
		const isNeeded = this.#mustSurvive(options, measure);
		const left = options.map((placement) => {
			const dies = isNeeded && !survives(placement, this.#traffic);
			const residual = residualOf(placement, this.#traffic, this.#promise.within, measure.rate);
			return this.#asWorth(residual, placement, measure) + (dies ? 1 : 0);
		});
		const last = Math.min(this.#placed, options.length - 1);
		const least = left.indexOf(Math.min(...left));
		return left[least]! < left[last]! * MUCH_LESS ? least : last;
	}

	/**
	 * Returns the share that a placement leaves, for comparing: one on a single path counts as
	 * leaving more while there are others, because the death of that path would take all.
	 */
	#asWorth(residual: number, {sources, repairs}: Placement, {paths}: LaneMeasure): number {
		const isAlone = sources.length === 1 && repairs === undefined && goodOf(paths).length > 1;
		return isAlone ? Math.max(residual, aimOf(this.#promise)) / MUCH_LESS : residual;
	}

	#plan(placement: Placement, {paths, rate}: LaneMeasure): Plan {
		const {sources, repairs} = placement;
		const {window, stride} = repairWindow(placement, this.#promise, this.#traffic, rate);
		const used = new Set([...sources, ...(repairs ?? [])]);
		const loss = sources.reduce((sum, path) => sum + path.loss, 0) / sources.length;
		return {
			coded: true,
			traffic: this.#inBytes(this.#traffic),
			window,
			stride,
			sources: sources.map(({path}) => path),
			repairs: repairs?.map(({path}) => path),
			samples: paths.filter((path) => !used.has(path)).map(({path}) => path),
			pauseRepairs: loss > LOSSY ? 2 : 1,
			overhead: this.#overhead,
		};
	}
}
