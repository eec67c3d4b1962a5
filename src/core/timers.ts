import {type Millis, NEVER} from '../bytes/time.ts';

/** Timers of a client, besides those of its handshake and its session. */
export const ClientTimer = {
	/** Leaves the state: the quiet is over, or no packet refuted a RESET. */
	STATE: 0,
	/** Sends PATHS again, which is not confirmed. */
	PATHS: 1,
	/** Warns that keys are not replaced, and later ends the session for it. */
	KEYS: 2,
	/** Requests new keys. */
	REKEY: 3,
	/** Tries to resume the session with a silent server, which may have lost it. */
	RESUME: 4,
	/** Lets go of idle flows and of datagrams that waited too long. */
	SWEEP: 5,
	/** Sends CLOSE a second time. */
	GOODBYE: 6,
} as const;
/** One of {@link ClientTimer}. */
export type ClientTimer = (typeof ClientTimer)[keyof typeof ClientTimer];

/** Timers of a server, besides those of its sessions. */
export const ServerTimer = {
	/** Ends idle sessions and flows, and forgets old records. */
	SWEEP: 0,
	/** Sends CLOSE a second time to all clients. */
	GOODBYE: 1,
} as const;
/** One of {@link ServerTimer}. */
export type ServerTimer = (typeof ServerTimer)[keyof typeof ServerTimer];

/** Times at which the timers of one owner are due. */
export class Timers<Timer extends number> {
	readonly #due: Float64Array;
	/** The earliest of them: it is read after every batch of packets, and seldom changes. */
	#next: Millis = NEVER;

	/** @param timers all timers, numbered from 0; none is set */
	constructor(timers: Readonly<Record<string, Timer>>) {
		this.#due = new Float64Array(Object.keys(timers).length).fill(NEVER);
	}

	/** Sets a timer, or clears it with NEVER. */
	set(timer: Timer, at: Millis): void {
		const before = this.#due[timer]!;
		if (at === before) return;
		this.#due[timer] = at;
		if (at <= this.#next) this.#next = at;
		else if (before === this.#next) this.#next = this.#earliest();
	}

	/** Clears a timer. */
	clear(timer: Timer): void {
		this.set(timer, NEVER);
	}

	/** Clears all timers. */
	clearAll(): void {
		this.#due.fill(NEVER);
		this.#next = NEVER;
	}

	/** Returns the time at which a timer is due. `NEVER`: it is not set. */
	at(timer: Timer): Millis {
		return this.#due[timer]!;
	}

	/** True once a timer is due. It stays so until it is set anew or cleared. */
	expired(timer: Timer, now: Millis): boolean {
		return now >= this.#due[timer]!;
	}

	/** Returns the time at which the first timer is due. `NEVER`: none is set. */
	next(): Millis {
		return this.#next;
	}

	#earliest(): Millis {
		let next = NEVER;
		for (let timer = 0; timer < this.#due.length; timer++) {
			if (this.#due[timer]! < next) next = this.#due[timer]!;
		}
		return next;
	}
}
