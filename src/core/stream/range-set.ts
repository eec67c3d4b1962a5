/** Half-open ranges [start, end) of numbers, sorted, apart from each other. */
export class RangeSet {
	readonly starts: number[] = [];
	readonly ends: number[] = [];

	/** How many ranges there are. */
	get size(): number {
		return this.starts.length;
	}

	/** The index of the first range that ends at or behind `value`. */
	#firstReaching(value: number): number {
		let low = 0;
		let high = this.ends.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.ends[middle]! < value) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	/** Whether a range touches one that is there. */
	touches(start: number, end: number): boolean {
		const first = this.#firstReaching(start);
		return first < this.starts.length && this.starts[first]! <= end;
	}

	/** Adds a range; ranges that it touches become one. */
	add(start: number, end: number): void {
		if (start >= end) return;
		const first = this.#firstReaching(start);
		let last = first;
		let from = start;
		let to = end;
		while (last < this.starts.length && this.starts[last]! <= end) {
			from = Math.min(from, this.starts[last]!);
			to = Math.max(to, this.ends[last]!);
			last++;
		}
		if (last === first + 1) {
			this.starts[first] = from;
			this.ends[first] = to;
			return;
		}
		this.starts.splice(first, last - first, from);
		this.ends.splice(first, last - first, to);
	}

	/** Takes a range out. */
	remove(start: number, end: number): void {
		if (start >= end) return;
		let index = this.#firstReaching(start);
		while (index < this.starts.length && this.starts[index]! < end) {
			const from = this.starts[index]!;
			const to = this.ends[index]!;
			if (to <= start) {
				index++;
			} else if (from < start && to > end) {
				this.starts.splice(index, 1, from, end);
				this.ends.splice(index, 1, start, to);
				return;
			} else if (from < start) {
				this.ends[index] = start;
				index++;
			} else if (to > end) {
				this.starts[index] = end;
				return;
			} else {
				this.starts.splice(index, 1);
				this.ends.splice(index, 1);
			}
		}
	}

	/** Empties it. */
	clear(): void {
		this.starts.length = 0;
		this.ends.length = 0;
	}
}
