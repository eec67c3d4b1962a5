import {coefficient, coefficientSeed} from './coefficient.ts';
import {Equations, MAX_UNKNOWNS} from './equations.ts';
import {MAX_TERMS, vectorLength} from './kernel.ts';
import {Cell, SourceRing} from './source-ring.ts';
import type {SymbolFormat} from './symbol-format.ts';
import type {SymbolMemory} from './symbol-memory.ts';

/** Multiplications of whole symbols that a source pays for, and how many may be saved up. */
const ALLOWANCE = 48;
const MAX_ALLOWANCE = 64 * MAX_UNKNOWNS;

/** Fates of a source that arrived. */
export const Arrival = {
	/** It is the first of its sequence. */
	NEW: 0,
	/** It arrived before, or was recovered. */
	KNOWN: 1,
	/** It is older than the ring: nothing is known of it. */
	OLD: 2,
} as const;

/** One of {@link Arrival}. */
export type Arrival = (typeof Arrival)[keyof typeof Arrival];

/** Counts of repairs by their fate; each repair is in one of them. */
export class RepairCounts {
	/** Became an equation. */
	used = 0;
	/** All that they cover was known. */
	needless = 0;
	/** Said nothing that other repairs had not said. */
	dependent = 0;
	/** Cover what is older than the ring, or was not kept. */
	stale = 0;
	/** Not worked on: more work than the sources pay for. */
	refused = 0;
	/** Do not fit what they cover. */
	malformed = 0;
}

/** A repair: the sum of the `count` sources up to `newest`, each times its coefficient. */
export interface Repair {
	/** Number of the packet that carried it, of which the coefficients are made. */
	packetNumber: number;
	newest: number;
	/** 1 to 64. */
	count: number;
	/** Position of its symbol. */
	slot: number;
	/** Bytes of the symbol. */
	length: number;
}

/**
 * Decoder of a sliding-window code over GF(2^8): keeps the last sources, and solves for those
 * that are missing from the repairs (RFC 8681). Work and memory are bounded whatever the peer
 * sends.
 */
export class Decoder {
	/** Sequences recovered by the last call, oldest first: the first `recoveredCount`. */
	readonly recovered: Uint32Array = new Uint32Array(MAX_UNKNOWNS);
	recoveredCount = 0;
	readonly repairs: RepairCounts = new RepairCounts();
	/** Recovered symbols that did not agree with their heads. */
	corrupt = 0;
	/** Sequences that left the ring unknown. */
	missing = 0;
	readonly #memory: SymbolMemory;
	readonly #format: SymbolFormat;
	readonly #ring: SourceRing;
	readonly #equations: Equations;
	#allowance = MAX_ALLOWANCE;
	/** Known sources that were taken out of repairs. */
	#subtractions = 0;

	/**
	 * @param capacity sequences that are kept, a power of two of at least 128
	 * @param first sequence that is expected first, 32 bits
	 */
	constructor(memory: SymbolMemory, format: SymbolFormat, capacity: number, first: number) {
		this.#memory = memory;
		this.#format = format;
		this.#ring = new SourceRing(memory, format, capacity, first);
		this.#equations = new Equations(memory);
	}

	/** Largest sequence seen. */
	get newest(): number {
		return this.#ring.newest;
	}

	/** Multiplications and additions of whole symbols so far. */
	get work(): number {
		return this.#equations.work + this.#subtractions;
	}

	/** Missing sources that repairs cover. */
	get unknowns(): number {
		return this.#equations.unknowns;
	}

	/** Sequences that are kept. */
	get capacity(): number {
		return this.#ring.capacity;
	}

	/** False: there was no memory for the last source. */
	get isKeeping(): boolean {
		return this.#ring.isKeeping;
	}

