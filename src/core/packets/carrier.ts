import {type Millis, NEVER} from '../../bytes/time.ts';
import type {PathReport} from '../../wire/frames/feedback.ts';
import type {RateModel, SendSnapshot} from '../load/rate-model.ts';
import {RttEstimator} from '../load/rtt.ts';
import type {Path} from '../path/path.ts';
import type {SentPacket} from './sent-packet.ts';

const FIRST_CAPACITY = 1024;
/** More packets than this are never out on one path: 75 MB of 1,200 bytes. */
const LARGEST_CAPACITY = 65_536;
/** Packets that arrived later, in the path's own order of sending (RFC 9002, section 6.1.1). */
const PACKET_THRESHOLD = 3;
const LARGEST_THRESHOLD = 2048;
/**
 * Part of a round trip after which a packet that was overtaken is lost (RFC 9002, section 6.1.2).
 */
const TIME_THRESHOLD = 9 / 8;
const SHORTEST_LOSS_DELAY: Millis = 1;
/** Feedback may take that long at the peer. */
const FEEDBACK_DELAY: Millis = 25;
const LONGEST_PTO: Millis = 2000;
/** Packets that test a path that does not answer, for each probe time-out. */
const PROBES = 2;
/** Without a false judgement for this long packets are expected in order again. */
const ORDER_AFTER: Millis = 10_000;

/**
 * Packets of at least so many bytes on the wire are bulk, which a path may carry later than others,
 * or not at all.
 */
const BULK = 600;
/**
 * Part of the age of the oldest packet that is out which counts as its delay so far: it may have
 * been lost.
 */
const AGE_PART = 0.8;
/**
 * Packets that one time-out gives up at most, and that one call of `eachLate` visits; more follow
 * at once.
 */
const BATCH = 512;
/** A path that carries nothing else gets a copy so often, which shows its state. */
const SAMPLE_EVERY: Millis = 500;

const OUT = 1;
const RECEIVED = 2;
const LOST = 3;

/** Receives the fate of the copies on a path. */
export interface CarrierEvents {
	/** Takes the arrival of a packet's copy on the path. */
	copyReceived(packet: SentPacket): void;
	/** Takes the loss of a packet's copy on the path. */
	copyLost(packet: SentPacket): void;
}

/**
 * The packets on one path that the peer reports on, in the path's own order, and the fate of each.
 */
export class Carrier {
	readonly path: Path;
	readonly model: RateModel;
	/** The path's bit in SentPacket.paths. */
	readonly bit: number;
	/** Set when the path did not answer for a probe time-out. */
	suspect = false;
	/** Result of `delay` when the paths were last arranged. */
	expected: Millis = 0;
	/** Packets that may test a suspect path. */
	probes = 0;
	/** Round trips of feedback, the peer's delay included. */
	readonly rtt: RttEstimator = new RttEstimator();
	/** Round trips of bulk alone, also of packets that arrived after they were given up. */
	readonly #bulkRtt = new RttEstimator();
	readonly #events: CarrierEvents;
	#capacity = FIRST_CAPACITY;
	#numbers = new Float64Array(FIRST_CAPACITY);
	#times = new Float64Array(FIRST_CAPACITY);
	#sizes = new Uint16Array(FIRST_CAPACITY);
	#states = new Uint8Array(FIRST_CAPACITY);
	#packets = new Array<SentPacket | undefined>(FIRST_CAPACITY).fill(undefined);
	#snapshots = new Array<SendSnapshot | undefined>(FIRST_CAPACITY).fill(undefined);
	/** Entries [head, tail) may be out; everything before is settled. */
	#head = 0;
	#tail = 0;
	#out = 0;
	/** Entries before it were visited by `eachLate`. */
	#visited = 0;
	/** The newest entry that arrived. */
	#highest = -1;
	#threshold = PACKET_THRESHOLD;
	#misjudgedAt: Millis = Number.NEGATIVE_INFINITY;
	#lossTime: Millis = NEVER;
	#progress: Millis = 0;
	#lastLoss: Millis = Number.NEGATIVE_INFINITY;
	#timeouts = 0;
	/** Set when bulk was given up as the path came under suspicion: then only bulk clears it. */
	#bulkDoubted = false;
	#sentAt: Millis = Number.NEGATIVE_INFINITY;
	#wasUp = false;

