import type {Millis} from '../bytes/time.ts';
import {Arrival, Decoder, type RepairCounts} from './decoder.ts';
import {HeldRepairs} from './held-repairs.ts';
import {MAX_TERMS} from './kernel.ts';
import {PathProgress} from './path-progress.ts';
import {RecoveredSet} from './recovered-set.ts';
import type {SymbolFormat} from './symbol-format.ts';
import {SYMBOL_SLOT, type SymbolMemory} from './symbol-memory.ts';

/** Sequences that a receiver keeps, at least and at most. */
export const LEAST_CAPACITY = 128;
export const MOST_CAPACITY = 4096;

/** Sources before the first arrival that are expected, too. */
const LEAD = 64;
/** Arrivals in a second for which there is too little room, before more is made. */
const DEEP = 4;
const DEEP_WINDOW: Millis = 1000;
/** Time between two attempts to get memory, and for which a refusal counts. */
const RETRY: Millis = 1000;
const SHORT: Millis = 2000;
/** Time in which the first source of each path comes, of the deadline and at most. */
const START_PART = 7 / 8;
const START: Millis = 50;
/** Share of the first sources with which no path is missing. */
const COMPLETE = 3 / 4;

/** Parameters of a receiver. */
export interface ReceiverInit {
	readonly memory: SymbolMemory;
	readonly format: SymbolFormat;
	/**
	 * Sequences that are kept at first: a power of two, LEAST_CAPACITY to MOST_CAPACITY. It grows
	 * when that is too few.
	 */
	readonly capacity: number;
	/** Sequence that is expected first, 32 bits. */
	readonly first: number;
	/** Time from when a source is due, after which it counts as late. */
	readonly within: Millis;
}

/**
 * Sequence that a receiver expects first when `sequence` is that of the first source which
 * arrives: those shortly before it may be under way, or can be recovered. Lanes count from 0.
 */
export function firstExpected(sequence: number): number {
	return Math.max(0, sequence - LEAD);
}

/** Counts of one direction of a lane at its receiver. */
export interface ReceiverCounts {
	/** Sources that arrived, each counted once. */
	received: number;
	/** Sources recovered from repairs. */
	recovered: number;
	/** Sources that neither arrived nor could be recovered. */
	missing: number;
	/**
	 * Sources that came later than promised, by whatever way; those of `received` and `recovered`
	 * count.
	 */
	late: number;
	/** Sources that arrived when they were known already. */
	duplicate: number;
}

/**
 * The receiving end of one direction of a coded lane. A source is due when the first packet with
 * an equal or larger sequence arrives over any path. A repair waits until the sources that it
 * covers are due on the paths that carry sources: else much of what it recovers would be merely
 * late.
 *
 * After each `source`, `repair` or when `nextTimeout` has come, `nextRecovered` is called until
 * it returns -1; the content of what it returns stays in place until its next call.
 */
export class CodedReceiver {
	readonly counts: ReceiverCounts = {received: 0, recovered: 0, missing: 0, late: 0, duplicate: 0};
	/**
	 * True while it lacks memory: sources or repairs are not kept, or not for as long as they should
	 * be.
	 */
	isShort = false;
	readonly #decoder: Decoder;
	readonly #held: HeldRepairs;
	readonly #progress: PathProgress;
	readonly #recoveredBefore = new RecoveredSet();
	/** Time at which sequences were due, by sequence modulo the capacity. */
	#due: Float64Array;
	readonly #within: Millis;
	/** Most sources that a repair covered. */
	#window = 0;
	/** Arrivals without room, since a time. */
	#deep = 0;
	#deepSince: Millis = Number.NEGATIVE_INFINITY;
	#retryAt: Millis = Number.NEGATIVE_INFINITY;
	#shortUntil: Millis = Number.NEGATIVE_INFINITY;
	/** Time before which a path may not have brought its first source, and the first that came. */
	#startsUntil: Millis = Number.NEGATIVE_INFINITY;
	#first = 0;
	/** Sequences of the decoder's last call that were returned. */
	#polled = 0;

