import {FIRST_FREE, type Kernel, vectorLength} from './kernel.ts';

/** Bytes of a slot: the longest symbol that a packet carries, as a vector. */
export const SYMBOL_SLOT = 1536;

/** Slots by which the memory grows at once. */
const GROWTH = 128;

/** Slots for symbols in the memory of a kernel, shared by all lanes of a process. */
export class SymbolMemory {
	readonly kernel: Kernel;
	readonly #free: number[] = [];
	readonly #limit: number;
	#slots = 0;

	/** @param limit most bytes that the slots may take */
	constructor(kernel: Kernel, limit: number) {
		this.kernel = kernel;
		this.#limit = Math.floor(limit / SYMBOL_SLOT);
	}

	/** Slots in use. */
	get used(): number {
		return this.#slots - this.#free.length;
	}

	/** Slots that may still be taken. */
	get left(): number {
		return this.#limit - this.used;
	}

	/**
	 * Makes room for `count` more slots, so that taking them moves no memory. False when the limit
	 * or the machine does not allow them.
	 */
	reserve(count: number): boolean {
		const missing = count - this.#free.length;
		if (missing <= 0) return true;
		if (this.#slots + missing > this.#limit) return false;
		try {
			this.kernel.reserve(FIRST_FREE + (this.#slots + missing) * SYMBOL_SLOT);
		} catch {
			return false;
		}
		for (let i = 0; i < missing; i++) this.#free.push(FIRST_FREE + this.#slots++ * SYMBOL_SLOT);
		return true;
	}

	/** Position of a slot with unspecified content. -1: there is no room. */
	take(): number {
		if (this.#free.length === 0) {
			const growth = Math.min(GROWTH, this.#limit - this.#slots);
			if (growth <= 0 || !this.reserve(growth)) return -1;
		}
		return this.#free.pop()!;
	}

	/** Takes a slot back. */
	give(position: number): void {
		this.#free.push(position);
	}

	/**
	 * Copies bytes[start, end) into a slot, `offset` bytes behind its start, with zeros up to a
	 * vector's end.
	 */
	load(position: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
		const memory = this.kernel.bytes;
		const from = position + offset;
		const length = end - start;
		memory.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), from);
		memory.fill(0, from + length, position + vectorLength(offset + length));
	}
}

/**
 * The part that one of several users has in a memory: never more than it leaves to all others
 * (dynamic thresholds, Choudhury and Hahne 1998). So one user alone has half, and each that comes
 * finds some left, unless there are more users than slots.
 */
export class SymbolShare extends SymbolMemory {
	readonly #memory: SymbolMemory;
	#taken = 0;

	constructor(memory: SymbolMemory) {
		super(memory.kernel, 0);
		this.#memory = memory;
	}

	override get used(): number {
		return this.#taken;
	}

	override get left(): number {
		return Math.max(0, Math.floor((this.#memory.left - this.#taken) / 2));
	}

	override reserve(count: number): boolean {
		return count <= this.left && this.#memory.reserve(count);
	}

	override take(): number {
		if (this.left === 0) return -1;
		const slot = this.#memory.take();
		if (slot >= 0) this.#taken++;
		return slot;
	}

	override give(position: number): void {
		this.#taken--;
		this.#memory.give(position);
	}
}
