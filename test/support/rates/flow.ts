import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import type {RateModel, SendSnapshot} from '../../../src/core/load/rate-model.ts';

export const PACKET_BYTES = 1228;
const RING = 2 ** 17;
const MASK: number = RING - 1;
/** Packets that one report covers, and after how many it is sent. */
const REPORT_SPAN = 1024;
const REPORT_AFTER = 10;
const REPORT_DELAY: Millis = 25;
const PACKET_THRESHOLD = 3;

const State = {unused: 0, flying: 1, done: 2} as const;

/** One report of the receiver: what had arrived, as a position in its list of arrivals. */
export interface Report {
	readonly arrivals: number;
	readonly largest: number;
	readonly largestReceivedAt: Millis;
}

/**
 * A bulk sender and its receiver, without the links between them: sends whatever its rate model
 * allows, judges loss by packet threshold (which grows with reordering seen) and time threshold
 * (9/8 of a round trip), as RFC 9002, section 6.1 and RFC 8985 have it.
 */
export class RateFlow {
	readonly model: RateModel;
	/** Packets sent, packets that arrived, packets judged lost, and of those the ones that arrived. */
	sent = 0;
	received = 0;
	judgedLost = 0;
	spurious = 0;
	readonly startAt: Millis;

	readonly #sentAt = new Float64Array(RING);
	readonly #state = new Uint8Array(RING);
	readonly #snapshots: SendSnapshot[] = [];
	readonly #arrivals = new Int32Array(RING);
	#oldest = 0;
	#largest = -1;
	#threshold = PACKET_THRESHOLD;
	#patienceSteps = 1;
	#patienceAt: Millis = 0;
	#processed = 0;
	#latestRtt: Millis = 333;
	#lossAt: Millis = NEVER;
	#probeAt: Millis = NEVER;
	#arrivedLargest = -1;
	#arrivedLargestAt: Millis = 0;
	#arrived = 0;
	#reported = 0;
	#reportAt: Millis = NEVER;
	readonly #tick: Millis;
	readonly #clockOffset = 123_456.75;

	/** `tick` is how coarse the sender's timer is. */
	constructor(model: RateModel, startAt: Millis, tick: Millis) {
		this.#tick = tick;
		this.model = model;
		this.startAt = startAt;
		for (let i = 0; i < RING; i++) this.#snapshots.push(model.createSnapshot());
	}

	/** When the sender may have something to do. */
	nextSend(now: Millis): Millis {
		if (now < this.startAt) return this.startAt;
		const send = now + this.model.delayUntilSend(now, PACKET_BYTES);
		const next = Math.min(send, this.#lossAt, this.#probeAt);
		// What is due already goes at once, as after a report.
		if (this.#tick === 0 || next <= now || next === NEVER) return next;
		return Math.ceil(next / this.#tick) * this.#tick;
	}

	/** The number of a packet to send now, or -1. */
	pollSend(now: Millis): number {
		if (now < this.startAt) return -1;
		if (now >= this.#lossAt) this.#judge(now);
		const forced = now >= this.#probeAt;
		if (!forced && this.model.delayUntilSend(now, PACKET_BYTES) > 0) return -1;
		const number = this.sent++;
		const index = number & MASK;
		if (number - this.#oldest >= RING) throw new RangeError('too many packets in flight');
		this.#sentAt[index] = now;
		this.#state[index] = State.flying;
		this.model.onSent(now, PACKET_BYTES, this.#snapshots[index]!);
		if (forced || this.#probeAt === NEVER) this.#armProbe(now);
		return number;
	}

	/** A packet arrives at the receiver. */
	receive(number: number, now: Millis): void {
		this.received++;
		this.#arrivals[this.#arrived++ & MASK] = number;
		if (number > this.#arrivedLargest) {
			this.#arrivedLargest = number;
			this.#arrivedLargestAt = now;
		}
		const wait = Math.min(REPORT_DELAY, this.model.srtt / 4);
		if (this.#arrived - this.#reported === 1) this.#reportAt = now + wait;
		if (this.#arrived - this.#reported >= REPORT_AFTER) this.#reportAt = now;
	}

	/** When the receiver has a report to send. */
	get nextReport(): Millis {
		return this.#reportAt;
	}

	/** The report due at `now`, or undefined. */
	pollReport(now: Millis): Report | undefined {
		if (now < this.#reportAt) return undefined;
		this.#reportAt = NEVER;
		this.#reported = this.#arrived;
		return {
			arrivals: this.#arrived,
			largest: this.#arrivedLargest,
			largestReceivedAt: this.#arrivedLargestAt + this.#clockOffset,
		};
	}

	/** A report arrives at the sender. */
	receiveReport(report: Report, now: Millis): void {
		if (report.arrivals <= this.#processed) return;
		if (report.largest > this.#largest) {
			this.#latestRtt = now - this.#sentAt[report.largest & MASK]!;
			this.#largest = report.largest;
		}
		while (this.#processed < report.arrivals) {
			const number = this.#arrivals[this.#processed++ & MASK]!;
			if (number > report.largest - REPORT_SPAN) this.#acknowledge(number, now);
		}
		this.#judge(now);
		const largestSentAt = this.#sentAt[report.largest & MASK]!;
		this.model.onFeedback(now, largestSentAt, report.largestReceivedAt);
		this.#armProbe(now);
	}

	#acknowledge(number: number, now: Millis): void {
		const index = number & MASK;
		if (number < this.#oldest || this.#state[index] !== State.flying) {
			this.spurious++;
			this.#learnReordering(now);
			return;
		}
		this.#state[index] = State.done;
		this.model.onAcknowledged(now, PACKET_BYTES, this.#sentAt[index]!, this.#snapshots[index]!);
	}

	/** Once a round trip, as RFC 8985, section 6.2 widens its reordering window. */
	#learnReordering(now: Millis): void {
		if (now < this.#patienceAt) return;
		this.#patienceAt = now + this.model.srtt;
		this.#threshold = Math.min(REPORT_SPAN, 4 * this.#threshold);
		this.#patienceSteps = Math.min(8, this.#patienceSteps + 1);
	}

	#judge(now: Millis): void {
		this.#lossAt = NEVER;
		const patience = (1 + this.#patienceSteps / 8) * Math.max(this.model.srtt, this.#latestRtt, 1);
		for (let number = this.#oldest; number < this.#largest; number++) {
			const index = number & MASK;
			if (this.#state[index] === State.flying) {
				const dueAt = this.#sentAt[index]! + patience;
				if (number > this.#largest - this.#threshold && dueAt > now) {
					this.#lossAt = Math.min(this.#lossAt, dueAt);
					break;
				}
				this.#state[index] = State.done;
				this.judgedLost++;
				this.model.onLost(now, PACKET_BYTES, this.#sentAt[index]!, this.#snapshots[index]!);
			}
			if (number === this.#oldest) this.#oldest++;
		}
		while (this.#oldest <= this.#largest && this.#state[this.#oldest & MASK] === State.done) {
			this.#oldest++;
		}
	}

	#armProbe(now: Millis): void {
		this.#probeAt = now + Math.min(2000, 1.5 * this.model.srtt + 50);
	}
}
