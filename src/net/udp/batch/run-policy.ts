import type {Millis} from '../../../bytes/time.ts';
import {EIO} from './kernel.ts';

/** How long runs of a size that was refused are not tried again. */
const PAUSE: Millis = 10_000;

/**
 * Whether a socket may send runs of datagrams. After EIO never again: the way out cannot compute
 * their checksums. Any other refusal is about the size, so that shorter ones go on (the path's MTU
 * has changed) and the same size is tried again later.
 */
export class RunPolicy {
	#size = Number.POSITIVE_INFINITY;
	#until: Millis = Number.NEGATIVE_INFINITY;
	readonly #now: () => Millis;

	constructor(now: () => Millis) {
		this.#now = now;
	}

	/** Whether a run of datagrams of this size may be sent. */
	allows(size: number): boolean {
		return size < this.#size || this.#now() >= this.#until;
	}

	/** One was refused. */
	refused(errno: number, size: number): void {
		const isForEver = errno === EIO;
		this.#size = isForEver ? 0 : size;
		this.#until = isForEver ? Number.POSITIVE_INFINITY : this.#now() + PAUSE;
	}
}
