import type {PathState} from '../events.ts';
import {type Millis, NEVER} from '../time.ts';

/** The chance that silence is bad luck below which a path is judged down: ln(1e-6). */
const LOG_CHANCE = Math.log(1e-6);

const SUSPECT_AFTER: Millis = 250;
const DOWN_AFTER: Millis = 500;
/** How often a suspect path that luck still may explain is judged again. */
const JUDGE_INTERVAL: Millis = 25;
const FEWEST_PACKETS = 5;
const HISTORY = 128;

/** What the judge has to know of the path and of the session at the moment of judging. */
export interface Circumstances {
	/** How long evidence may take on this path: 1.5 srtt + 4 rttvar. */
	patience: Millis;
	/** Loss of the sending direction up to the last evidence, 0 to 0.5. */
	loss: number;
	/** ln of the chance that every report which could have come by now was lost on its way. */
	reportSilence: number;
}

/**
 * Judges one sending direction by evidence: a rise of the peer's count of packets received on the
 * path, which reports carry over any path. All times run from the first packet sent since the last
 * evidence; where nothing was sent nothing is judged.
 *
 *     new --evidence--> up --no evidence--> suspect --and luck excluded--> down
 *      ^                 ^______evidence______|                             |
 *      |_________________^___________________ a probe got through __________|
 *
 * Silence has two causes, and luck has to be excluded for both: the packets were lost (judged by
 * those packets that a report covers, because it was sent after they should have arrived), or the
 * reports were (then only the chance that all of them were lost lets us judge by what was sent).
 */
export class PathJudge {
	state: PathState = 'new';
	/** First packet sent since the last evidence, NEVER when there is none. */
	unprovenSince: Millis = NEVER;
	#unproven = 0;
	#covered = 0;
	#probesUnproven = 0;
	#sent = 0;
	#sentBefore = 0;
	readonly #historyTime: Float64Array = new Float64Array(HISTORY);
	readonly #historySent: Float64Array = new Float64Array(HISTORY);
	#historyCount = 0;
	#historyNext: Millis = Number.NEGATIVE_INFINITY;
	#judged: Millis = Number.NEGATIVE_INFINITY;

	/** A packet went out on the path. */
	sent(now: Millis, probe: boolean, patience: Millis): void {
		this.#sent++;
		if (this.unprovenSince === NEVER) {
			this.unprovenSince = now;
			this.#sentBefore = this.#sent - 1;
		}
		this.#unproven++;
		if (probe) this.#probesUnproven++;
		if (now >= this.#historyNext) {
			this.#historyTime[this.#historyCount % HISTORY] = now;
			this.#historySent[this.#historyCount % HISTORY] = this.#sent;
			this.#historyCount++;
			this.#historyNext = now + Math.max(10, patience / 24);
		}
	}

	/**
	 * A report of the peer arrived. Copies of other paths' packets may be forged by who sees those,
	 * so they count only as long as the path's own probes agree, and never revive a path.
	 */
	report(packetsRose: boolean, probesRose: boolean, now: Millis, at: Circumstances): void {
		if (probesRose) this.#probesUnproven = 0;
		const trusted =
			this.#probesUnproven < FEWEST_PACKETS ||
			this.#probesUnproven * Math.log(at.loss) > LOG_CHANCE;
		if (probesRose || (packetsRose && trusted && this.state !== 'down')) {
			this.unprovenSince = NEVER;
			this.#unproven = 0;
			this.#covered = 0;
			this.state = 'up';
			return;
		}
		if (this.unprovenSince === NEVER) return;
		const covered = this.#sentUntil(now - at.patience) - this.#sentBefore;
		if (covered > this.#covered) this.#covered = covered;
	}

	#sentUntil(time: Millis): number {
		const oldest = Math.max(0, this.#historyCount - HISTORY);
		for (let i = this.#historyCount - 1; i >= oldest; i--) {
			if (this.#historyTime[i % HISTORY]! <= time) return this.#historySent[i % HISTORY]!;
		}
		return 0;
	}

	/** Judges anew; the state may change. */
	judge(now: Millis, at: Circumstances): void {
		if (this.state === 'down' || this.unprovenSince === NEVER) return;
		this.#judged = now;
		const silence = now - this.unprovenSince;
		if (silence >= Math.max(DOWN_AFTER, at.patience) && this.#luckExcluded(at)) {
			this.state = 'down';
		} else if (this.state === 'up' && silence >= Math.max(SUSPECT_AFTER, at.patience)) {
			this.state = 'suspect';
		}
	}

	#luckExcluded(at: Circumstances): boolean {
		const each = Math.log(Math.max(at.loss, 1e-6));
		if (this.#covered >= FEWEST_PACKETS && this.#covered * each < LOG_CHANCE) return true;
		return (
			at.reportSilence < LOG_CHANCE &&
			this.#unproven >= FEWEST_PACKETS &&
			this.#unproven * each < LOG_CHANCE
		);
	}

	/** When `judge` should be called next. */
	nextTimeout(patience: Millis): Millis {
		if (this.state === 'down' || this.unprovenSince === NEVER) return NEVER;
		if (this.state === 'up') return this.unprovenSince + Math.max(SUSPECT_AFTER, patience);
		const down = this.unprovenSince + Math.max(DOWN_AFTER, patience);
		return Math.max(down, this.#judged + JUDGE_INTERVAL);
	}

	/** The system says that nobody listens: no copies are worth sending until evidence comes. */
	refused(): void {
		if (this.state !== 'down') this.state = 'suspect';
	}
}
