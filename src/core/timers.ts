import {type Millis, NEVER} from '../bytes/time.ts';

/** Timers of a client, besides those of its handshake and its session. */
export const ClientTimer = {
	/** When to leave the state: the quiet is over, or no packet refuted a RESET. */
	STATE: 0,
	/** When to send PATHS again, which is not confirmed. */
	PATHS: 1,
	/** When to warn that keys are not replaced, and then to end the session for it. */
	KEYS: 2,
	/** When to ask for new keys. */
	REKEY: 3,
	/** When to ask a silent server whether it still has the session. */
	RESUME: 4,
	/** When to let go of idle flows and of datagrams that waited too long. */
	SWEEP: 5,
	/** When to send CLOSE a second time. */
	GOODBYE: 6,
} as const;
/** One of {@link ClientTimer}. */
export type ClientTimer = (typeof ClientTimer)[keyof typeof ClientTimer];

/** Timers of a server, besides those of its sessions. */
export const ServerTimer = {
	/** When to end idle sessions and flows, and to forget old records. */
	SWEEP: 0,
	/** When to send CLOSE a second time to all clients. */
	GOODBYE: 1,
} as const;
/** One of {@link ServerTimer}. */
export type ServerTimer = (typeof ServerTimer)[keyof typeof ServerTimer];

/** Timers of a path. */
export const PathTimer = {
	/** When to send the next probe. */
	PROBE: 0,
	/** When to judge the path, because evidence is missing. */
	JUDGE: 1,
	/** When to try a larger packet size, or to give one up. */
	SIZE: 2,
} as const;
/** One of {@link PathTimer}. */
export type PathTimer = (typeof PathTimer)[keyof typeof PathTimer];

/** When each timer of one owner is due. */
export class Timers<Timer extends number> {
	readonly #due: Float64Array;

	/** @param timers all that there are, numbered from 0; none is set */
	constructor(timers: Readonly<Record<string, Timer>>) {
		this.#due = new Float64Array(Object.keys(timers).length).fill(NEVER);
	}

	/** Sets a timer, or clears it with NEVER. */
	set(timer: Timer, at: Millis): void {
		this.#due[timer] = at;
	}

	/** Clears a timer. */
	clear(timer: Timer): void {
		this.#due[timer] = NEVER;
	}

	/** Clears all timers. */
	clearAll(): void {
		this.#due.fill(NEVER);
	}

	/** When a timer is due. NEVER: it is not set. */
	at(timer: Timer): Millis {
		return this.#due[timer]!;
	}

	/** True once a timer is due. It stays so until it is set anew or cleared. */
	expired(timer: Timer, now: Millis): boolean {
		return now >= this.#due[timer]!;
	}

	/** When the first timer is due. NEVER: none is set. */
	next(): Millis {
		let next = NEVER;
		for (let timer = 0; timer < this.#due.length; timer++) {
			if (this.#due[timer]! < next) next = this.#due[timer]!;
		}
		return next;
	}
}
