import type {Millis} from '../bytes/time.ts';

/** Packets of one path that are remembered by their sequences: a power of two. */
const REMEMBERED = 4096;
const CHECKPOINTS = 64;
const SPACING: Millis = 100;
/** The long look back: so many packets or so much time, whichever is less. */
const LONG_PACKETS = 2000;
const LONG: Millis = 5000;
/** The short look back: so many packets or so much time, whichever is less. */
const SHORT: Millis = 300;
const SHORT_PACKETS = 100;
/** Loss that is assumed while fewer packets are counted. */
const ASSUMED = 0.02;
const FEW = 20;
/** Standard deviations, and packets, by which chance does not move what is lost. */
const NO_CHANCE = 4;
const NO_CHANCE_PACKETS = 3;
/** Standard deviations of a bound that holds in 9 of 10 cases. */
const NINE_OF_TEN = 1.28;

/** Packets overdue in a row after which a path counts as silent. */
export const SILENT = 5;

const NO_SEQUENCES = new Uint32Array(0);
const NO_TIMES = new Float64Array(0);

interface Checkpoint {
	at: Millis;
	sent: number;
	got: number;
}

/**
 * Meter of what one path delivers of a lane, from the counts in its reports: pairs of packets
 * sent and arrived up to the same sequence, so that what is under way counts for neither.
 */
export class LaneMeter {
	/** Made for the first packet: most paths of most lanes of a hostile peer carry none. */
	#sequences: Uint32Array = NO_SEQUENCES;
	#times: Float64Array = NO_TIMES;
	readonly #checkpoints: Checkpoint[] = [];
	#count = 0;
	/** Number of the checkpoint before which the short look back does not reach. */
	#shortFrom = 0;
	/** Packets sent over the path. */
	sent = 0;
	/** Packets sent, and arrived, up to the newest sequence that a report named. */
	settled = 0;
	arrived = 0;
	/** Packets overdue since the last one that was counted. */
	silent = 0;

	/** A packet of the lane went out; `sequence` is its own or the newest that it covers. */
	send(sequence: number, now: Millis): void {
		if (this.sent === 0) {
			this.#sequences = new Uint32Array(REMEMBERED);
			this.#times = new Float64Array(REMEMBERED);
		}
		this.#sequences[this.sent & (REMEMBERED - 1)] = sequence;
		this.#times[this.sent & (REMEMBERED - 1)] = now;
		this.sent++;
	}

	/**
	 * A report of the lane: packets that arrived over this path so far, and the newest sequence
	 * among them.
	 *
	 * @param overdue packets sent before this time would be counted by now, if they had arrived
	 */
	report(packets: number, newest: number, overdue: Millis, now: Millis): void {
		if (packets > this.arrived) {
			this.settled = Math.max(this.settled, this.#sentUpTo(newest));
			this.arrived = Math.min(packets, this.sent);
			// What a silence took says nothing of now, and is in the long look back anyway.
			if (this.silent >= SILENT) this.#shortFrom = this.#count;
			this.silent = 0;
		} else {
			const before = this.settled;
			while (this.settled < this.sent && this.#times[this.settled & (REMEMBERED - 1)]! < overdue) {
				this.settled++;
			}
			this.silent += this.settled - before;
		}
		this.#keep(now);
	}

	#keep(now: Millis): void {
		const last = this.#checkpoints[(this.#count - 1) % CHECKPOINTS];
		const isBack = this.#shortFrom === this.#count;
		if (last !== undefined && now - last.at < SPACING && !isBack) return;
		const next = this.#checkpoints[this.#count % CHECKPOINTS];
		if (next === undefined)
			this.#checkpoints.push({at: now, sent: this.settled, got: this.arrived});
		else {
			next.at = now;
			next.sent = this.settled;
			next.got = this.arrived;
		}
		this.#count++;
	}

	/**
	 * Share that is lost: a bound which nine of ten such paths keep to over the long look back, or
	 * what the short one shows to be more than that.
	 */
	loss(now: Millis): number {
		const [longSent, longLost] = this.#look(LONG_PACKETS, now - LONG);
		if (longSent < FEW) return ASSUMED;
		const bound = (longLost + 1) / (longSent + 2);
		const upper = bound + NINE_OF_TEN * Math.sqrt((bound * (1 - bound)) / (longSent + 2));
		const [shortSent, shortLost] = this.#look(SHORT_PACKETS, now - SHORT, this.#shortFrom);
		if (shortSent < SHORT_PACKETS / 4) return Math.min(0.9, upper);
		const mean = shortLost / shortSent;
		const lower = mean - NINE_OF_TEN * Math.sqrt((mean * (1 - mean)) / shortSent);
		return Math.min(0.9, Math.max(upper, lower > upper ? mean : 0));
	}

	/** Share that was lost over the short look back. */
	recentLoss(now: Millis): number {
		const [sent, lost] = this.#look(SHORT_PACKETS, now - SHORT, this.#shortFrom);
		return sent === 0 ? 0 : lost / sent;
	}

	/** True when the short look back lost more than twice `loss`, and more than chance explains. */
	hasDoubled(loss: number, now: Millis): boolean {
		const [sent, lost] = this.#look(SHORT_PACKETS, now - SHORT, this.#shortFrom);
		const expected = loss * sent;
		const chance = NO_CHANCE * Math.sqrt(expected) + NO_CHANCE_PACKETS;
		return lost > 2 * expected && lost >= expected + chance;
	}

	/** Packets a ms that arrived in the last `span`. */
	rate(now: Millis, span: Millis): number {
		const first = this.#back(Number.POSITIVE_INFINITY, now - span);
		if (first === undefined) return 0;
		return (this.arrived - first.got) / Math.max(SPACING, now - first.at);
	}

	/**
	 * Packets sent and lost since the checkpoint that is `packets` back, or from before `since`, or
	 * has the number `from`.
	 */
	#look(packets: number, since: Millis, from = 0): [sent: number, lost: number] {
		const first = this.#back(packets, since, from);
		if (first === undefined) return [0, 0];
		const sent = this.settled - first.sent;
		return [sent, Math.max(0, sent - (this.arrived - first.got))];
	}

	/**
	 * Newest checkpoint that is `packets` back or from before `since`, else the oldest of those from
	 * the number `from` on.
	 */
	#back(packets: number, since: Millis, from = 0): Checkpoint | undefined {
		const oldest = Math.max(from, this.#count - CHECKPOINTS);
		let found: Checkpoint | undefined;
		for (let i = this.#count - 1; i >= oldest; i--) {
			found = this.#checkpoints[i % CHECKPOINTS]!;
			if (found.at <= since || this.settled - found.sent >= packets) break;
		}
		return found;
	}

	/** Packets sent over the path whose sequence is `newest` or smaller. */
	#sentUpTo(newest: number): number {
		let low = Math.max(0, this.sent - REMEMBERED);
		let high = this.sent;
		while (low < high) {
			const middle = Math.floor((low + high) / 2);
			const sequence = this.#sequences[middle & (REMEMBERED - 1)]!;
			if (((sequence - newest) | 0) <= 0) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}
