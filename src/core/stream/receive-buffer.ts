import {RangeSet} from './range-set.ts';

/** Bytes of memory that arrive into one piece, and that the reader gets at once at most. */
const BLOCK = 16_384;

/**
 * Ranges behind holes at most: twice what 8 MiB of packets can have of which every other one is
 * late.
 */
const MOST_RANGES = 8192;
/** From so many ranges on each further frame costs time. */
const MANY_RANGES = 64;

/** The bytes of one direction of a stream as they arrive, until they are read in order. */
export class ReceiveBuffer {
	/** Bytes read so far. */
	position = 0;
	/** End of the stream. `Infinity`: not known yet. */
	finalSize: number = Number.POSITIVE_INFINITY;
	/** The end of the furthest byte that arrived. */
	furthest = 0;
	readonly #received: RangeSet = new RangeSet();
	readonly #blocks = new Map<number, Uint8Array>();

	/** Bytes that can be read now. */
	get available(): number {
		const {firstStart, firstEnd} = this.#received;
		return firstStart <= this.position ? firstEnd - this.position : 0;
	}

	/** True while there are so many holes that frames cost time. */
	get isFragmented(): boolean {
		return this.#received.size >= MANY_RANGES;
	}

	/**
	 * True when the bytes from `offset` to `end` can be kept: not when they make one more hole of too
	 * many.
	 */
	hasRoom(offset: number, end: number): boolean {
		const {size} = this.#received;
		if (size < MOST_RANGES || offset <= this.position) return true;
		return this.#received.touches(offset, end);
	}

	/** True once everything was read. */
	get finished(): boolean {
		return this.position === this.finalSize;
	}

	/**
	 * Takes bytes[start, end) as the stream's from `offset` on; with `fin` it ends behind them. The
	 * caller has checked its window. False: the end contradicts an earlier one.
	 */
	insert(offset: number, bytes: Uint8Array, start: number, end: number, fin: boolean): boolean {
		const to = offset + (end - start);
		if (to > this.finalSize || (fin && to < this.furthest)) return false;
		if (fin) {
			if (this.finalSize !== Number.POSITIVE_INFINITY && to !== this.finalSize) return false;
			this.finalSize = to;
		}
		this.furthest = Math.max(this.furthest, to);
		// Bytes that were read are not stored again: their block has been handed out.
		let from = Math.max(offset, this.position);
		if (from >= to) return true;
		this.#received.add(from, to);
		let source = start + (from - offset);
		while (from < to) {
			const number = Math.floor(from / BLOCK);
			const inBlock = from - number * BLOCK;
			const count = Math.min(to - from, BLOCK - inBlock);
			this.#block(number).set(bytes.subarray(source, source + count), inBlock);
			from += count;
			source += count;
		}
		return true;
	}

	#block(number: number): Uint8Array {
		let block = this.#blocks.get(number);
		if (block === undefined) {
			block = new Uint8Array(BLOCK);
			this.#blocks.set(number, block);
		}
		return block;
	}

	/** Returns the next bytes in order, the reader's from now on. `undefined`: none are there. */
	read(): Uint8Array | undefined {
		const available = this.available;
		if (available === 0) return undefined;
		const number = Math.floor(this.position / BLOCK);
		const inBlock = this.position - number * BLOCK;
		const count = Math.min(available, BLOCK - inBlock);
		const block = this.#blocks.get(number)!;
		this.#received.remove(this.position, this.position + count);
		this.position += count;
		if (inBlock + count === BLOCK || this.finished) this.#blocks.delete(number);
		return block.subarray(inBlock, inBlock + count);
	}

	/** Lets go of everything. */
	clear(): void {
		this.#blocks.clear();
		this.#received.clear();
	}
}
