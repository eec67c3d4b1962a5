/**
 * A number of 32 bits mixed so that each bit depends on all (C. Wellons, "Prospecting for hash
 * functions").
 */
function mix32(x: number): number {
	let mixed = x ^ (x >>> 16);
	mixed = Math.imul(mixed, 0x7feb352d);
	mixed ^= mixed >>> 15;
	mixed = Math.imul(mixed, 0x846ca68b);
	return (mixed ^ (mixed >>> 16)) >>> 0;
}

const HIGH = 2 ** 32;

/** Seed of all coefficients of one repair. @param packetNumber of the packet it is in */
export function coefficientSeed(packetNumber: number): number {
	return mix32((packetNumber % HIGH) ^ mix32(Math.floor(packetNumber / HIGH) + 0x9e3779b9));
}

/** Coefficient of a source in a repair: 1 to 255. @param sequence of the source, 32 bits */
export function coefficient(seed: number, sequence: number): number {
	return 1 + (mix32(seed ^ Math.imul(sequence, 0x9e3779b1)) % 255);
}
