import {type Millis, NEVER} from '../../bytes/time.ts';
import type {PathState} from '../events.ts';
import {Sent} from '../sent.ts';

/** The chance that silence is bad luck below which a path is judged down: ln(1e-6). */
const LOG_CHANCE = Math.log(1e-6);

/** Reports come with probes, so evidence may be this much older than the path makes it. */
const REPORT_INTERVAL: Millis = 100;
const SUSPECT_AFTER: Millis = 250;
/**
 * With the age of the last report this stays within 500 ms + 1.5 srtt + 4 rttvar of a path's death.
 */
const DOWN_AFTER: Millis = 350;
/** Interval at which a suspect path that luck still may explain is judged again. */
const JUDGE_INTERVAL: Millis = 25;
const FEWEST_PACKETS = 5;
const HISTORY = 128;

/** Evidence about a path in a report. */
export interface Evidence {
	/** True when the count of packets received on the path, or that of probes, went up. */
	readonly packetsRose: boolean;
	readonly probesRose: boolean;
	/** Packets sent later than this are not covered by the rise. */
	readonly provenUntil: Millis;
	/** Time at which the probe was sent that the report echoes; -Infinity: none of this path. */
	readonly echoedAt: Millis;
}

/** State of the path and of the session at the moment of judging. */
export interface Circumstances {
	/** Longest time of evidence on this path: 1.5 srtt + 4 rttvar. */
	patience: Millis;
	/** Loss of the sending direction up to the last evidence, 0 to 0.5. */
	loss: number;
	/** ln of the chance that every report which could have come by now was lost on its way. */
	reportSilence: number;
}

/**
 * Judges one sending direction by evidence: a rise of the peer's count of packets received on the
 * path, which reports carry over any path. All times run from the first packet that the last
 * evidence cannot have covered; where nothing was sent nothing is judged.
 *
 *     new --evidence--> up --no evidence--> suspect --and luck excluded--> down
 *      ^                 ^______evidence______|                             |
 *      |_________________^___________________ a probe got through __________|
 *
 * Silence has two causes, and luck has to be excluded for both: the packets were lost (judged by
 * those packets that a report covers, because it was sent after they should have arrived), or the
 * reports were (then only the chance that all of them were lost allows to judge by the packets
 * sent).
 */
export class PathJudge {
	state: PathState = 'new';
	/** Time of the first packet that no evidence covers. `NEVER`: there is none. */
	unprovenSince: Millis = NEVER;
	#provenUntil: Millis = Number.NEGATIVE_INFINITY;
	#sent = 0;
	#sentBefore = 0;
	#covered = 0;
	#probesUnproven = 0;
	readonly #historyTime: Float64Array = new Float64Array(HISTORY);
	/** Packets sent before the one at that time. */
	readonly #historySent: Float64Array = new Float64Array(HISTORY);
	#historyCount = 0;
	#historyNext: Millis = Number.NEGATIVE_INFINITY;
	/** Set when a report came since the path went down. */
	#counted = false;
	#judged: Millis = Number.NEGATIVE_INFINITY;

	/** Notes a packet that went out on the path. */
	sent(now: Millis, kind: Sent, patience: Millis): void {
		if (kind !== Sent.ANSWER && now >= this.#historyNext) {
			this.#historyTime[this.#historyCount % HISTORY] = now;
			this.#historySent[this.#historyCount % HISTORY] = this.#sent;
			this.#historyCount++;
			this.#historyNext = now + Math.max(10, patience / 24);
		}
		if (kind !== Sent.ANSWER && this.unprovenSince === NEVER && now > this.#provenUntil) {
			this.unprovenSince = now;
			this.#sentBefore = this.#sent;
		}
		this.#sent++;
		if (kind === Sent.PROBE) this.#probesUnproven++;
	}

