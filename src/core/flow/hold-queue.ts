import type {Millis} from '../../bytes/time.ts';
import {type Account, unlimited} from '../budget.ts';
import type {DropCounters} from '../drop-reason.ts';

/** Most datagrams, and most bytes of them. */
const MAX_DATAGRAMS = 256;
const MAX_BYTES = 512 * 1024;
/** Memory that a datagram takes beside its bytes, which may be none. */
const OVERHEAD = 128;

/** Longest wait of datagrams by default: more is of no use to most. */
export const HOLD_AGE: Millis = 500;

/** A datagram that waits: its destination, its bytes, and the time at which it came. */
interface Held<F> {
	readonly flow: F;
	readonly bytes: Uint8Array;
	readonly at: Millis;
}

/**
 * Datagrams that wait for a session or for a path: the newest 256, at most 512 KiB, none older than
 * an age. What does not fit pushes the oldest out, which is counted.
 */
export class HoldQueue<F> {
	readonly #drops: DropCounters | undefined;
	readonly #age: Millis;
	readonly #memory: Account;
	#held: Held<F>[] = [];
	#bytes = 0;

	/**
	 * @param drops counters of losses. `undefined`: not counted
	 * @param age longest wait, in milliseconds
	 * @param memory account of the user, charged for what waits
	 */
	constructor(drops?: DropCounters, age: Millis = HOLD_AGE, memory: Account = unlimited()) {
		this.#drops = drops;
		this.#age = age;
		this.#memory = memory;
	}

	/** Datagrams that wait. */
	get length(): number {
		return this.#held.length;
	}

	/** Copies a datagram in. */
	push(flow: F, bytes: Uint8Array, start: number, end: number, now: Millis): void {
		const size = end - start + OVERHEAD;
		while (!this.#memory.take(size)) {
			if (this.#held.length === 0) {
				this.#drops?.count('queue-full');
				return;
			}
			this.#dropOldest('queue-full');
		}
		this.#held.push({flow, bytes: bytes.slice(start, end), at: now});
		this.#bytes += end - start;
		this.#makeRoom();
	}

	/** Puts older datagrams in front of those that wait; takes over their memory. */
	putFirst(older: readonly Held<F>[]): void {
		if (older.length === 0) return;
		this.#held = [...older, ...this.#held];
		for (const {bytes} of older) {
			this.#bytes += bytes.length;
			this.#memory.add(bytes.length + OVERHEAD);
		}
		this.#makeRoom();
	}

	#makeRoom(): void {
		while (this.#held.length > MAX_DATAGRAMS || this.#bytes > MAX_BYTES) {
			this.#dropOldest('queue-full');
		}
	}

	#dropOldest(reason: 'queue-full' | 'too-late'): void {
		const oldest = this.#held.shift();
		if (oldest === undefined) return;
		this.#bytes -= oldest.bytes.length;
		this.#memory.give(oldest.bytes.length + OVERHEAD);
		this.#drops?.count(reason);
	}

	/** Drops datagrams that have waited too long, and counts them. */
	expire(now: Millis): void {
		while (this.#held.length > 0 && now - this.#held[0]!.at > this.#age) {
			this.#dropOldest('too-late');
		}
	}

	/** Drops everything, uncounted. */
	clear(): void {
		this.#memory.give(this.#bytes + this.#held.length * OVERHEAD);
		this.#held = [];
		this.#bytes = 0;
	}

	/** Takes all datagrams that are still fresh, oldest first. */
	takeAll(now: Millis): readonly Held<F>[] {
		this.expire(now);
		const all = this.#held;
		this.clear();
		return all;
	}

	/** Takes those that are still fresh and whose destination is ready, oldest first. */
	takeReady(now: Millis, isReady: (flow: F) => boolean): readonly Held<F>[] {
		const ready: Held<F>[] = [];
		const others: Held<F>[] = [];
		for (const held of this.takeAll(now)) (isReady(held.flow) ? ready : others).push(held);
		this.putFirst(others);
		return ready;
	}
}
