import type {Millis} from '../../bytes/time.ts';
import {VARINT_MAX} from '../../bytes/varint.ts';
import type {Lane} from '../lane/lane.ts';

/** Most targets of one flow that have a reference at once. */
const LIMIT = 256;

/** One target (or source) of a flow, as this end announces it. */
export interface AnnouncedTarget {
	/** Number of the target in its flow, never given to another. */
	readonly reference: number;
	/** The target as on the wire; a copy of the table's own. */
	readonly encoded: Uint8Array;
	/** Set when the peer has confirmed the pair, so that the reference alone will do. */
	known: boolean;
	/** Lane of its datagrams in the session. `undefined`: not chosen yet, or that of its flow. */
	lane: Lane | undefined;
	/** Frames that come before it where it is announced. `undefined`: none. */
	prefix: Uint8Array | undefined;
	/** Time of its last use. */
	used: Millis;
}

/**
 * This end's references to the targets of one flow. They count up and are never reused, so a late
 * packet can never reach another host than the one it was sent to: a target that was pushed out
 * gets a new reference when it is used again.
 */
export class AnnouncedTargets {
	readonly #byTarget = new Map<string, AnnouncedTarget>();
	readonly #byReference = new Map<number, AnnouncedTarget>();
	#next = 0;

	/**
	 * Returns the entry of the encoded target bytes[start, end), which are copied when it is new.
	 * `undefined`: all references are used up.
	 */
	find(bytes: Uint8Array, start: number, end: number, now: Millis): AnnouncedTarget | undefined {
		let key = '';
		for (let i = start; i < end; i++) key += String.fromCharCode(bytes[i]!);
		let target = this.#byTarget.get(key);
		if (target === undefined) {
			if (this.#next > VARINT_MAX) return undefined;
			if (this.#byTarget.size >= LIMIT) this.#evict();
			target = {
				reference: this.#next++,
				encoded: bytes.slice(start, end),
				known: false,
				lane: undefined,
				prefix: undefined,
				used: now,
			};
			this.#byTarget.set(key, target);
			this.#byReference.set(target.reference, target);
		}
		target.used = now;
		return target;
	}

	#evict(): void {
		let oldestKey = '';
		let oldest: AnnouncedTarget | undefined;
		for (const [key, target] of this.#byTarget) {
			if (oldest !== undefined && target.used >= oldest.used) continue;
			oldest = target;
			oldestKey = key;
		}
		if (oldest === undefined) return;
		this.#byTarget.delete(oldestKey);
		this.#byReference.delete(oldest.reference);
	}

	/** Returns the target that has this reference. `undefined`: it was pushed out. */
	get(reference: number): AnnouncedTarget | undefined {
		return this.#byReference.get(reference);
	}

	/** Records that the peer has the pair, or has lost it. */
	setKnown(reference: number, known: boolean): void {
		const target = this.#byReference.get(reference);
		if (target !== undefined) target.known = known;
	}

	/** Targets that have a reference. */
	get size(): number {
		return this.#byTarget.size;
	}

	/** Iterates over all targets. */
	values(): IterableIterator<AnnouncedTarget> {
		return this.#byTarget.values();
	}

	/** Starts a new session, which has other lanes and whose peer has none of the pairs. */
	leaveSession(): void {
		for (const target of this.#byTarget.values()) {
			target.known = false;
			target.lane = undefined;
		}
	}

	/** Forgets the lanes of all targets, which are to be chosen anew. */
	forgetLanes(): void {
		for (const target of this.#byTarget.values()) target.lane = undefined;
	}
}
