import type {Millis} from '../bytes/time.ts';

/** Look back of a residual. */
const SPAN: Millis = 300_000;
const BUCKET: Millis = 5000;
const BUCKETS = SPAN / BUCKET;
/** Time behind a step that is shown apart. */
const STEP: Millis = 3000;
/**
 * Time that may be apart at once, and its part of all time: at most 30 s of any 5 minutes. What
 * goes on and on is no step, and must not hide that a promise is broken.
 */
const MOST_APART: Millis = 15_000;
const PART_APART = MOST_APART / SPAN;
/** Packets for each that may fail, below which nothing can be said of a promise (rule of three). */
const ENOUGH = 3;

/** Counts over the last 5 minutes. */
export interface Residual {
	/** Sources, and those of them that were lost or late, outside of steps. */
	readonly sources: number;
	readonly failed: number;
	/** Those that were lost or late in the first 3 s after a step. */
	readonly failedInSteps: number;
	readonly steps: number;
}

/** A promise against what was counted. */
export type Verdict = 'kept' | 'broken' | 'not enough traffic to tell';

interface Bucket {
	/** Number of its time, in units of BUCKET. */
	at: number;
	sources: number;
	failed: number;
	failedInSteps: number;
	steps: number;
}

/**
 * Meter of what is lost or late after recovery, over the last 5 minutes. What a step costs is
 * counted apart: a path was lost, or its loss more than doubled.
 */
export class ResidualMeter {
	readonly #buckets: readonly Bucket[] = Array.from({length: BUCKETS}, emptyBucket);
	#counted = 0;
	#failed = 0;
	#stepUntil: Millis = Number.NEGATIVE_INFINITY;
	/** Time that may be apart still, as of the last step. */
	#apart: Millis = MOST_APART;
	#steppedAt: Millis = 0;

	/**
	 * Takes the counts of the receiver, at least each second while sources come.
	 * @param counted sources that were received, recovered or found missing so far
	 * @param failed those that were missing or late so far
	 */
	update(counted: number, failed: number, now: Millis): void {
		const bucket = this.#bucket(now);
		// A peer may count backwards, which is no reason to.
		const sources = Math.max(0, counted - this.#counted);
		const bad = Math.min(sources, Math.max(0, failed - this.#failed));
		this.#counted = counted;
		this.#failed = failed;
		if (now < this.#stepUntil) bucket.failedInSteps += bad;
		else {
			bucket.sources += sources;
			bucket.failed += bad;
		}
	}

	/**
	 * A path was lost, or its loss more than doubled; `update` was called just before. Too many of
	 * them are none.
	 * @param lag time by which the receiver counts what is missing late
	 */
	step(now: Millis, lag: Millis = 0): void {
		const from = Math.max(now, this.#stepUntil);
		const left = Math.min(MOST_APART, this.#apart + PART_APART * (now - this.#steppedAt));
		const added = now + STEP + lag - from;
		if (added <= 0 || added > left) return;
		this.#apart = left - added;
		this.#steppedAt = now;
		// Steps at once, such as of several paths, are one.
		if (now >= this.#stepUntil) this.#bucket(now).steps++;
		this.#stepUntil = from + added;
	}

	/** Returns the counts of the last 5 minutes. */
	read(now: Millis): Residual {
		const oldest = Math.floor(now / BUCKET) - BUCKETS;
		const sum = emptyBucket();
		for (const bucket of this.#buckets) {
			if (bucket.at <= oldest) continue;
			sum.sources += bucket.sources;
			sum.failed += bucket.failed;
			sum.failedInSteps += bucket.failedInSteps;
			sum.steps += bucket.steps;
		}
		const {sources, failed, failedInSteps, steps} = sum;
		return {sources, failed, failedInSteps, steps};
	}

	#bucket(now: Millis): Bucket {
		const at = Math.floor(now / BUCKET);
		const bucket = this.#buckets[at % BUCKETS]!;
		if (bucket.at !== at) Object.assign(bucket, emptyBucket(), {at});
		return bucket;
	}
}

function emptyBucket(): Bucket {
	return {at: Number.NEGATIVE_INFINITY, sources: 0, failed: 0, failedInSteps: 0, steps: 0};
}

/** Share that was lost or late; where nothing was, the bound that 95 of 100 such counts keep to. */
export function residualShare({sources, failed}: Residual): number {
	return sources === 0 ? 1 : Math.min(1, Math.max(failed, failed === 0 ? ENOUGH : 0) / sources);
}

/** Judges a promised share. */
export function judgeResidual(residual: Residual, promise: number): Verdict {
	const {sources, failed} = residual;
	if (failed > promise * sources && failed >= ENOUGH) return 'broken';
	return sources * promise < ENOUGH ? 'not enough traffic to tell' : 'kept';
}

/** Text for people: `0.03 % (11 of 36,400)`, `< 0.008 % (0 of 36,400) + 12 in 1 step`. */
export function residualText(residual: Residual, promise: number): string {
	const {sources, failed, failedInSteps, steps} = residual;
	const count = `${thousands(failed)} of ${thousands(sources)}`;
	const apart = steps === 0 ? '' : ` + ${failedInSteps} in ${steps} step${steps === 1 ? '' : 's'}`;
	const verdict = judgeResidual(residual, promise);
	if (verdict === 'not enough traffic to tell') return `${verdict} (${count})${apart}`;
	const percent = Number((100 * residualShare(residual)).toPrecision(1 + +(failed >= 10)));
	return `${failed === 0 ? '< ' : ''}${percent} % (${count})${apart}`;
}

function thousands(count: number): string {
	return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
