import {Histogram} from './histogram.ts';

/** More than any run sends. */
const MOST = 1 << 26;

/** What arrived of one run of numbered datagrams. */
export class Arrivals {
	/** Different datagrams, their bytes, those that came again, and those overtaken by a later one. */
	unique = 0;
	bytes = 0;
	duplicates = 0;
	reordered = 0;
	/** When the longest silence between two datagrams began and ended. */
	gapFrom = 0;
	gapUntil = 0;
	/** When the last new one came; NaN before. */
	last: number = Number.NaN;
	/** From sending to arrival. */
	readonly delays: Histogram = new Histogram();
	readonly #seen = new Uint8Array(MOST / 8);
	#highest = -1;

	/** Forgets everything. */
	clear(): void {
		this.#seen.fill(0, 0, (this.#highest >>> 3) + 1);
		this.#highest = -1;
		this.last = Number.NaN;
		this.unique = 0;
		this.bytes = 0;
		this.duplicates = 0;
		this.reordered = 0;
		this.gapFrom = 0;
		this.gapUntil = 0;
		this.delays.clear();
	}

	/** Adds a datagram; the times are those of the shared clock. */
	add(sequence: number, length: number, sentAt: number, now: number): void {
		if (sequence >= MOST) return;
		const at = sequence >>> 3;
		const bit = 1 << (sequence & 7);
		if ((this.#seen[at]! & bit) !== 0) {
			this.duplicates++;
			return;
		}
		this.#seen[at]! |= bit;
		this.unique++;
		this.bytes += length;
		if (sequence < this.#highest) this.reordered++;
		else this.#highest = sequence;
		if (now - this.last > this.gapUntil - this.gapFrom) {
			this.gapFrom = this.last;
			this.gapUntil = now;
		}
		this.last = now;
		this.delays.add((now - sentAt) * 1000);
	}
}
