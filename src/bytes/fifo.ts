/** A growing first-in first-out queue in a ring: constant time at both ends, nothing shifted. */
export class Fifo<T> {
	#slots: (T | undefined)[] = new Array(16).fill(undefined);
	#head = 0;
	#length = 0;

	/** Entries in the queue. */
	get length(): number {
		return this.#length;
	}

	/** The oldest entry. `undefined`: empty. */
	get first(): T | undefined {
		return this.#length === 0 ? undefined : this.#slots[this.#head];
	}

	/** Adds an entry behind all others. */
	push(entry: T): void {
		if (this.#length === this.#slots.length) this.#grow();
		this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = entry;
		this.#length++;
	}

	/** Removes and returns the oldest entry. `undefined`: empty. */
	shift(): T | undefined {
		if (this.#length === 0) return undefined;
		const entry = this.#slots[this.#head];
		this.#slots[this.#head] = undefined;
		this.#head = (this.#head + 1) & (this.#slots.length - 1);
		this.#length--;
		return entry;
	}

	/** Doubles the ring; its size stays a power of two, which the masks above rely on. */
	#grow(): void {
		const older = this.#slots.slice(this.#head);
		const newer = this.#slots.slice(0, this.#head);
		const room: undefined[] = new Array(this.#slots.length).fill(undefined);
		this.#slots = [...older, ...newer, ...room];
		this.#head = 0;
	}
}
