import type {Millis} from '../../../bytes/time.ts';
import {EIO} from './kernel.ts';

/** Time for which runs of a refused size are not tried again. */
const PAUSE: Millis = 10_000;

/**
 * Decides whether a socket may send runs of datagrams. After EIO never again: the way out cannot
 * compute their checksums. Any other refusal is about the size, so that shorter ones go on (the
 * path's MTU has changed) and the same size is tried again later.
 */
export class RunPolicy {
	#size = Number.POSITIVE_INFINITY;
	#until: Millis = Number.NEGATIVE_INFINITY;
	readonly #now: () => Millis;

	constructor(now: () => Millis) {
		this.#now = now;
	}

	/** Returns true when a run of datagrams of this size may be sent. */
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
