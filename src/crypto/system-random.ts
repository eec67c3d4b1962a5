import {randomFillSync} from 'node:crypto';
import type {Random} from '../bytes/random.ts';

/** Size of the pool in bytes: one call of the system's generator serves many small draws. */
const POOL_SIZE = 4096;

/** {@link Random} over the system's CSPRNG; what it has handed out is wiped from its pool. */
export class SystemRandom implements Random {
	readonly #pool = new Uint8Array(POOL_SIZE);
	readonly #view = new DataView(this.#pool.buffer);
	#used = POOL_SIZE;

	fill(bytes: Uint8Array): void {
		if (bytes.length > POOL_SIZE) {
			randomFillSync(bytes);
			return;
		}
		const start = this.#take(bytes.length);
		bytes.set(this.#pool.subarray(start, this.#used));
		this.#pool.fill(0, start, this.#used);
	}

	uint32(): number {
		const start = this.#take(4);
		const value = this.#view.getUint32(start);
		this.#view.setUint32(start, 0);
		return value;
	}

	#take(length: number): number {
		if (this.#used + length > POOL_SIZE) {
			randomFillSync(this.#pool);
			this.#used = 0;
		}
		const start = this.#used;
		this.#used += length;
		return start;
	}
}
