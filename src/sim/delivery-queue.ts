import {Fifo} from '../bytes/fifo.ts';
import {type Millis, NEVER} from '../bytes/time.ts';

/** Sort key of a delivery queue: the time, and among equal times the number. */
export interface Timed {
	readonly at: Millis;
	readonly order: number;
}

function isBefore(a: Timed, b: Timed): boolean {
	return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * A priority queue that costs constant time for entries that come in order, which on a link are
 * nearly all: those go into a ring, and only the entries that overtake into a binary heap.
 */
export class DeliveryQueue<T extends Timed> {
	readonly #inOrder = new Fifo<T>();
	readonly #overtakers: T[] = [];
	#newest: T | undefined;

	/** The time of the first entry, or NEVER. */
	get nextAt(): Millis {
		const ordered = this.#inOrder.first?.at ?? NEVER;
		const overtaking = this.#overtakers[0]?.at ?? NEVER;
		return Math.min(ordered, overtaking);
	}

	/** Adds an entry. */
	push(entry: T): void {
		const newest = this.#inOrder.length > 0 ? this.#newest : undefined;
		if (newest !== undefined && isBefore(entry, newest)) {
			this.#pushToHeap(entry);
		} else {
			this.#inOrder.push(entry);
			this.#newest = entry;
		}
	}

	/** Removes and returns the first entry due at or before `now`, or undefined. */
	pop(now: Millis): T | undefined {
		const ordered = this.#inOrder.first;
		const overtaking = this.#overtakers[0];
		if (overtaking !== undefined && (ordered === undefined || isBefore(overtaking, ordered))) {
			return overtaking.at <= now ? this.#popFromHeap(overtaking) : undefined;
		}
		return ordered !== undefined && ordered.at <= now ? this.#inOrder.shift() : undefined;
	}

	#pushToHeap(entry: T): void {
		const heap = this.#overtakers;
		let index = heap.length;
		heap.push(entry);
		while (index > 0) {
			const parentIndex = (index - 1) >> 1;
			const parent = heap[parentIndex];
			if (parent === undefined || !isBefore(entry, parent)) break;
			heap[index] = parent;
			index = parentIndex;
		}
		heap[index] = entry;
	}

	#popFromHeap(top: T): T {
		const heap = this.#overtakers;
		const last = heap.pop();
		if (last === undefined || heap.length === 0) return top;
		let index = 0;
		for (;;) {
			let childIndex = 2 * index + 1;
			let child = heap[childIndex];
			if (child === undefined) break;
			const sibling = heap[childIndex + 1];
			if (sibling !== undefined && isBefore(sibling, child)) {
				child = sibling;
				childIndex++;
			}
			if (!isBefore(child, last)) break;
			heap[index] = child;
			index = childIndex;
		}
		heap[index] = last;
		return top;
	}
}
