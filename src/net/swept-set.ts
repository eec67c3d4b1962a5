import type {Millis} from '../bytes/time.ts';

const SWEEP_INTERVAL: Millis = 1000;

/** An object that needs the time now and then. */
export interface Swept {
	/** Lets time pass; harmless when early. */
	handleTimeout(now: Millis): void;
}

/** Passes the time once a second to its members, as long as there are any. */
export class SweptSet<T extends Swept> {
	readonly #now: () => Millis;
	readonly #all = new Set<T>();
	#timer: NodeJS.Timeout | undefined;

	constructor(now: () => Millis) {
		this.#now = now;
	}

	get size(): number {
		return this.#all.size;
	}

	add(one: T): void {
		this.#all.add(one);
		this.#timer ??= setInterval(() => this.handleTimeout(this.#now()), SWEEP_INTERVAL);
	}

	delete(one: T): void {
		this.#all.delete(one);
		if (this.#all.size === 0) this.#stop();
	}

	/** Lets time pass for all of them; they may be deleted meanwhile. */
	handleTimeout(now: Millis): void {
		for (const one of this.#all) one.handleTimeout(now);
	}

	/** Takes all of them out. */
	take(): readonly T[] {
		const all = [...this.#all];
		this.#all.clear();
		this.#stop();
		return all;
	}

	#stop(): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
	}
}
