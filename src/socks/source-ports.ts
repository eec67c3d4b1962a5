import {type Millis, NEVER} from '../bytes/time.ts';

/** Source ports of one association that is not locked to one. */
export const MAX_SOURCE_PORTS = 16;

/**
 * The ports from which an application may send: one, given at the start or the first that was used,
 * or up to 16. A port that was silent for the idle time makes room for another one.
 */
export class SourcePorts {
	readonly #idle: Millis;
	readonly #limit: number;
	/** Time of the last use of each port. */
	readonly #used = new Map<number, Millis>();
	readonly #only: number | undefined;
	#closed: number[] = [];

	/**
	 * With `only`, no other port is accepted; with `single`, none but the first one used. `idle` is
	 * the silence after which a port is given up.
	 */
	constructor(options: {only: number | undefined; single: boolean; idle: Millis}) {
		this.#only = options.only;
		this.#limit = options.single ? 1 : MAX_SOURCE_PORTS;
		this.#idle = options.idle;
	}

	/** Ports in use. */
	get length(): number {
		return this.#used.size;
	}

	/** True while the port is in use. */
	has(port: number): boolean {
		return this.#used.has(port);
	}

	/**
	 * Returns the reason why a datagram from this port is not taken. `undefined`: it is. Changes
	 * nothing. A port is `trusted` when it is certainly one of the same user: no lock holds for it.
	 */
	refusal(port: number, trusted = false): 'wrong-port' | 'port-limit' | undefined {
		if (this.#used.has(port)) return undefined;
		if (trusted) return this.#used.size < MAX_SOURCE_PORTS ? undefined : 'port-limit';
		if (this.#only !== undefined) return port === this.#only ? undefined : 'wrong-port';
		if (this.#used.size < this.#limit) return undefined;
		return this.#limit === 1 ? 'wrong-port' : 'port-limit';
	}

	/** Notes that the port was used. */
	touch(port: number, now: Millis): void {
		this.#used.set(port, now);
	}

	/**
	 * Returns the time at which the first port will have been silent for too long. A locked port
	 * alone ends only with the association.
	 */
	nextTimeout(): Millis {
		const locked = this.#limit === 1 || this.#only !== undefined;
		if (locked && this.#used.size <= 1) return NEVER;
		let oldest = NEVER;
		for (const at of this.#used.values()) if (at < oldest) oldest = at;
		return oldest + this.#idle;
	}

	/** Gives up the ports that were silent for too long. */
	handleTimeout(now: Millis): void {
		if (now < this.nextTimeout()) return;
		for (const [port, at] of this.#used) {
			if (now < at + this.#idle) continue;
			this.#used.delete(port);
			this.#closed.push(port);
		}
	}

	/** Gives up every port. */
	closeAll(): void {
		this.#closed.push(...this.#used.keys());
		this.#used.clear();
	}

	/** A port that was given up, each once. */
	pollClosed(): number | undefined {
		return this.#closed.pop();
	}
}
