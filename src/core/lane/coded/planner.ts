import type {Millis} from '../../../bytes/time.ts';
import {LaneMeter, SILENT} from '../../../fec/lane-meter.ts';
import type {Plan} from '../../../fec/plan.ts';
import {type LanePromise, type LoopPath, PolicyLoop} from '../../../fec/policy-loop.ts';
import type {CodedSender} from '../../../fec/sender.ts';
import type {LaneReport} from '../../../wire/frames/lane.ts';
import type {Path} from '../../path/path.ts';
import {PathSteps} from './path-steps.ts';
import {PromiseWatch} from './promise-watch.ts';
import {StandingDelay} from './standing-delay.ts';

/** Loss that a silent path is planned with. */
const SILENT_LOSS = 0.9;
/** Time beyond a round trip after which a packet that no report counts is overdue. */
const OVERDUE: Millis = 40;
/** Packets of the lane from which on its own counts say more than those of probes. */
const FEW = 20;
/** Loss that is assumed where nothing is known. */
const ASSUMED = 0.02;
/** Look back of what a path delivers. */
const DELIVERED: Millis = 1000;
/** Sources in the deadline that are assumed while their rate is not known. */
const ASSUMED_SOURCES = 8;

/** Counts that the receiver of a lane reported; they go on where those on the wire wrap. */
export interface ReportedCounts {
	received: number;
	recovered: number;
	missing: number;
	late: number;
}

/** Sources of a lane: mean time between two, and mean bytes of their packets; 0: not known yet. */
export type Pace = Pick<CodedSender, 'slot' | 'bytes' | 'mix' | 'isCoding'>;

/** Plans one direction of a coded lane from what its receiver reports. */
export class LanePlanner {
	readonly loop: PolicyLoop;
	readonly reported: ReportedCounts = {received: 0, recovered: 0, missing: 0, late: 0};
	/** Comparison of these with the promise. */
	readonly watch: PromiseWatch;
	/** Set while the receiver recovers nothing. */
	noDecoder = false;
	/** Set while the receiver may not know the lane. */
	isDoubted = false;
	/** Set when the receiver counts something. */
	isCounted = false;
	readonly #steps = new PathSteps();
	readonly #promise: LanePromise;
	readonly #meters: LaneMeter[] = [];
	readonly #standing: StandingDelay[] = [];
	/** Newest sequence that a report named. `undefined`: none came. */
	#newest: number | undefined;
	/** Plan while no path is usable. */
	readonly #empty: Plan;
	#plan: Plan;

