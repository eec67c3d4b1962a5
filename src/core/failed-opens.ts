import type {Millis} from '../bytes/time.ts';
import type {RemoteAddress} from './remote-address.ts';

/** Sources share this many counters; a power of two. */
const COUNTERS = 1024;
/** Packets of unknown sources with one counter that are opened in vain in a second. */
const PER_SECOND = 64;
const SECOND: Millis = 1000;

/**
 * Bounds the cost of garbage. An attacker that has captured a packet of a session can forge others
 * with fresh numbers, and each costs an attempt to open it. Sources unknown to all sessions have
 * counters, which they share by a hash: when one is used up, their packets are dropped unopened
 * until the next second. So a flood from one source spends its own counter alone, one from many
 * leaves a client whose address has just changed a good part of its packets, and known sources are
 * not concerned.
 */
export class FailedOpens {
	readonly #counts: Uint8Array = new Uint8Array(COUNTERS);
	#since: Millis = Number.NEGATIVE_INFINITY;

	/** True while a packet of an unknown source may be opened. */
	mayOpen(remote: RemoteAddress, now: Millis): boolean {
		if (now - this.#since >= SECOND) {
			this.#since = now;
			this.#counts.fill(0);
		}
		return this.#counts[slotOf(remote)]! < PER_SECOND;
	}

	/** Counts a packet of an unknown source that `mayOpen` admitted and that did not open. */
	failed(remote: RemoteAddress): void {
		this.#counts[slotOf(remote)]!++;
	}
}

// FNV-1a; an attacker with many sources can fill all counters anyway.
function slotOf({key}: RemoteAddress): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
	return (hash ^ (hash >>> 16)) & (COUNTERS - 1);
}