	constructor({memory, format, capacity, first, within}: ReceiverInit) {
		this.#decoder = new Decoder(memory, format, capacity, first);
		this.#held = new HeldRepairs(memory, capacity / 2);
		this.#due = new Float64Array(capacity);
		this.#progress = new PathProgress(within);
		this.#within = within;
	}

	/** Largest sequence seen. */
	get newest(): number {
		return this.#decoder.newest;
	}

	/** Sequences that are kept now. */
	get capacity(): number {
		return this.#decoder.capacity;
	}

	/** Counts of repairs by their fate. */
	get repairs(): RepairCounts {
		return this.#decoder.repairs;
	}

	/** Multiplications and additions of whole symbols so far. */
	get work(): number {
		return this.#decoder.work;
	}

	/** Arrivals over each path. */
	get progress(): PathProgress {
		return this.#progress;
	}

	/**
	 * Takes the content bytes[start, end) of a source that arrived over a path.
	 * @param path 0 to 63
	 */
	source(
		sequence: number,
		path: number,
		content: {readonly bytes: Uint8Array; readonly start: number; readonly end: number},
		now: Millis,
	): Arrival {
		if (this.#startsUntil === Number.NEGATIVE_INFINITY) {
			this.#startsUntil = now + this.#start;
			this.#first = sequence;
		}
		this.#advance(sequence, now);
		this.#noteDepth(sequence, now);
		this.#polled = 0;
		const found = this.#decoder.source(sequence, content.bytes, content.start, content.end);
		const isOld = found === Arrival.OLD;
		const due = isOld ? now : this.#due[this.#cell(sequence)]!;
		this.#progress.source(path, sequence, now - due, now);
		const arrival = isOld && this.#recoveredBefore.has(sequence) ? Arrival.KNOWN : found;
		if (arrival === Arrival.NEW) {
			this.counts.received++;
			if (now - due > this.#within) this.counts.late++;
		} else if (arrival === Arrival.KNOWN) this.counts.duplicate++;
		// An older one counts as missing, or was sent before the first that is expected.
		if (!this.#decoder.isKeeping) this.#shortUntil = now + SHORT;
		this.isShort = now < this.#shortUntil;
		return arrival;
	}

	/** Another copy of a source arrived over a path. */
	copy(sequence: number, path: number): void {
		this.#progress.repair(path, sequence);
	}

	/** Takes a repair that arrived over a path. @param count 1 to 64, else it is dropped */
	repair(
		repair: {readonly packetNumber: number; readonly newest: number; readonly count: number},
		path: number,
		symbol: {readonly bytes: Uint8Array; readonly start: number; readonly end: number},
		now: Millis,
	): void {
		const length = symbol.end - symbol.start;
		if (repair.count < 1 || repair.count > MAX_TERMS || length > SYMBOL_SLOT) {
			this.repairs.malformed++;
			return;
		}
		if (repair.count > this.#window) this.#window = repair.count;
		this.#advance(repair.newest, now);
		this.#noteDepth(repair.newest, now);
		this.#progress.repair(path, repair.newest);
		const due = this.#decoder.holds(repair.newest) ? this.#due[this.#cell(repair.newest)]! : now;
		const start = now < this.#startsUntil ? this.#start : 0;
		const until = due + Math.max(start, this.#progress.patience(now));
		if (!this.#held.push(path, repair, symbol, until)) this.repairs.refused++;
		if (this.#held.lacksMemory) this.#shortUntil = now + SHORT;
	}

	/** Returns the next source recovered, -1 when there is none now. */
	nextRecovered(now: Millis): number {
		const decoder = this.#decoder;
		while (this.#polled >= decoder.recoveredCount) {
			const path = this.#readyPath(now);
			if (path < 0) return -1;
			this.#polled = 0;
			decoder.repair(this.#held.shift(path));
		}
		const sequence = decoder.recovered[this.#polled++]!;
		this.#recovered(sequence, now);
		return sequence;
	}

	/** First byte of a recovered source's content. */
	contentStart(sequence: number): number {
		return this.#decoder.contentStart(sequence);
	}

	/** End of a recovered source's content. */
	contentEnd(sequence: number): number {
		return this.#decoder.contentEnd(sequence);
	}

	/** Latest time at which a repair that waits is taken up. */
	nextTimeout(): Millis {
		return this.#held.nextTimeout();
	}

	/** Gives all memory back; nothing is to be called afterwards. */
	close(): void {
		this.#held.close();
		this.#decoder.close();
	}

	/** True while so much is unknown that a slower path may still bring it. */
	get #lacksPath(): boolean {
		return this.counts.received < COMPLETE * (((this.newest - this.#first) >>> 0) + 1);
	}

	/** Time for which the first repairs wait. */
	get #start(): Millis {
		return Math.min(START, START_PART * this.#within);
	}

	#cell(sequence: number): number {
		return sequence & (this.#due.length - 1);
	}

	#advance(sequence: number, now: Millis): void {
		const distance = (sequence - this.#decoder.newest) | 0;
		if (distance <= 0) return;
		this.#keepRoom(sequence, distance, now);
		for (let i = Math.min(distance, this.#due.length); i > 0; i--) {
			this.#due[this.#cell(sequence - i + 1)] = now;
		}
		this.#decoder.advance(sequence);
		this.counts.missing = this.#decoder.missing;
	}

	/** A source that is missed and not late yet stays, and what repairs of it cover. */
	#keepRoom(sequence: number, distance: number, now: Millis): void {
		const decoder = this.#decoder;
		const reach = Math.max(1, decoder.capacity - 2 * this.#window);
		for (let i = Math.min(distance, reach) - 1; i >= 0; i--) {
			const leaving = (sequence - i - reach) >>> 0;
			if (!decoder.holds(leaving) || decoder.knows(leaving)) continue;
			if (now - this.#due[this.#cell(leaving)]! > this.#within) continue;
			this.#grow(2 * decoder.capacity, now);
			return;
		}
	}

	/** An arrival that lies too far behind the newest sequence asks for more room. */
	#noteDepth(sequence: number, now: Millis): void {
		const depth = ((this.#decoder.newest - sequence) >>> 0) + 2 * this.#window;
		if (depth <= this.#decoder.capacity || depth > MOST_CAPACITY) return;
		if (now - this.#deepSince > DEEP_WINDOW) {
			this.#deepSince = now;
			this.#deep = 0;
		}
		if (++this.#deep >= DEEP) this.#grow(depth, now);
	}

	/** Keeps at least `least` sequences, if there is memory. */
	#grow(least: number, now: Millis): void {
		const old = this.#decoder.capacity;
		if (old >= MOST_CAPACITY || now < this.#retryAt) return;
		let capacity = 2 * old;
		while (capacity < least) capacity *= 2;
		if (!this.#decoder.grow(capacity)) {
			this.#retryAt = now + RETRY;
			this.#shortUntil = now + SHORT;
			return;
		}
		this.#shortUntil = Number.NEGATIVE_INFINITY;
		this.#held.limit = capacity / 2;
		const due = this.#due;
		this.#due = new Float64Array(capacity);
		for (let i = 0; i < old; i++) {
			const sequence = this.#decoder.newest - i;
			this.#due[this.#cell(sequence)] = due[sequence & (old - 1)]!;
		}
	}

	/** Path whose first repair is ready: all that it covers is due on every path. -1: none is. */
	#readyPath(now: Millis): number {
		const held = this.#held;
		if (now < this.#startsUntil && this.#lacksPath) return -1;
		for (let path = 0; path < held.paths; path++) {
			const first = held.first(path);
			if (first === undefined) continue;
			if (now >= first.until || this.#progress.passed(first.newest, now)) return path;
		}
		return -1;
	}

	#recovered(sequence: number, now: Millis): void {
		this.counts.recovered++;
		this.#recoveredBefore.add(sequence);
		if (now - this.#due[this.#cell(sequence)]! > this.#within) this.counts.late++;
	}
}
