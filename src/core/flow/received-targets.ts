import type {Millis} from '../../bytes/time.ts';
import type {HostTarget} from '../../wire/address.ts';
import type {ReceivedTarget} from '../received-target.ts';

/**
 * Most targets of one flow kept at once: twice as many as the peer has references, because
 * loss and reordering make the two ends disagree on which one was used least recently.
 */
const LIMIT = 512;

/** Most targets of all flows of a session together. */
export const SESSION_TARGETS = 65_536;

/** Targets that a session may still keep; shared by its flows. */
export interface TargetBudget {
	left: number;
}

/** The peer's references to the targets of one flow. A reference never gets another target. */
export class ReceivedTargets {
	readonly #byReference = new Map<number, ReceivedTarget>();
	readonly #budget: TargetBudget;

	constructor(budget: TargetBudget) {
		this.#budget = budget;
	}

	/** Targets that are known. */
	get size(): number {
		return this.#byReference.size;
	}

	/** Iterates over all targets. */
	values(): IterableIterator<ReceivedTarget> {
		return this.#byReference.values();
	}

	/** Forgets all, at the end of the flow: they count no more. */
	clear(): void {
		this.#budget.left += this.#byReference.size;
		this.#byReference.clear();
	}

	/** Returns the target of a reference. `undefined`: it has to be announced (again). */
	get(reference: number, now: Millis): ReceivedTarget | undefined {
		const known = this.#byReference.get(reference);
		if (known !== undefined) known.used = now;
		return known;
	}

	/** Returns the target of a reference without using it. `undefined`: it is not known. */
	peek(reference: number): ReceivedTarget | undefined {
		return this.#byReference.get(reference);
	}

	/** Learns a pair. `undefined`: the reference has another target, or there is no room. */
	learn(reference: number, target: HostTarget, now: Millis): ReceivedTarget | undefined {
		const known = this.#byReference.get(reference);
		if (known !== undefined) {
			known.used = now;
			return sameBytes(known.target.encoded, target.encoded) ? known : undefined;
		}
		if (this.#byReference.size >= LIMIT || this.#budget.left <= 0) this.#evict();
		if (this.#budget.left <= 0) return undefined;
		const confirmed = Number.NEGATIVE_INFINITY;
		const address = target.encoded;
		const learned = {reference, target, only: false, used: now, lane: 0, address, confirmed};
		this.#byReference.set(reference, learned);
		this.#budget.left--;
		return learned;
	}

	#evict(): void {
		let oldest: ReceivedTarget | undefined;
		for (const known of this.#byReference.values()) {
			if (oldest === undefined || known.used < oldest.used) oldest = known;
		}
		if (oldest === undefined) return;
		this.#byReference.delete(oldest.reference);
		this.#budget.left++;
	}
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
