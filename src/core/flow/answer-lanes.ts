import type {TargetBudget} from './received-targets.ts';

/** Addresses that are remembered; as many as references that a peer keeps. */
const LIMIT = 512;

/**
 * Lanes of the answers of a flow with many targets, by the address that answers: that of the newest
 * target which led there.
 */
export class AnswerLanes {
	readonly #byAddress = new Map<string, number>();
	readonly #budget: TargetBudget;

	/** @param budget addresses that all flows of the session may still remember, beside targets */
	constructor(budget: TargetBudget) {
		this.#budget = budget;
	}

	/** Forgets all, at the end of the flow: they count no more. */
	clear(): void {
		this.#budget.left += this.#byAddress.size;
		this.#byAddress.clear();
	}

	/** Sets the id of the lane for answers of an address as on the wire, if there is room. */
	set(address: Uint8Array, lane: number): void {
		const key = keyOf(address);
		this.#forget(key);
		if (this.#byAddress.size >= LIMIT || this.#budget.left <= 0) this.#forgetOldest();
		// Without room the lane of the flow has to do.
		if (this.#budget.left <= 0) return;
		this.#byAddress.set(key, lane);
		this.#budget.left--;
	}

	/** Returns the id of the lane for an address. `undefined`: that of the flow. */
	get(address: Uint8Array): number | undefined {
		if (this.#byAddress.size === 0) return undefined;
		return this.#byAddress.get(keyOf(address));
	}

	#forget(key: string): void {
		if (this.#byAddress.delete(key)) this.#budget.left++;
	}

	#forgetOldest(): void {
		for (const key of this.#byAddress.keys()) {
			this.#forget(key);
			return;
		}
	}
}

function keyOf(address: Uint8Array): string {
	return String.fromCharCode(...address);
}