	/**
	 * Keeps more sequences from now on, up to `capacity`, a power of two. False, and nothing has
	 * changed: there is no memory for them.
	 */
	grow(capacity: number): boolean {
		if (!this.#memory.reserve(capacity - this.#ring.capacity)) return false;
		this.#ring.grow(capacity);
		return true;
	}

	/** True for sequences that the ring holds. */
	holds(sequence: number): boolean {
		return this.#ring.holds(sequence);
	}

	/** True when a sequence arrived or was recovered, or is too old to tell. */
	knows(sequence: number): boolean {
		return this.#ring.holds(sequence) && this.#ring.state(sequence) !== Cell.UNKNOWN;
	}

	/** Takes the content bytes[start, end) of a source, which it copies. */
	source(sequence: number, bytes: Uint8Array, start: number, end: number): Arrival {
		this.recoveredCount = 0;
		const ring = this.#ring;
		this.#advance(sequence);
		if (!ring.holds(sequence)) return Arrival.OLD;
		if (ring.state(sequence) !== Cell.UNKNOWN) return Arrival.KNOWN;
		this.#allowance = Math.min(this.#allowance + ALLOWANCE, MAX_ALLOWANCE);
		ring.keep(sequence, bytes, start, end);
		const column = this.#equations.column(sequence);
		if (column >= 0) this.#substitute(sequence, column);
		return Arrival.NEW;
	}

	/** Moves the ring up to the newest sequence that a repair covers. */
	advance(newest: number): void {
		this.#advance(newest);
	}

	/**
	 * Takes a repair, and recovers what can be recovered. Its slot is the decoder's from now on;
	 * the symbol in it is followed by zeros up to the end of its vector.
	 */
	repair({packetNumber, newest, count, slot, length}: Repair): void {
		this.recoveredCount = 0;
		this.#advance(newest);
		const missing = this.#missing(newest, count);
		const {repairs} = this;
		if (count < 1 || count > MAX_TERMS) repairs.malformed++;
		else if (missing < 0) repairs.stale++;
		else if (missing === 0) repairs.needless++;
		else if (this.#allowance < count) repairs.refused++;
		else {
			this.#solve(coefficientSeed(packetNumber), newest, count, slot, length);
			return;
		}
		this.#memory.give(slot);
	}

	/** First byte of the content of a known source; it stays in place until the next call. */
	contentStart(sequence: number): number {
		return this.#ring.slot(sequence) + this.#format.headLength;
	}

	/** End of the content of a known source. */
	contentEnd(sequence: number): number {
		return this.#ring.slot(sequence) + this.#ring.length(sequence);
	}

	/** Gives all memory back; nothing is to be called afterwards. */
	close(): void {
		this.#equations.clear();
		this.#ring.close();
	}

	/** Moves the ring up to a sequence; what falls out of it unknown is given up. */
	#advance(to: number): void {
		const ring = this.#ring;
		if (((to - ring.newest) | 0) <= 0) return;
		this.missing += ring.advance(to);
		this.#abandonOld();
	}

	#abandonOld(): void {
		const equations = this.#equations;
		while (equations.unknowns > 0) {
			const column = equations.oldest(this.#ring.newest);
			if (this.#ring.holds(equations.sequences[column]!)) return;
			equations.abandon(column);
		}
	}

	/** Sources of a repair that are missing; -1 when the others cannot be taken out of it. */
	#missing(newest: number, count: number): number {
		const ring = this.#ring;
		if (!ring.holds((newest - count + 1) >>> 0) || !ring.holds(newest)) return -1;
		let missing = 0;
		for (let i = 0; i < count; i++) {
			const state = ring.state((newest - i) >>> 0);
			if (state === Cell.GONE) return -1;
			if (state === Cell.UNKNOWN) missing++;
		}
		return missing;
	}

	#solve(seed: number, newest: number, count: number, slot: number, length: number): void {
		if (!this.#subtractKnown(seed, newest, count, slot, length)) {
			this.#memory.give(slot);
			this.repairs.malformed++;
			return;
		}
		this.#makeRoom(newest, count);
		this.#openUnknown(seed, newest, count);
		const before = this.#equations.work;
		if (this.#equations.add(slot, length)) this.repairs.used++;
		else this.repairs.dependent++;
		this.#allowance -= this.#equations.work - before;
		this.#collect();
	}

	/** Takes the known sources out of a repair. False when one is longer than the repair. */
	#subtractKnown(
		seed: number,
		newest: number,
		count: number,
		slot: number,
		length: number,
	): boolean {
		const ring = this.#ring;
		const {kernel} = this.#memory;
		let terms = 0;
		for (let i = 0; i < count; i++) {
			const sequence = (newest - i) >>> 0;
			if (ring.state(sequence) === Cell.UNKNOWN) continue;
			const own = ring.length(sequence);
			if (own > length) return false;
			ring.complete(sequence);
			kernel.setTerm(terms++, ring.slot(sequence), vectorLength(own), coefficient(seed, sequence));
		}
		kernel.addTerms(slot, terms);
		this.#subtractions += terms;
		this.#allowance -= terms;
		return true;
	}

	/** Fills the vector of the next equation, with columns for what is unknown. */
	#openUnknown(seed: number, newest: number, count: number): void {
		const equations = this.#equations;
		const ring = this.#ring;
		for (let i = 0; i < count; i++) {
			const sequence = (newest - i) >>> 0;
			if (ring.state(sequence) !== Cell.UNKNOWN) continue;
			let column = equations.column(sequence);
			if (column < 0) column = equations.open(sequence);
			equations.vector[column] = coefficient(seed, sequence);
		}
	}

	/** Gives up the oldest unknowns until those of a repair fit: all of its own always do. */
	#makeRoom(newest: number, count: number): void {
		const equations = this.#equations;
		while (equations.unknowns + this.#withoutColumn(newest, count) > MAX_UNKNOWNS) {
			equations.abandon(equations.oldest(this.#ring.newest));
		}
	}

	#withoutColumn(newest: number, count: number): number {
		let found = 0;
		for (let i = 0; i < count; i++) {
			const sequence = (newest - i) >>> 0;
			const unknown = this.#ring.state(sequence) === Cell.UNKNOWN;
			if (unknown && this.#equations.column(sequence) < 0) found++;
		}
		return found;
	}

	#substitute(sequence: number, column: number): void {
		const equations = this.#equations;
		const ring = this.#ring;
		if (ring.state(sequence) === Cell.GONE) {
			equations.abandon(column);
			return;
		}
		ring.complete(sequence);
		const before = equations.work;
		equations.substitute(column, ring.slot(sequence), ring.length(sequence));
		this.#allowance -= equations.work - before;
		this.#collect();
	}

	/** Takes the solved equations out and keeps their symbols. */
	#collect(): void {
		const equations = this.#equations;
		for (let row = equations.solved(); row >= 0; row = equations.solved()) {
			const sequence = equations.sequences[equations.pivot(row)]!;
			const slot = equations.slot(row);
			const length = equations.length(row);
			equations.take(row);
			this.#recover(sequence, slot, length);
		}
	}

	#recover(sequence: number, slot: number, length: number): void {
		const {bytes} = this.#memory.kernel;
		const end = this.#format.contentEnd(sequence, bytes, slot, slot + length);
		if (end < 0) {
			this.corrupt++;
			this.#memory.give(slot);
			return;
		}
		this.#ring.adopt(sequence, slot, end - slot);
		let at = this.recoveredCount++;
		for (; at > 0 && ((this.recovered[at - 1]! - sequence) | 0) > 0; at--) {
			this.recovered[at] = this.recovered[at - 1]!;
		}
		this.recovered[at] = sequence;
	}
}
