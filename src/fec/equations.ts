import {invert, multiply} from './field.ts';
import {MAX_TERMS, vectorLength} from './kernel.ts';
import type {SymbolMemory} from './symbol-memory.ts';

/** Unknowns, and equations, at most. */
export const MAX_UNKNOWNS: number = MAX_TERMS;

const N = MAX_UNKNOWNS;

/**
 * Linear equations over unknown symbols, in reduced row echelon form: each equation has a pivot,
 * an unknown with the coefficient 1 that no other equation contains. An equation is solved when
 * its pivot is all that it contains; its sum is the symbol then. Slots of sums belong to the
 * equations.
 */
export class Equations {
	/** Sequences of the unknowns, by column. */
	readonly sequences: Uint32Array = new Uint32Array(N);
	/** Coefficients of the equation to be added, by column; all 0 between two calls of `add`. */
	readonly vector: Uint8Array = new Uint8Array(N);
	/** Multiplications and additions of whole symbols so far. */
	work = 0;
	readonly #memory: SymbolMemory;
	readonly #used = new Uint8Array(N);
	#columns = 0;
	#rows = 0;
	/** By row: coefficients by column, pivot, slot and length of the sum. */
	readonly #coefficients = new Uint8Array(N * N);
	readonly #pivots = new Uint8Array(N);
	readonly #slots = new Int32Array(N);
	readonly #lengths = new Uint16Array(N);

	constructor(memory: SymbolMemory) {
		this.#memory = memory;
	}

	/** Unknowns now. */
	get unknowns(): number {
		return this.#columns;
	}

	/** Equations now. */
	get size(): number {
		return this.#rows;
	}

	/** Makes a column for an unknown; -1 when there are MAX_UNKNOWNS. */
	open(sequence: number): number {
		const column = this.#used.indexOf(0);
		if (column < 0) return -1;
		this.#used[column] = 1;
		this.#columns++;
		this.sequences[column] = sequence;
		return column;
	}

