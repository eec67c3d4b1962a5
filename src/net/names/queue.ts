/** Limits of the jobs under way and waiting. */
export interface NameQueueLimits {
	readonly running: number;
	readonly runningPerUser: number;
	readonly waiting: number;
	readonly waitingPerUser: number;
}

interface User {
	running: number;
	readonly waiting: (() => void)[];
}

/**
 * Starts jobs in the order they came, few at once, and users in turn: one whose jobs are slow uses
 * up a share of its own and delays no other user.
 */
export class NameQueue {
	readonly #limits: NameQueueLimits;
	// In the order of their turns.
	readonly #users = new Map<string, User>();
	#running = 0;
	#waiting = 0;

	constructor(limits: NameQueueLimits) {
		this.#limits = limits;
	}

	/**
	 * Calls `start` now or in its turn; {@link done} is due once for each start. What is returned is
	 * the limit that forbids it.
	 */
	push(user: string, start: () => void): 'user' | 'server' | undefined {
		const entry = this.#users.get(user) ?? {running: 0, waiting: []};
		if (entry.waiting.length >= this.#limits.waitingPerUser) return 'user';
		if (this.#waiting >= this.#limits.waiting) return 'server';
		this.#users.set(user, entry);
		entry.waiting.push(start);
		this.#waiting++;
		this.#next();
		return undefined;
	}

	/** A job of this user ended. */
	done(user: string): void {
		const entry = this.#users.get(user);
		if (entry === undefined) return;
		this.#running--;
		entry.running--;
		if (entry.running === 0 && entry.waiting.length === 0) this.#users.delete(user);
		this.#next();
	}

	/** Forgets what waits. */
	clear(): void {
		for (const [name, user] of this.#users) {
			user.waiting.length = 0;
			if (user.running === 0) this.#users.delete(name);
		}
		this.#waiting = 0;
	}

	#next(): void {
		while (this.#running < this.#limits.running && this.#waiting > 0) {
			const turn = this.#turn();
			if (turn === undefined) return;
			const [name, user] = turn;
			// To the end of the line.
			this.#users.delete(name);
			this.#users.set(name, user);
			this.#running++;
			user.running++;
			this.#waiting--;
			user.waiting.shift()?.();
		}
	}

	/** The user with the least under way, of several the one whose last turn was longest ago. */
	#turn(): readonly [string, User] | undefined {
		let best: readonly [string, User] | undefined;
		let least = this.#limits.runningPerUser;
		for (const turn of this.#users) {
			const [, user] = turn;
			if (user.waiting.length === 0 || user.running >= least) continue;
			best = turn;
			least = user.running;
		}
		return best;
	}
}
