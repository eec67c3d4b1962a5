import type {SymbolFormat} from './symbol-format.ts';
import type {SymbolMemory} from './symbol-memory.ts';

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
	/** Sequences that the ring holds: a power of two. */
	readonly capacity: number;
	/** Largest sequence so far, 32 bits. */
	newest: number;
	readonly #memory: SymbolMemory;
	readonly #format: SymbolFormat;
	readonly #states: Uint8Array;
	readonly #slots: Int32Array;
	readonly #lengths: Uint16Array;

	/** @param capacity a power of two @param first the sequence that is expected first */
	constructor(memory: SymbolMemory, format: SymbolFormat, capacity: number, first: number) {
		this.capacity = capacity;
		this.newest = (first - 1) >>> 0;
		this.#memory = memory;
		this.#format = format;
		// Nothing before the first can be had any more.
		this.#states = new Uint8Array(capacity).fill(Cell.GONE);
		this.#slots = new Int32Array(capacity).fill(-1);
		this.#lengths = new Uint16Array(capacity);
	}

	/** True for sequences that are in the ring. */
	holds(sequence: number): boolean {
		return (this.newest - sequence) >>> 0 < this.capacity;
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

	/** The cell of a sequence becomes unknown; it was that of one `capacity` earlier. */
	clear(sequence: number): void {
		const cell = sequence & (this.capacity - 1);
		this.#states[cell] = Cell.UNKNOWN;
	}

	/** Keeps the content bytes[start, end) of a source. */
	keep(sequence: number, bytes: Uint8Array, start: number, end: number): void {
		const cell = sequence & (this.capacity - 1);
		if (this.#slots[cell]! < 0) this.#slots[cell] = this.#memory.take();
		const slot = this.#slots[cell]!;
		if (slot < 0) {
			this.#states[cell] = Cell.GONE;
			return;
		}
		const {headLength} = this.#format;
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