	/** @param model makes a rate model, where the path has none */
	constructor(path: Path, model: () => RateModel, events: CarrierEvents) {
		this.path = path;
		this.model = path.load.rateModel(model);
		this.bit = 1 << path.id;
		this.#events = events;
	}

	/** True while there is room for one more packet in the list. */
	get hasRoom(): boolean {
		return this.#tail - this.#head < LARGEST_CAPACITY - 1;
	}

	/** True while nothing is known against the path. */
	get trusted(): boolean {
		return !this.suspect && this.path.state !== 'suspect' && this.path.state !== 'down';
	}

	/** Returns the time from the sending of a packet of bulk to its known arrival, queue included. */
	delay(now: Millis): Millis {
		let delay = this.path.rtt.smoothed + this.model.queueingDelay;
		if (this.#bulkRtt.measured) delay = Math.max(delay, this.#bulkRtt.smoothed - FEEDBACK_DELAY);
		if (this.#out === 0) return delay;
		return Math.max(delay, AGE_PART * (now - this.#times[this.#head % this.#capacity]!));
	}

	/** True while nothing was sent on the path for long. */
	isResting(now: Millis): boolean {
		return now - this.#sentAt >= SAMPLE_EVERY;
	}

	/** Returns the milliseconds until the path's load lets a packet of `bytes` go; see RateModel. */
	delayUntilSend(now: Millis, bytes: number): Millis {
		if (!this.hasRoom) return Number.POSITIVE_INFINITY;
		if (this.suspect) return this.probes > 0 ? 0 : Number.POSITIVE_INFINITY;
		return this.path.load.delayUntilSend(now, bytes);
	}

	/** Notes a packet that went out with that number. @param bytes payload + 28 */
	sent(packet: SentPacket, number: number, bytes: number, now: Millis): void {
		if (this.#tail - this.#head >= this.#capacity) this.#grow();
		const at = this.#tail % this.#capacity;
		this.#numbers[at] = number;
		this.#times[at] = now;
		this.#sizes[at] = bytes;
		this.#states[at] = OUT;
		this.#packets[at] = packet;
		const snapshot = this.#snapshots[at] ?? this.model.createSnapshot();
		this.#snapshots[at] = snapshot;
		this.path.load.onSent(now, bytes, snapshot);
		if (this.#out === 0) this.#progress = now;
		this.#sentAt = now;
		if (this.suspect && this.probes > 0) this.probes--;
		this.#tail++;
		this.#out++;
		packet.paths |= this.bit;
	}

	#grow(): void {
		const old = this.#capacity;
		const next = old * 2;
		const numbers = new Float64Array(next);
		const times = new Float64Array(next);
		const sizes = new Uint16Array(next);
		const states = new Uint8Array(next);
		const packets = new Array<SentPacket | undefined>(next).fill(undefined);
		const snapshots = new Array<SendSnapshot | undefined>(next).fill(undefined);
		for (let i = Math.max(0, this.#tail - old); i < this.#tail; i++) {
			numbers[i % next] = this.#numbers[i % old]!;
			times[i % next] = this.#times[i % old]!;
			sizes[i % next] = this.#sizes[i % old]!;
			states[i % next] = this.#states[i % old]!;
			packets[i % next] = this.#packets[i % old];
			snapshots[i % next] = this.#snapshots[i % old];
		}
		this.#capacity = next;
		this.#numbers = numbers;
		this.#times = times;
		this.#sizes = sizes;
		this.#states = states;
		this.#packets = packets;
		this.#snapshots = snapshots;
	}

	/** Returns the newest entry with a number of at most `number`; head - 1 when there is none. */
	#find(number: number): number {
		let low = Math.max(0, this.#tail - this.#capacity);
		let high = this.#tail;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#numbers[middle % this.#capacity]! <= number) low = middle + 1;
			else high = middle;
		}
		return low - 1;
	}

	/**
	 * Takes a report of the peer on the path. `arrival` is in ms of its clock. The fate of `most`
	 * packets is settled, the oldest first, and the rest left to other reports. Returns the number of
	 * packets settled.
	 */
	reported(report: PathReport, arrival: Millis, now: Millis, most: number): number {
		const top = this.#find(report.largest);
		if (top < 0 || this.#numbers[top % this.#capacity] !== report.largest) return 0;
		let left = most;
		let isWhole = true;
		// The report does not cover packets before its bitmap.
		const from = this.#find(report.largest - 2 - 8 * report.length) + 1;
		this.#reviveLost(report, from, now);
		let newest = -1;
		let newestBulk = -1;
		for (let i = Math.max(this.#head, from); i <= top; i++) {
			const at = i % this.#capacity;
			if (this.#states[at] !== OUT || !report.covers(this.#numbers[at]!)) continue;
			if (left === 0) {
				isWhole = false;
				break;
			}
			left--;
			newest = i;
			if (this.#sizes[at]! >= BULK) newestBulk = i;
			this.#settle(i, RECEIVED);
			this.model.onAcknowledged(now, this.#sizes[at]!, this.#times[at]!, this.#snapshots[at]!);
			this.#finish(at, true);
		}
		if (newest >= 0) {
			this.#progress = now;
			this.#timeouts = 0;
			if (newestBulk >= 0 || !this.#bulkDoubted) this.#clear();
			if (newest > this.#highest) {
				this.#highest = newest;
				this.rtt.sample(now - this.#times[newest % this.#capacity]!);
			}
		}
		if (newestBulk >= 0) this.#bulkRtt.sample(now - this.#times[newestBulk % this.#capacity]!);
		left = this.#judge(now, left);
		if (newest >= 0 && isWhole) {
			this.model.onFeedback(now, this.#times[top % this.#capacity]!, arrival);
		}
		return most - left;
	}

	#clear(): void {
		this.suspect = false;
		this.#bulkDoubted = false;
	}

	/**
	 * Corrects packets that were judged lost and arrived after all: the path changes the order more
	 * than assumed, or takes longer.
	 */
	#reviveLost(report: PathReport, from: number, now: Millis): void {
		const isRecent = now - this.#lastLoss <= 2 * this.rtt.smoothed + 100;
		let newestBulk = -1;
		for (let i = from; i < this.#head; i++) {
			const at = i % this.#capacity;
			if (this.#states[at] !== LOST || !report.covers(this.#numbers[at]!)) continue;
			this.#states[at] = RECEIVED;
			if (this.#sizes[at]! >= BULK) newestBulk = i;
			if (!isRecent) continue;
			this.#misjudgedAt = now;
			const distance = this.#highest - i;
			if (distance >= this.#threshold) {
				this.#threshold = Math.min(LARGEST_THRESHOLD, Math.max(2 * this.#threshold, distance + 1));
			}
		}
		if (newestBulk < 0) return;
		this.#bulkRtt.sample(now - this.#times[newestBulk % this.#capacity]!);
		this.#progress = now;
		this.#timeouts = 0;
		this.#clear();
	}

	#settle(index: number, state: number): void {
		this.#states[index % this.#capacity] = state;
		this.#out--;
	}

	#finish(at: number, received: boolean): void {
		const packet = this.#packets[at]!;
		this.#packets[at] = undefined;
		packet.paths &= ~this.bit;
		if (received) this.#events.copyReceived(packet);
		else this.#events.copyLost(packet);
	}

	#lose(index: number, now: Millis): void {
		const at = index % this.#capacity;
		this.#settle(index, LOST);
		this.#lastLoss = now;
		this.model.onLost(now, this.#sizes[at]!, this.#times[at]!, this.#snapshots[at]!);
		this.#finish(at, false);
	}

	#abandon(index: number, now: Millis): void {
		const at = index % this.#capacity;
		this.#settle(index, LOST);
		this.#lastLoss = now;
		this.model.onAbandoned(now, this.#sizes[at]!);
		this.#finish(at, false);
	}

	/**
	 * Gives up packets that are lost, up to `most`, and the rest soon. Returns what is left of
	 * `most`.
	 */
	#judge(now: Millis, most: number): number {
		if (this.#threshold > PACKET_THRESHOLD && now - this.#misjudgedAt > ORDER_AFTER) {
			this.#threshold = PACKET_THRESHOLD;
		}
		const delay = this.#lossDelay;
		this.#lossTime = NEVER;
		let left = most;
		for (let i = this.#head; i < this.#highest; i++) {
			const at = i % this.#capacity;
			if (this.#states[at] !== OUT) continue;
			const due = this.#times[at]! + delay;
			if (this.#highest - i < this.#threshold && due > now) {
				this.#lossTime = Math.min(this.#lossTime, due);
			} else if (left > 0) {
				left--;
				this.#lose(i, now);
			} else {
				this.#lossTime = now;
				break;
			}
		}
		while (this.#head < this.#tail && this.#states[this.#head % this.#capacity] !== OUT) {
			this.#head++;
		}
		return left;
	}

	get #lossDelay(): Millis {
		const {rtt} = this;
		const bulk = this.#bulkRtt.measured ? this.#bulkRtt.smoothed : 0;
		const longest = Math.max(rtt.smoothed, rtt.latest, bulk);
		return Math.max(SHORTEST_LOSS_DELAY, TIME_THRESHOLD * longest);
	}

	get #pto(): Millis {
		let {rtt} = this.rtt.measured ? this : this.path;
		if (this.#bulkRtt.measured && this.#bulkRtt.smoothed > rtt.smoothed) rtt = this.#bulkRtt;
		const base = rtt.smoothed + Math.max(4 * rtt.variation, 1) + FEEDBACK_DELAY;
		return Math.max(base, Math.min(LONGEST_PTO, base * 2 ** Math.min(10, this.#timeouts)));
	}

	get #ptoTime(): Millis {
		if (this.#out === 0) {
			return this.suspect && this.probes === 0 ? this.#progress + this.#pto : NEVER;
		}
		return Math.max(this.#progress, this.#times[this.#head % this.#capacity]!) + this.#pto;
	}

	/** Returns the time of the next handleTimeout. */
	nextTimeout(): Millis {
		return Math.min(this.#lossTime, this.#ptoTime);
	}

	/** Judges what is overdue. */
	handleTimeout(now: Millis): void {
		if (now >= this.#lossTime) this.#judge(now, BATCH);
		if (now < this.#ptoTime) return;
		this.#timeouts++;
		this.#progress = now;
		this.suspect = true;
		this.probes = PROBES;
		this.#abandonAll(now);
	}

	/** Calls `visit` for every packet that is out. */
	eachOut(visit: (packet: SentPacket) => void): void {
		this.#visit(this.#head, this.#tail, Number.NEGATIVE_INFINITY, visit);
	}

	/**
	 * Calls `visit` for the next packets sent at `since` or later; a second call passes over those of
	 * the first.
	 */
	eachLate(visit: (packet: SentPacket) => void, since: Millis): void {
		const from = Math.max(this.#head, this.#visited);
		this.#visited = Math.min(this.#tail, from + BATCH);
		this.#visit(from, this.#visited, since, visit);
	}

	#visit(from: number, to: number, since: Millis, visit: (packet: SentPacket) => void): void {
		for (let i = from; i < to; i++) {
			const at = i % this.#capacity;
			const packet = this.#packets[at];
			if (this.#states[at] !== OUT || packet === undefined || this.#times[at]! < since) continue;
			visit(packet);
		}
	}

	// Silence is no evidence of the path's rate, only of the loss of all that is out.
	#abandonAll(now: Millis): void {
		for (let i = this.#head; i < this.#tail; i++) {
			const at = i % this.#capacity;
			if (this.#states[at] !== OUT) continue;
			if (this.#sizes[at]! >= BULK) this.#bulkDoubted = true;
			this.#abandon(i, now);
		}
		this.#head = this.#tail;
		this.#lossTime = NEVER;
	}

	/** Gives up all that is out: the path is gone. */
	retire(): void {
		for (let i = this.#head; i < this.#tail; i++) {
			const at = i % this.#capacity;
			if (this.#states[at] !== OUT) continue;
			this.#settle(i, LOST);
			this.#finish(at, false);
		}
		this.#head = this.#tail;
		this.#lossTime = NEVER;
	}

	/** Takes the path's state into account: one that came up again is trusted at once. */
	observe(now: Millis): void {
		const up = this.path.state === 'up';
		if (up && !this.#wasUp) {
			this.#clear();
			this.#timeouts = 0;
			this.#progress = now;
		}
		this.#wasUp = up;
	}
}
