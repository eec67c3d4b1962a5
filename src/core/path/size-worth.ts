import type {Millis} from '../../bytes/time.ts';
import {WORST_GRADE} from './data-loss.ts';

/** A copy that comes so much later than the best one is of no use to what waits for it. */
const TOO_LATE: Millis = 500;
const LATE_NO_MORE: Millis = 350;
/**
 * Pause after which a path gets another chance, since packets not sent are not measured; then twice
 * as long...
 */
const FIRST_PAUSE: Millis = 10_000;
const LONGEST_PAUSE: Millis = 600_000;
/** ...which lasts so long... */
const CHANCE: Millis = 3000;
/** ...until it was worth it for this time. */
const REFORMED_AFTER: Millis = 60_000;

/** The measurements of a path on which its worth rests. */
interface Measured {
	readonly rtt: {readonly smoothed: Millis};
	/** Loss of data sent on the path; see DataLossMeter. */
	readonly grade: number;
}

/**
 * Decides whether the packets of all paths are made to fit this one, which carries less than others
 * do. One split in two is lost about twice as often and costs twice the packets; the copy on one
 * more path makes up for that only where more than half of its data arrives, and in time. Else
 * large packets go out without a copy here.
 */
export class SizeWorth {
	/** True while packets are made to fit. */
	counts = true;
	#since: Millis = Number.NEGATIVE_INFINITY;
	#pause = FIRST_PAUSE;

	/** Judges anew, against the quickest path that carries more. True: that changed the result. */
	judge(path: Measured, wider: Measured | undefined, now: Millis): boolean {
		const before = this.counts;
		this.counts = wider === undefined || this.#isWorthIt(path, wider, now);
		if (this.counts === before) return false;
		if (!this.counts) {
			const reformed = now - this.#since > REFORMED_AFTER;
			this.#pause = reformed ? FIRST_PAUSE : Math.min(LONGEST_PAUSE, 2 * this.#pause);
		}
		this.#since = now;
		return true;
	}

	#isWorthIt(path: Measured, wider: Measured, now: Millis): boolean {
		const later = path.rtt.smoothed - wider.rtt.smoothed;
		if (later > (this.counts ? TOO_LATE : LATE_NO_MORE)) return false;
		if (path.grade < WORST_GRADE) return true;
		return this.counts ? now - this.#since < CHANCE : now - this.#since > this.#pause;
	}
}
