import type {Millis} from '../../bytes/time.ts';
import {type Account, unlimited} from '../budget.ts';
import type {DropCounters} from '../drop-reason.ts';

const MAX_DATAGRAMS = 256;
const MAX_BYTES = 512 * 1024;
/** Memory that a datagram takes beside its bytes, which may be none. */
const OVERHEAD = 128;

/** Default waiting time of datagrams: longer is of no use to most. */
export const HOLD_AGE: Millis = 500;

/** A datagram that waits, where it goes to, and since when. */
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
	 * @param drops where losses are counted; undefined = they are none
	 * @param memory what the user may keep
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

	/** Puts older ones in front of those that wait. */
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

	/** Drops what has waited too long. */
	expire(now: Millis): void {
		while (this.#held.length > 0 && now - this.#held[0]!.at > this.#age) {
			this.#dropOldest('too-late');
		}
	}

	/** Drops everything. */
	clear(): void {
		this.#memory.give(this.#bytes + this.#held.length * OVERHEAD);
		this.#held = [];
		this.#bytes = 0;
	}

	/** Takes everything that is still fresh, oldest first. */
	takeAll(now: Millis): readonly Held<F>[] {
		this.expire(now);
		const all = this.#held;
		this.clear();
		return all;
	}
}
