import type {Millis} from '../bytes/time.ts';

/** Paths of a lane: 0 to below this. What comes over another one counts for no path. */
export const MAX_PATHS = 64;

/** A path carries sources while it brought one within this time. */
const ACTIVE: Millis = 1000;

/** Lags are the largest of this time, and of as long before it. */
const LAG_WINDOW: Millis = 1000;

/** Patience beyond the largest lag: timers are no finer, and a lag may grow by its jitter. */
const LEAST_MARGIN: Millis = 1;
const MARGIN = 1 / 8;
/** Part of the deadline that patience takes at most. */
const MOST = 7 / 8;

/** A path that brings a smaller share of the sources of late carries samples: none are awaited. */
const SHARE = 1 / 32;
/** Sources from which a share is made. */
const RECENT = 256;

/** True for the numbers of paths that a lane keeps counts of. */
export function isPath(path: number): boolean {
	return path >= 0 && path < MAX_PATHS;
}

/** Progress of each path with the sources of a lane, and the lag behind the fastest. */
export class PathProgress {
	/** Packets of the lane that arrived, by path; repairs count. */
	readonly packets: Float64Array = new Float64Array(MAX_PATHS);
	/** Largest sequence that a path brought, or that a repair which it brought covers. */
	readonly newest: Uint32Array = new Uint32Array(MAX_PATHS);
	readonly #sourceAt = new Float64Array(MAX_PATHS).fill(Number.NEGATIVE_INFINITY);
	/** Paths that ever brought a source. */
	readonly #paths: number[] = [];
	/** Sources of late, by path and of all: halved when they are many. */
	readonly #recent = new Float64Array(MAX_PATHS);
	#recentOfAll = 0;
	readonly #within: Millis;
	#lag: Millis = 0;
	#lagBefore: Millis = 0;
	#lagSince: Millis = 0;

	/** @param within lag beyond which a source is late, so that it is not waited for */
	constructor(within: Millis) {
		this.#within = within;
	}

	/** A source arrived. @param lag time since it was due */
	source(path: number, sequence: number, lag: Millis, now: Millis): void {
		if (!isPath(path)) return;
		if (this.#sourceAt[path] === Number.NEGATIVE_INFINITY) this.#paths.push(path);
		this.#sourceAt[path] = now;
		this.repair(path, sequence);
		this.#recent[path]!++;
		if (++this.#recentOfAll >= RECENT) this.#halve();
		if (now - this.#lagSince > LAG_WINDOW) {
			this.#lagBefore = now - this.#lagSince > 2 * LAG_WINDOW ? 0 : this.#lag;
			this.#lag = 0;
			this.#lagSince = now;
		}
		if (lag > this.#lag && lag <= this.#within && this.#carries(path)) this.#lag = lag;
	}

	#halve(): void {
		for (const path of this.#paths) this.#recent[path]! /= 2;
		this.#recentOfAll /= 2;
	}

	/** True for a path whose sources are more than samples. */
	#carries(path: number): boolean {
		return this.#recent[path]! >= SHARE * this.#recentOfAll;
	}

	/** A repair arrived over a path, or another copy of a source. */
	repair(path: number, newest: number): void {
		if (!isPath(path)) return;
		const isFirst = this.packets[path] === 0;
		this.packets[path]!++;
		if (isFirst || ((newest - this.newest[path]!) | 0) > 0) this.newest[path] = newest;
	}

	/**
	 * True when no path that carries sources can still bring one up to `sequence`, if paths keep
	 * their order.
	 */
	passed(sequence: number, now: Millis): boolean {
		for (const path of this.#paths) {
			if (now - this.#sourceAt[path]! > ACTIVE || !this.#carries(path)) continue;
			if (((sequence - this.newest[path]!) | 0) > 0) return false;
		}
		return true;
	}

	/** Time after which a source that is due is not waited for any more. */
	patience(now: Millis): Millis {
		const recent = now - this.#lagSince > 2 * LAG_WINDOW ? 0 : Math.max(this.#lag, this.#lagBefore);
		const patience = recent + Math.max(LEAST_MARGIN, MARGIN * recent);
		return Math.min(patience, MOST * this.#within);
	}
}
