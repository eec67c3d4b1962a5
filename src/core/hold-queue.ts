import type {DropCounters} from './drop-reason.ts';
import type {Millis} from './time.ts';

const MAX_DATAGRAMS = 256;
const MAX_BYTES = 512 * 1024;
const MAX_AGE: Millis = 2000;

interface Held<F> {
	readonly flow: F;
	readonly bytes: Uint8Array;
	readonly at: Millis;
}

/**
 * Datagrams that wait for a session or for a path: the newest 256, at most 512 KiB, none older
 * than 2 s. What does not fit pushes the oldest out, which is counted.
 */
export class HoldQueue<F> {
	readonly #drops: DropCounters;
	#held: Held<F>[] = [];
	#bytes = 0;

	constructor(drops: DropCounters) {
		this.#drops = drops;
	}

	/** How many wait. */
	get length(): number {
		return this.#held.length;
	}

	/** Copies a datagram in. */
	push(flow: F, bytes: Uint8Array, start: number, end: number, now: Millis): void {
		this.#held.push({flow, bytes: bytes.slice(start, end), at: now});
		this.#bytes += end - start;
		while (this.#held.length > MAX_DATAGRAMS || this.#bytes > MAX_BYTES) {
			this.#dropOldest('queue-full');
		}
	}

	#dropOldest(reason: 'queue-full' | 'too-late'): void {
		const oldest = this.#held.shift();
		if (oldest === undefined) return;
		this.#bytes -= oldest.bytes.length;
		this.#drops.count(reason);
	}

	/** Drops what has waited too long. */
	expire(now: Millis): void {
		while (this.#held.length > 0 && now - this.#held[0]!.at > MAX_AGE) {
			this.#dropOldest('too-late');
		}
	}

	/** Takes everything that is still fresh, oldest first. */
	takeAll(now: Millis): readonly {readonly flow: F; readonly bytes: Uint8Array}[] {
		this.expire(now);
		const all = this.#held;
		this.#held = [];
		this.#bytes = 0;
		return all;
	}
}
