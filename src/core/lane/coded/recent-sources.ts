/** Sources that are remembered: a power of two. */
const REMEMBERED = 1024;

/** The packets of the last sources of a lane, so that further copies of them can be counted. */
export class RecentSources {
	readonly #numbers = new Float64Array(REMEMBERED).fill(-1);
	readonly #sequences = new Uint32Array(REMEMBERED);
	/** Paths over which a copy came, as bits by their ids modulo 32. */
	readonly #paths = new Uint32Array(REMEMBERED);

	/** Notes a source that came first over a path. */
	add(packetNumber: number, sequence: number, path: number): void {
		const cell = packetNumber & (REMEMBERED - 1);
		this.#numbers[cell] = packetNumber;
		this.#sequences[cell] = sequence;
		this.#paths[cell] = 1 << path;
	}

	/**
	 * Returns the sequence of the source of which another copy came over a path. -1: it is none, it
	 * is too old, or a copy came over this path before.
	 */
	copy(packetNumber: number, path: number): number {
		const cell = packetNumber & (REMEMBERED - 1);
		if (this.#numbers[cell] !== packetNumber) return -1;
		const bit = 1 << path;
		if ((this.#paths[cell]! & bit) !== 0) return -1;
		this.#paths[cell]! |= bit;
		return this.#sequences[cell]!;
	}
}
