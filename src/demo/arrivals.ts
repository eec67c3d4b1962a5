import type {Millis} from '../bytes/time.ts';
import {ReplayWindow} from '../core/replay-window.ts';

/** Time from when a datagram is due until it is late: that of the policy `fec`. */
export const LATE_AFTER: Millis = 40;

/** Numbers remembered: more than are under way at the highest rate. */
const REMEMBERED = 65_536;

/** Width of the counters of delays, and the longest delay that has one of its own. */
const STEP: Millis = 0.25;
const LONGEST: Millis = 2000;

/** Counts of delays. */
export class Delays {
	readonly #counts = new Uint32Array(LONGEST / STEP + 1);
	#total = 0;

	add(delay: Millis): void {
		this.#counts[Math.round(Math.min(Math.max(delay, 0), LONGEST) / STEP)]!++;
		this.#total++;
	}

	/** Adds all that another one has seen. */
	addAll(other: Delays): void {
		for (const [at, count] of other.#counts.entries()) this.#counts[at]! += count;
		this.#total += other.#total;
	}

	/** Returns the delay that a share of all, 0 to 1, do not exceed. `undefined`: there are none. */
	quantile(share: number): Millis | undefined {
		let left = share * this.#total;
		const at = this.#counts.findIndex((count) => {
			left -= count;
			return count > 0 && left <= 0;
		});
		return at < 0 ? undefined : at * STEP;
	}
}

/**
 * Knows numbered datagrams again that arrive. A number is due when the first datagram with an equal
 * or larger one arrives, and late when it comes {@link LATE_AFTER} after that.
 */
export class Arrivals {
	/** Different ones. */
	arrived = 0;
	/** Those that had arrived before. */
	twice = 0;
	/** Those of `arrived` that were late. */
	late = 0;
	readonly delays: Delays = new Delays();
	readonly #seen = new ReplayWindow(REMEMBERED);
	/** Times at which numbers were due, in a ring. */
	readonly #dueAt = new Float64Array(REMEMBERED);
	/** The number behind the largest that arrived. */
	#next = 0;

	/** Takes a datagram with its number and the time at which it was sent. */
	accept(number: number, sentAt: Millis, now: Millis): void {
		if (!this.#seen.accept(number)) {
			this.twice++;
			return;
		}
		this.arrived++;
		this.delays.add(now - sentAt);
		if (number < this.#next) {
			const isOld = this.#next - number > REMEMBERED;
			if (isOld || now - this.#dueAt[number % REMEMBERED]! > LATE_AFTER) this.late++;
			return;
		}
		const first = Math.max(this.#next, number + 1 - REMEMBERED);
		for (let due = first; due <= number; due++) this.#dueAt[due % REMEMBERED] = now;
		this.#next = number + 1;
	}
}
