/**
 * A first-in first-out queue of fixed capacity without shifting. It never grows: `push` on a full
 * ring returns false and keeps what is there.
 */
export class Ring<T> {
	readonly capacity: number;
	readonly #items: (T | undefined)[];
	#head = 0;
	#length = 0;

	/** @param capacity at least 1 */
	constructor(capacity: number) {
		if (!(capacity >= 1)) throw new RangeError(`"capacity" expected at least 1, got ${capacity}`);
		this.capacity = capacity;
		this.#items = new Array<T | undefined>(capacity).fill(undefined);
	}

	/** How many items wait. */
	get length(): number {
		return this.#length;
	}

	/** Appends an item; false when the ring is full. */
	push(item: T): boolean {
		if (this.#length === this.capacity) return false;
		this.#items[(this.#head + this.#length) % this.capacity] = item;
		this.#length++;
		return true;
	}

	/** Takes the oldest item. */
	shift(): T | undefined {
		if (this.#length === 0) return undefined;
		const item = this.#items[this.#head];
		this.#items[this.#head] = undefined;
		this.#head = (this.#head + 1) % this.capacity;
		this.#length--;
		return item;
	}

	/** Looks at the oldest item. */
	peek(): T | undefined {
		return this.#length === 0 ? undefined : this.#items[this.#head];
	}
}