	/**
	 * Column of the oldest unknown, -1 when there is none.
	 * @param newest sequence that none is above
	 */
	oldest(newest: number): number {
		let oldest = -1;
		let age = -1;
		for (let column = 0; column < N; column++) {
			if (this.#used[column] === 0) continue;
			const own = (newest - this.sequences[column]!) >>> 0;
			if (own <= age) continue;
			age = own;
			oldest = column;
		}
		return oldest;
	}

	/** Column of an unknown, -1 when no equation contains it. */
	column(sequence: number): number {
		if (this.#columns === 0) return -1;
		for (let column = 0; column < N; column++) {
			if (this.sequences[column] === sequence && this.#used[column] !== 0) return column;
		}
		return -1;
	}

	/**
	 * Gives an unknown up, the equations that contain it, and the unknowns that are in none then.
	 */
	abandon(column: number): void {
		for (let row = this.#rows - 1; row >= 0; row--) {
			if (this.#coefficients[row * N + column] !== 0) this.#drop(row);
		}
		for (let other = 0; other < N; other++) if (!this.#contains(other)) this.#close(other);
	}

	#contains(column: number): boolean {
		for (let row = 0; row < this.#rows; row++) {
			if (this.#coefficients[row * N + column] !== 0) return true;
		}
		return false;
	}

	/**
	 * Adds the equation whose coefficients are in `vector`; its sum is in a slot, which is this
	 * object's from now on. False when it says nothing new, or when there are as many equations as
	 * fit.
	 */
	add(slot: number, length: number): boolean {
		const {vector} = this;
		const row = this.#rows;
		if (row === N) {
			vector.fill(0);
			this.#memory.give(slot);
			return false;
		}
		this.#slots[row] = slot;
		this.#lengths[row] = length;
		this.#coefficients.set(vector, row * N);
		vector.fill(0);
		for (let other = 0; other < row; other++) this.#reduce(row, other);
		this.#rows++;
		return this.#choosePivot(row);
	}

	/**
	 * Takes a symbol that became known out of all equations.
	 * @param slot of the symbol, which stays its owner's
	 */
	substitute(column: number, slot: number, length: number): void {
		for (let row = this.#rows - 1; row >= 0; row--) {
			const at = row * N + column;
			const factor = this.#coefficients[at]!;
			if (factor === 0) continue;
			this.#coefficients[at] = 0;
			this.#addTo(row, slot, length, factor);
			if (this.#pivots[row] === column) this.#choosePivot(row);
		}
		this.#close(column);
	}

	/** A solved equation, -1 when there is none. */
	solved(): number {
		for (let row = 0; row < this.#rows; row++) if (this.#isSolved(row)) return row;
		return -1;
	}

	/** Column that a solved equation solves. */
	pivot(row: number): number {
		return this.#pivots[row]!;
	}

	/** Slot of an equation's sum. */
	slot(row: number): number {
		return this.#slots[row]!;
	}

	/** Length of an equation's sum. */
	length(row: number): number {
		return this.#lengths[row]!;
	}

	/** Takes a solved equation and its unknown out; its slot is the caller's. */
	take(row: number): void {
		const column = this.#pivots[row]!;
		this.#remove(row);
		this.#close(column);
	}

	/** Gives up everything. */
	clear(): void {
		while (this.#rows > 0) this.#drop(this.#rows - 1);
		this.#used.fill(0);
		this.#columns = 0;
	}

	#isSolved(row: number): boolean {
		let found = 0;
		for (let i = row * N; i < row * N + N; i++) {
			if (this.#coefficients[i] !== 0 && ++found > 1) return false;
		}
		return found === 1;
	}

	/**
	 * Makes the oldest unknown of a row its pivot, alone in its column; drops the row when it has
	 * none.
	 */
	#choosePivot(row: number): boolean {
		let pivot = -1;
		for (let column = 0; column < N; column++) {
			if (this.#coefficients[row * N + column] === 0) continue;
			const older = pivot < 0 || ((this.sequences[column]! - this.sequences[pivot]!) | 0) < 0;
			if (older) pivot = column;
		}
		if (pivot < 0) {
			this.#drop(row);
			return false;
		}
		this.#pivots[row] = pivot;
		const factor = invert(this.#coefficients[row * N + pivot]!);
		if (factor !== 1) {
			for (let i = row * N; i < row * N + N; i++) {
				this.#coefficients[i] = multiply(factor, this.#coefficients[i]!);
			}
			this.#memory.kernel.scale(this.#slots[row]!, vectorLength(this.#lengths[row]!), factor);
			this.work++;
		}
		for (let other = 0; other < this.#rows; other++) if (other !== row) this.#reduce(other, row);
		return true;
	}

	/** Takes the pivot of `by` out of `row`. */
	#reduce(row: number, by: number): void {
		const factor = this.#coefficients[row * N + this.#pivots[by]!]!;
		if (factor === 0) return;
		for (let i = 0; i < N; i++) {
			const own = this.#coefficients[by * N + i]!;
			if (own !== 0) this.#coefficients[row * N + i]! ^= multiply(factor, own);
		}
		this.#addTo(row, this.#slots[by]!, this.#lengths[by]!, factor);
	}

	#addTo(row: number, slot: number, length: number, factor: number): void {
		const target = this.#slots[row]!;
		const own = this.#lengths[row]!;
		const {kernel} = this.#memory;
		if (length > own) {
			kernel.bytes.fill(0, target + vectorLength(own), target + vectorLength(length));
			this.#lengths[row] = length;
		}
		kernel.addScaled(target, slot, vectorLength(length), factor);
		this.work++;
	}

	#drop(row: number): void {
		this.#memory.give(this.#slots[row]!);
		this.#remove(row);
	}

	#remove(row: number): void {
		const last = --this.#rows;
		if (row !== last) {
			this.#coefficients.copyWithin(row * N, last * N, last * N + N);
			this.#pivots[row] = this.#pivots[last]!;
			this.#slots[row] = this.#slots[last]!;
			this.#lengths[row] = this.#lengths[last]!;
		}
		this.#coefficients.fill(0, last * N, last * N + N);
	}

	#close(column: number): void {
		if (this.#used[column] === 0) return;
		this.#used[column] = 0;
		this.#columns--;
	}
}
