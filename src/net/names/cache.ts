import type {Millis} from '../../bytes/time.ts';

interface Entry<T> {
	readonly value: T;
	readonly expiresAt: Millis;
}

/** Values by name until they expire; when it is full the one longest not asked for goes. */
export class NameCache<T> {
	readonly #limit: number;
	readonly #now: () => Millis;
	// In the order of use.
	readonly #entries = new Map<string, Entry<T>>();

	constructor(limit: number, now: () => Millis) {
		this.#limit = limit;
		this.#now = now;
	}

	/** The value of a name, undefined without one or when it has expired. */
	get(name: string): T | undefined {
		const entry = this.#entries.get(name);
		if (entry === undefined) return undefined;
		this.#entries.delete(name);
		if (this.#now() >= entry.expiresAt) return undefined;
		this.#entries.set(name, entry);
		return entry.value;
	}

	/** Keeps a value for `lifetime`. */
	set(name: string, value: T, lifetime: Millis): void {
		this.#entries.delete(name);
		this.#entries.set(name, {value, expiresAt: this.#now() + lifetime});
		if (this.#entries.size <= this.#limit) return;
		for (const oldest of this.#entries.keys()) {
			this.#entries.delete(oldest);
			return;
		}
	}
}
