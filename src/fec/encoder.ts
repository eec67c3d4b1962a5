import {coefficient, coefficientSeed} from './coefficient.ts';
import {MAX_TERMS, vectorLength} from './kernel.ts';
import type {SymbolFormat} from './symbol-format.ts';
import type {SymbolMemory} from './symbol-memory.ts';

/** Sources that one repair may cover: a power of two. */
export const MAX_WINDOW: number = MAX_TERMS;

const MASK = MAX_WINDOW - 1;

/**
 * Encoder of a sliding-window code: keeps the last sources and makes repairs, random linear
 * combinations of them over GF(2^8) (RFC 8681; the coefficients are those of coefficient.ts).
 */
export class Encoder {
	/** False: there was no memory for the last source. */
	isKeeping = true;
	readonly #memory: SymbolMemory;
	readonly #format: SymbolFormat;
	/** Slots by sequence modulo the window, then one for the sum. -1: none taken yet. */
	readonly #slots = new Int32Array(MAX_WINDOW + 1).fill(-1);
	/** Lengths of the symbols, heads included. */
	readonly #lengths = new Uint16Array(MAX_WINDOW);
	#newest: number;
	#count = 0;

	/** @param first sequence of the first source, 32 bits */
	constructor(memory: SymbolMemory, format: SymbolFormat, first: number) {
		this.#memory = memory;
		this.#format = format;
		this.#newest = (first - 1) >>> 0;
	}

	/** Sequence of the last source. */
	get newest(): number {
		return this.#newest;
	}

	/** Sources that are kept: at most MAX_WINDOW. */
	get count(): number {
		return this.#count;
	}

	/**
	 * Keeps the content of the next source, a copy of bytes[start, end), and returns its sequence.
	 * Where no memory is left nothing older is covered any more.
	 */
	add(bytes: Uint8Array, start: number, end: number): number {
		this.#newest = (this.#newest + 1) >>> 0;
		const cell = this.#newest & MASK;
		this.isKeeping = this.#hasSlot(cell) && this.#hasSlot(MAX_WINDOW);
		if (!this.isKeeping) {
			this.#count = 0;
			return this.#newest;
		}
		const {headLength} = this.#format;
		const position = this.#slots[cell]!;
		const length = headLength + end - start;
		this.#memory.load(position, headLength, bytes, start, end);
		this.#format.writeHead(this.#newest, this.#memory.kernel.bytes, position, position + length);
		this.#lengths[cell] = length;
		this.#count = Math.min(this.#count + 1, MAX_WINDOW);
		return this.#newest;
	}

	/** Length of the symbol of a repair over the last `count` sources: that of the longest. */
	symbolLength(count: number): number {
		let longest = 0;
		for (let i = 0; i < count; i++) {
			longest = Math.max(longest, this.#lengths[(this.#newest - i) & MASK]!);
		}
		return longest;
	}

	/**
	 * Writes the symbol of a repair over the last `count` sources to `target` from `at`; returns
	 * its end, -1 when there is no memory.
	 *
	 * @param packetNumber of the packet that carries it
	 * @param count 1 to `this.count`
	 */
	repair(packetNumber: number, count: number, target: Uint8Array, at: number): number {
		if (!this.#hasSlot(MAX_WINDOW)) return -1;
		const {kernel} = this.#memory;
		const sum = this.#slots[MAX_WINDOW]!;
		const length = this.symbolLength(count);
		const seed = coefficientSeed(packetNumber);
		kernel.bytes.fill(0, sum, sum + vectorLength(length));
		for (let i = 0; i < count; i++) {
			const sequence = (this.#newest - i) >>> 0;
			const cell = sequence & MASK;
			const vector = vectorLength(this.#lengths[cell]!);
			kernel.setTerm(i, this.#slots[cell]!, vector, coefficient(seed, sequence));
		}
		kernel.addTerms(sum, count);
		target.set(kernel.bytes.subarray(sum, sum + length), at);
		return at + length;
	}

	/** Gives all memory back; nothing is to be called afterwards. */
	close(): void {
		for (const slot of this.#slots) if (slot >= 0) this.#memory.give(slot);
		this.#slots.fill(-1);
		this.#count = 0;
	}

	#hasSlot(cell: number): boolean {
		if (this.#slots[cell]! < 0) this.#slots[cell] = this.#memory.take();
		return this.#slots[cell]! >= 0;
	}
}
