/*
 * The field GF(2^8) of the code: bytes as polynomials over GF(2), modulo x^8 + x^4 + x^3 + x^2 + 1
 * (0x11D; RFC 8681, section 3.7.1), in which 2 generates all elements but 0. A sum is an XOR.
 */
const POLYNOMIAL = 0x11d;

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);

for (let i = 0, element = 1; i < 255; i++) {
	EXP[i] = element;
	EXP[i + 255] = element;
	LOG[element] = i;
	element <<= 1;
	if (element > 255) element ^= POLYNOMIAL;
}

/** Product of two elements. */
export function multiply(a: number, b: number): number {
	return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

/** The element whose product with `a` is 1. `a` is not 0. */
export function invert(a: number): number {
	return EXP[255 - LOG[a]!]!;
}