	/** @param overhead bytes of a repair's packet on the wire beside its symbol */
	constructor(promise: LanePromise, overhead: number, now: Millis) {
		this.#promise = promise;
		this.loop = new PolicyLoop(promise, overhead, now);
		this.watch = new PromiseWatch(promise);
		this.#empty = {
			coded: false,
			traffic: 1,
			window: 1,
			stride: 1,
			sources: [],
			repairs: undefined,
			samples: [],
			pauseRepairs: 0,
			overhead,
		};
		this.#plan = this.#empty;
	}

	/** The plan made last. */
	get plan(): Plan {
		return this.#plan;
	}

	/** Returns the meter of a path. */
	meter(path: number): LaneMeter {
		while (this.#meters.length <= path) this.#meters.push(new LaneMeter());
		return this.#meters[path]!;
	}

	/** True while packets of the lane vanish on a path. */
	isSilent(path: number): boolean {
		return (this.#meters[path]?.silent ?? 0) >= SILENT;
	}

	/**
	 * Takes a report of the receiver. Returns true when a path proves silent by it.
	 * @param paths those that the lane may use
	 * @param slot mean time between two sources; 0: not known yet
	 */
	report(report: LaneReport, paths: readonly Path[], slot: Millis, now: Millis): boolean {
		this.isCounted = true;
		this.noDecoder = report.noDecoder;
		this.#count(report, now);
		// Over a slower path it says what was long ago: nothing of it is overdue.
		if (((report.newest - (this.#newest ?? report.newest)) | 0) < 0) return false;
		this.#newest = report.newest;
		const isSilent = this.#meterPaths(report, paths, now);
		if (isSilent) this.watch.step(slot, now);
		return isSilent;
	}

	#count(report: LaneReport, now: Millis): void {
		const {reported} = this;
		reported.received += rise(report.received, reported.received);
		reported.recovered += rise(report.recovered, reported.recovered);
		reported.missing += rise(report.missing, reported.missing);
		reported.late += rise(report.late, reported.late);
		const {received, recovered, missing, late} = reported;
		this.watch.update(received + recovered + missing, missing + late, now);
	}

	/** Returns true when a path proves silent. */
	#meterPaths(report: LaneReport, paths: readonly Path[], now: Millis): boolean {
		let isSilent = false;
		for (const path of paths) {
			const meter = this.#meters[path.id];
			if (meter === undefined) continue;
			const wasSilent = meter.silent >= SILENT;
			const at = indexOf(report, path.id);
			const packets = at < 0 ? 0 : meter.arrived + rise(report.packets[at]!, meter.arrived);
			const newest = at < 0 ? 0 : report.pathNewest[at]!;
			meter.report(packets, newest, now - patienceOf(path), now);
			if (!wasSilent && meter.silent >= SILENT) isSilent = true;
		}
		return isSilent;
	}

	/**
	 * Plans anew.
	 * @param paths those that the lane may use
	 */
	update(paths: readonly Path[], {slot, bytes, mix, isCoding}: Pace, now: Millis): Plan {
		const {received, recovered, missing, late} = this.reported;
		if (this.#isStep(paths, now)) this.watch.step(slot, now);
		const rate = slot > 0 ? 1 / slot : ASSUMED_SOURCES / this.#promise.within;
		const first = paths.find(({sendDelay}) => sendDelay.floor !== undefined);
		const measured = paths.map((path) => this.#measure(path, first, now));
		const least = measured.reduce((low, {delay}) => Math.min(low, delay), 0);
		const plan = this.loop.update(
			{
				paths: measured.map((path) => ({...path, delay: path.delay - least})),
				rate,
				bytes,
				mix,
				counted: received + recovered + missing,
				failed: missing + late,
			},
			now,
		);
		const isOfUse = isCoding && !this.noDecoder && !this.isDoubted;
		if (plan === undefined) this.#plan = this.#empty;
		else this.#plan = isOfUse || !plan.coded ? plan : this.#asCopies(plan, paths);
		return this.#plan;
	}

	#isStep(paths: readonly Path[], now: Millis): boolean {
		const meterOf = (path: number) => this.meter(path);
		const isSilent = (path: number) => this.isSilent(path);
		return this.#steps.update(paths, meterOf, isSilent, now);
	}

	/** Copies in place of repairs, where there are none or nothing is recovered from them. */
	#asCopies(plan: Plan, paths: readonly Path[]): Plan {
		const traffic = Math.min(this.#promise.traffic, this.loop.allowed, paths.length);
		const all = [...new Set([...plan.sources, ...paths.map(({id}) => id)])];
		const used = Math.max(plan.sources.length, Math.ceil(traffic));
		const [sources, samples] = [all.slice(0, used), all.slice(used)];
		return {...plan, coded: false, traffic, sources, repairs: undefined, samples};
	}

	/** @param first one whose delay is known */
	#measure(path: Path, first: Path | undefined, now: Millis): LoopPath {
		const meter = this.meter(path.id);
		return {
			path: path.id,
			loss: this.#lossOf(path, meter, now),
			recentLoss: meter.recentLoss(now),
			settled: meter.settled,
			arrived: meter.arrived,
			delay: first === undefined ? 0 : this.#delayBetween(first, path, now),
			delivered: meter.rate(now, DELIVERED),
		};
	}

	/**
	 * Returns how much longer packets take on a path now than on `first` without a queue; negative:
	 * less long. Until the delay of a path is known it counts as a slow one, so that no source is
	 * late for it.
	 */
	#delayBetween(first: Path, {id, sendDelay}: Path, now: Millis): Millis {
		const {floor, queueing = 0} = sendDelay;
		if (floor === undefined) return this.#promise.within;
		const from = first.sendDelay.floor ?? 0;
		while (this.#standing.length <= id) this.#standing.push(new StandingDelay());
		return ((floor - from) | 0) / 1000 + this.#standing[id]!.update(queueing, now);
	}

	#lossOf(path: Path, meter: LaneMeter, now: Millis): number {
		if (meter.silent >= SILENT) return SILENT_LOSS;
		if (meter.settled >= FEW) return meter.loss(now);
		return Math.max(ASSUMED, path.dataLoss.loss ?? path.sendLoss.loss ?? 0);
	}
}

/** Returns how far a counter modulo 2^32 rose; 0: it is an older one. */
function rise(next: number, last: number): number {
	return Math.max(0, (next - last) | 0);
}

/** Returns the place of a path in a report. -1: nothing of the lane arrived over it. */
function indexOf({count, pathIds}: LaneReport, path: number): number {
	for (let i = 0; i < count; i++) if (pathIds[i] === path) return i;
	return -1;
}

/** Time after which a packet sent on the path would be counted, had it arrived. */
function patienceOf({rtt, sendDelay}: Path): Millis {
	return rtt.smoothed + 2 * rtt.variation + OVERDUE + (sendDelay.queueing ?? 0);
}
