import type {SymbolFormat} from './symbol-format.ts';
import {SYMBOL_SLOT, type SymbolMemory} from './symbol-memory.ts';

/** States of a sequence in the ring. */
export const Cell = {
	/** Neither arrived nor recovered. */
	UNKNOWN: 0,
	/** Its content is kept; the head of its symbol is not written yet. */
	CONTENT: 1,
	/** Its symbol is kept. */
	SYMBOL: 2,
	/** It arrived, and was not kept. */
	GONE: 3,
} as const;

/** One of {@link Cell}. */
export type Cell = (typeof Cell)[keyof typeof Cell];

/** The last sources of a lane, by sequence: which are known, and their symbols. */
export class SourceRing {
	/** False: there was no memory for the last source. */
	isKeeping = true;
	readonly #memory: SymbolMemory;
	readonly #format: SymbolFormat;
	#newest: number;
	/** Sequences up to the newest that the ring holds. */
	#span = 0;
	#states: Uint8Array;
	#slots: Int32Array;
	#lengths: Uint16Array;

	/** @param capacity a power of two @param first the sequence that is expected first */
	constructor(memory: SymbolMemory, format: SymbolFormat, capacity: number, first: number) {
		this.#newest = (first - 1) >>> 0;
		this.#memory = memory;
		this.#format = format;
		this.#states = new Uint8Array(capacity).fill(Cell.GONE);
		this.#slots = new Int32Array(capacity).fill(-1);
		this.#lengths = new Uint16Array(capacity);
	}

	/** Sequences that the ring can hold: a power of two. */
	get capacity(): number {
		return this.#states.length;
	}

	/** Largest sequence so far, 32 bits. */
	get newest(): number {
		return this.#newest;
	}

	/** True for sequences that are in the ring: none before the first, none that fell out. */
	holds(sequence: number): boolean {
		return (this.#newest - sequence) >>> 0 < this.#span;
	}

	/** State of a sequence that the ring holds. */
	state(sequence: number): Cell {
		return this.#states[sequence & (this.capacity - 1)] as Cell;
	}

	/** Slot of a known symbol. */
	slot(sequence: number): number {
		return this.#slots[sequence & (this.capacity - 1)]!;
	}

	/** Length of a known symbol, its head included. */
	length(sequence: number): number {
		return this.#lengths[sequence & (this.capacity - 1)]!;
	}

	/** Moves up to a larger sequence; returns how many fall out, or are left out, unknown. */
	advance(to: number): number {
		const distance = (to - this.#newest) >>> 0;
		const {capacity} = this;
		const steps = Math.min(distance, capacity);
		let unknown = distance - steps;
		for (let i = steps - 1; i >= 0; i--) {
			const cell = (to - i) & (capacity - 1);
			if (this.#states[cell] === Cell.UNKNOWN) unknown++;
			this.#states[cell] = Cell.UNKNOWN;
		}
		this.#newest = to;
		this.#span = Math.min(this.#span + distance, capacity);
		return unknown;
	}

	/**
	 * Holds more sequences from now on, up to `capacity`, a power of two; what is in the ring stays.
	 */
	grow(capacity: number): void {
		const states = new Uint8Array(capacity).fill(Cell.GONE);
		const slots = new Int32Array(capacity).fill(-1);
		const lengths = new Uint16Array(capacity);
		const mask = this.capacity - 1;
		for (let i = 0; i <= mask; i++) {
			const from = (this.#newest - i) & mask;
			const to = (this.#newest - i) & (capacity - 1);
			states[to] = this.#states[from]!;
			slots[to] = this.#slots[from]!;
			lengths[to] = this.#lengths[from]!;
		}
		this.#states = states;
		this.#slots = slots;
		this.#lengths = lengths;
	}

	/** Keeps the content bytes[start, end) of a source, unless it is longer than any repair. */
	keep(sequence: number, bytes: Uint8Array, start: number, end: number): void {
		const cell = sequence & (this.capacity - 1);
		const {headLength} = this.#format;
		if (headLength + end - start > SYMBOL_SLOT) {
			this.#states[cell] = Cell.GONE;
			return;
		}
		if (this.#slots[cell]! < 0) this.#slots[cell] = this.#memory.take();
		const slot = this.#slots[cell]!;
		this.isKeeping = slot >= 0;
		if (slot < 0) {
			this.#states[cell] = Cell.GONE;
			return;
		}
		this.#memory.load(slot, headLength, bytes, start, end);
		this.#lengths[cell] = headLength + end - start;
		this.#states[cell] = Cell.CONTENT;
	}

	/** Keeps a recovered symbol, whose slot is the ring's from now on. */
	adopt(sequence: number, slot: number, length: number): void {
		const cell = sequence & (this.capacity - 1);
		if (this.#slots[cell]! >= 0) this.#memory.give(this.#slots[cell]!);
		this.#slots[cell] = slot;
		this.#lengths[cell] = length;
		this.#states[cell] = Cell.SYMBOL;
	}

	/** Writes the head of a symbol whose content is kept, unless it is there. */
	complete(sequence: number): void {
		const cell = sequence & (this.capacity - 1);
		if (this.#states[cell] !== Cell.CONTENT) return;
		const slot = this.#slots[cell]!;
		const end = slot + this.#lengths[cell]!;
		this.#format.writeHead(sequence, this.#memory.kernel.bytes, slot, end);
		this.#states[cell] = Cell.SYMBOL;
	}

	/** Gives all memory back; nothing is to be called afterwards. */
	close(): void {
		for (const slot of this.#slots) if (slot >= 0) this.#memory.give(slot);
		this.#slots.fill(-1);
		this.#states.fill(Cell.GONE);
	}
}
