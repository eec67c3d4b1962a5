/** Lengths of vectors are multiples of this many bytes. */
export const GRAIN = 64;

/** Start of memory that is free for vectors: what lies below belongs to the kernel. */
export const FIRST_FREE = 16_384;

/** Terms of one sum. */
export const MAX_TERMS = 64;

/** Length of a vector that holds so many bytes. */
export function vectorLength(bytes: number): number {
	return (bytes + GRAIN - 1) & -GRAIN;
}

/**
 * Arithmetic on vectors over GF(2^8) that lie in one memory. Positions and lengths are trusted:
 * they come from a {@link SymbolMemory}, positions as multiples of 16, lengths as multiples of
 * `GRAIN`.
 */
export interface Kernel {
	/** The whole memory; another object once `reserve` was called, so it is not to be kept. */
	readonly bytes: Uint8Array;
	/** Makes the memory at least `size` bytes long. Throws a RangeError when that cannot be had. */
	reserve(size: number): void;
	/** target += coefficient * source. */
	addScaled(target: number, source: number, length: number, coefficient: number): void;
	/** target *= coefficient. */
	scale(target: number, length: number, coefficient: number): void;
	/** Sets a term of the next sum. @param index from 0 to MAX_TERMS - 1 */
	setTerm(index: number, source: number, length: number, coefficient: number): void;
	/** target += the sum of the first `count` terms. */
	addTerms(target: number, count: number): void;
}