	/**
	 * Takes a report of the peer. Copies of other paths' packets may be forged by an attacker who
	 * captures those, so they count only as long as the path's own probes agree, and never revive a
	 * path. Packets on their way when the path went down do not revive it either: it takes an echo of
	 * a later probe, or a rise over a count that was reported after the path was judged down.
	 */
	report(report: Evidence, now: Millis, at: Circumstances): void {
		if (report.probesRose) this.#probesUnproven = 0;
		if (this.state === 'down') {
			const revived = report.echoedAt > this.#judged || (this.#counted && report.probesRose);
			this.#counted = true;
			if (!revived) return;
		}
		const trusted =
			this.#probesUnproven < FEWEST_PACKETS ||
			this.#probesUnproven * Math.log(at.loss) > LOG_CHANCE;
		if (report.probesRose || (report.packetsRose && trusted)) {
			this.state = 'up';
			this.#prove(Math.max(report.provenUntil, report.echoedAt));
		} else if (this.unprovenSince !== NEVER) {
			const covered = this.#sentUntil(now - at.patience) - this.#sentBefore;
			if (covered > this.#covered) this.#covered = covered;
		}
	}

	#prove(until: Millis): void {
		if (until <= this.#provenUntil) return;
		this.#provenUntil = until;
		this.unprovenSince = NEVER;
		this.#covered = 0;
		const oldest = Math.max(0, this.#historyCount - HISTORY);
		for (let i = this.#historyCount - 1; i >= oldest; i--) {
			if (this.#historyTime[i % HISTORY]! <= until) return;
			this.unprovenSince = this.#historyTime[i % HISTORY]!;
			this.#sentBefore = this.#historySent[i % HISTORY]!;
		}
	}

	#sentUntil(time: Millis): number {
		const oldest = Math.max(0, this.#historyCount - HISTORY);
		for (let i = this.#historyCount - 1; i >= oldest; i--) {
			if (this.#historyTime[i % HISTORY]! <= time) return this.#historySent[i % HISTORY]! + 1;
		}
		return 0;
	}

	/** Returns about the number of packets sent by then. `0`: the history does not go back so far. */
	sentAround(time: Millis): number {
		const oldest = Math.max(0, this.#historyCount - HISTORY);
		let laterTime = Number.POSITIVE_INFINITY;
		let laterSent = this.#sent;
		for (let i = this.#historyCount - 1; i >= oldest; i--) {
			const at = this.#historyTime[i % HISTORY]!;
			const sent = this.#historySent[i % HISTORY]!;
			if (at > time) {
				laterTime = at;
				laterSent = sent;
			} else if (laterTime === Number.POSITIVE_INFINITY) return laterSent;
			else return sent + ((laterSent - sent) * (time - at)) / (laterTime - at);
		}
		return 0;
	}

	/** Judges anew; the state may change. */
	judge(now: Millis, at: Circumstances): void {
		if (this.state === 'down' || this.unprovenSince === NEVER) return;
		this.#judged = now;
		if (now >= this.#downAt(at.patience) && this.#luckExcluded(at)) {
			this.state = 'down';
			this.#counted = false;
		}
		if (this.state === 'up' && now >= this.#suspectAt(at.patience)) this.state = 'suspect';
	}

	#suspectAt(patience: Millis): Millis {
		return this.unprovenSince + Math.max(SUSPECT_AFTER, patience + REPORT_INTERVAL);
	}

	#downAt(patience: Millis): Millis {
		return this.unprovenSince + Math.max(DOWN_AFTER, patience + REPORT_INTERVAL);
	}

	#luckExcluded(at: Circumstances): boolean {
		const each = Math.log(Math.max(at.loss, 1e-6));
		const unproven = this.#sent - this.#sentBefore;
		if (this.#covered >= FEWEST_PACKETS && this.#covered * each < LOG_CHANCE) return true;
		return (
			at.reportSilence < LOG_CHANCE && unproven >= FEWEST_PACKETS && unproven * each < LOG_CHANCE
		);
	}

	/** Returns the time of the next call of `judge`. */
	nextTimeout(patience: Millis): Millis {
		if (this.state === 'down' || this.unprovenSince === NEVER) return NEVER;
		if (this.state === 'up') return this.#suspectAt(patience);
		return Math.max(this.#downAt(patience), this.#judged + JUDGE_INTERVAL);
	}

	/** Takes the path down: nothing sent from now on leaves this machine. */
	lost(now: Millis): void {
		if (this.state === 'down') return;
		this.state = 'down';
		this.#judged = now;
		this.#counted = false;
	}

	/**
	 * Makes the path suspect because nothing listens there, as the system reports: no copies are
	 * worth sending until evidence comes.
	 */
	refused(): void {
		if (this.state !== 'down') this.state = 'suspect';
	}
}
