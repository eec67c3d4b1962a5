/** Ranges of a block at most: what is inserted moves no more of them. */
const BLOCK_RANGES = 128;

/** Neighbouring ranges; at least one. */
interface Block {
	readonly starts: number[];
	readonly ends: number[];
}

/** Returns the index of the first range that ends at or behind `value`. */
function firstReaching(ends: readonly number[], value: number): number {
	let low = 0;
	let high = ends.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (ends[middle]! < value) low = middle + 1;
		else high = middle;
	}
	return low;
}

/**
 * Half-open ranges [start, end) of whole numbers, sorted, apart from each other. They are kept in
 * blocks, because a peer chooses how many there are and where the next one goes.
 */
export class RangeSet {
	readonly #blocks: Block[] = [];
	#size = 0;
	/** Block at which `#seek` ended. */
	#block = 0;
	#index = 0;

	/** Ranges in the set. */
	get size(): number {
		return this.#size;
	}

	/** Start of the first range. `Infinity`: there is none. */
	get firstStart(): number {
		return this.#blocks[0]?.starts[0] ?? Number.POSITIVE_INFINITY;
	}

	/** End of the first range. `Infinity`: there is none. */
	get firstEnd(): number {
		return this.#blocks[0]?.ends[0] ?? Number.POSITIVE_INFINITY;
	}

	/** Finds the first range that ends at or behind `value`. */
	#seek(value: number): void {
		const blocks = this.#blocks;
		let low = 0;
		let high = blocks.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			const {ends} = blocks[middle]!;
			if (ends[ends.length - 1]! < value) low = middle + 1;
			else high = middle;
		}
		this.#block = low;
		this.#index = low < blocks.length ? firstReaching(blocks[low]!.ends, value) : 0;
	}

	/** True when a range touches one that is there. */
	touches(start: number, end: number): boolean {
		this.#seek(start);
		const block = this.#blocks[this.#block];
		return block !== undefined && block.starts[this.#index]! <= end;
	}

	/** Returns the end of the range that `value` is in; `value` itself when it is in none. */
	endAround(value: number): number {
		this.#seek(value + 1);
		const block = this.#blocks[this.#block];
		if (block === undefined || block.starts[this.#index]! > value) return value;
		return block.ends[this.#index]!;
	}

	/**
	 * Returns the start of the first range behind `value`, which is in none. `Infinity`: there is
	 * none.
	 */
	startBehind(value: number): number {
		this.#seek(value + 1);
		return this.#blocks[this.#block]?.starts[this.#index] ?? Number.POSITIVE_INFINITY;
	}

	/** Adds a range; ranges that it touches become one. */
	add(start: number, end: number): void {
		if (start >= end) return;
		this.#seek(start);
		const blocks = this.#blocks;
		let index = this.#index;
		let from = start;
		let to = end;
		for (let at = this.#block; at < blocks.length; ) {
			const {starts, ends} = blocks[at]!;
			let last = index;
			while (last < starts.length && starts[last]! <= end) last++;
			if (last > index) {
				from = Math.min(from, starts[index]!);
				to = Math.max(to, ends[last - 1]!);
			}
			const next = last === starts.length ? blocks[at + 1] : undefined;
			if (next === undefined || next.starts[0]! > end) {
				this.#replace(at, index, last - index, from, to);
				return;
			}
			// The next block goes on with what touches, and takes the range in.
			this.#delete(at, index, last - index);
			if (index > 0) at++;
			index = 0;
		}
		if (blocks.length === 0) blocks.push({starts: [], ends: []});
		const at = blocks.length - 1;
		this.#replace(at, blocks[at]!.starts.length, 0, from, to);
	}

	/** Puts a range in the place of `count` ones. */
	#replace(at: number, index: number, count: number, from: number, to: number): void {
		const {starts, ends} = this.#blocks[at]!;
		this.#size += 1 - count;
		if (count === 1) {
			starts[index] = from;
			ends[index] = to;
			return;
		}
		starts.splice(index, count, from);
		ends.splice(index, count, to);
		if (starts.length <= BLOCK_RANGES) return;
		const half = BLOCK_RANGES / 2;
		this.#blocks.splice(at + 1, 0, {starts: starts.splice(half), ends: ends.splice(half)});
	}

	#delete(at: number, index: number, count: number): void {
		if (count === 0) return;
		const {starts, ends} = this.#blocks[at]!;
		this.#size -= count;
		starts.splice(index, count);
		ends.splice(index, count);
		if (starts.length === 0) this.#blocks.splice(at, 1);
	}

	/** Takes a range out. */
	remove(start: number, end: number): void {
		if (start >= end) return;
		const blocks = this.#blocks;
		this.#seek(start + 1);
		let at = this.#block;
		let index = this.#index;
		if (at === blocks.length) return;
		const {starts, ends} = blocks[at]!;
		if (starts[index]! < start) {
			const to = ends[index]!;
			ends[index] = start;
			index++;
			if (to > end) {
				this.#replace(at, index, 0, end, to);
				return;
			}
		}
		while (at < blocks.length) {
			const block = blocks[at]!;
			let last = index;
			while (last < block.ends.length && block.ends[last]! <= end) last++;
			if (last < block.starts.length) {
				if (block.starts[last]! < end) block.starts[last] = end;
				this.#delete(at, index, last - index);
				return;
			}
			this.#delete(at, index, last - index);
			if (index > 0) at++;
			index = 0;
		}
	}

	/** Empties it. */
	clear(): void {
		this.#blocks.length = 0;
		this.#size = 0;
	}
}
