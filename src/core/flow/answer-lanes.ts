/** Addresses that are remembered; as many as references that a peer keeps. */
const LIMIT = 512;

/**
 * Lanes of the answers of a flow with many targets, by the address that answers: that of the newest
 * target which led there.
 */
export class AnswerLanes {
	readonly #byAddress = new Map<string, number>();

	/** Sets the id of the lane for answers of an address, encoded as on the wire. */
	set(address: Uint8Array, lane: number): void {
		const key = keyOf(address);
		this.#byAddress.delete(key);
		if (this.#byAddress.size >= LIMIT) this.#forgetOldest();
		this.#byAddress.set(key, lane);
	}

	/** Returns the id of the lane for an address. `undefined`: that of the flow. */
	get(address: Uint8Array): number | undefined {
		if (this.#byAddress.size === 0) return undefined;
		return this.#byAddress.get(keyOf(address));
	}

	#forgetOldest(): void {
		for (const key of this.#byAddress.keys()) {
			this.#byAddress.delete(key);
			return;
		}
	}
}

function keyOf(address: Uint8Array): string {
	return String.fromCharCode(...address);
}
