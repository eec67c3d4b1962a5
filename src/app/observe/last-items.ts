/** The last items of a list without end; the oldest go when there are more. */
export class LastItems<Item> {
	readonly #limit: number;
	readonly #items: Item[] = [];
	#count = 0;

	/** @param limit items that are kept */
	constructor(limit: number) {
		this.#limit = limit;
	}

	/** Number of items so far, those that are no longer kept included. */
	get count(): number {
		return this.#count;
	}

	add(item: Item): void {
		this.#items[this.#count % this.#limit] = item;
		this.#count++;
	}

	/** Returns those items behind the first `seen` of all that are kept, the oldest first. */
	since(seen: number): readonly Item[] {
		return this.#between(seen, this.#count);
	}

	/** Returns those of the first `seen` of all that are kept, the oldest first. */
	upTo(seen: number): readonly Item[] {
		return this.#between(0, seen);
	}

	#between(from: number, to: number): readonly Item[] {
		const first = Math.max(from, this.#count - this.#limit, 0);
		return Array.from(
			{length: Math.max(0, to - first)},
			(_, index) => this.#items[(first + index) % this.#limit]!,
		);
	}
}
