import {type Millis, NEVER} from '../../bytes/time.ts';
import type {Session} from '../session/session.ts';
import {ClientTimer, type Timers} from '../timers.ts';

/** Silence of the server after which a resume is tried. */
const RESUME_AFTER: Millis = 2000;
const KEY_LIMIT: Millis = 3_600_000;

/**
 * The times of the keys of a client's session: those at which new ones are due, and the one at
 * which it ends without them.
 */
export class KeyTimes {
	readonly #timers: Timers<ClientTimer>;
	readonly #interval: Millis;
	readonly #limit: Millis;
	/** Time at which the present keys came. */
	#since: Millis = 0;

	/**
	 * @param interval age of keys at which new ones are due
	 * @param limit age of keys at which the session ends, 1 h by default
	 */
	constructor(timers: Timers<ClientTimer>, interval: Millis, limit: Millis = KEY_LIMIT) {
		this.#timers = timers;
		this.#interval = interval;
		this.#limit = limit;
	}

	/** Starts the times anew: the session has new keys. */
	replaced(now: Millis): void {
		this.#since = now;
		this.#timers.set(ClientTimer.KEYS, now + Math.min(this.#limit, 2 * this.#interval));
	}

	/**
	 * Arms the timers of the next handshake.
	 *
	 * @param session the session, unless a handshake is under way
	 */
	arm(session: Session | undefined): void {
		const resume = session === undefined ? NEVER : session.sender.unansweredSince + RESUME_AFTER;
		this.#timers.set(ClientTimer.RESUME, resume);
		this.#timers.set(
			ClientTimer.REKEY,
			session === undefined ? NEVER : this.#since + this.#interval,
		);
	}

	/** True when a handshake is due, for the silence of the server or for new keys. */
	isDue(now: Millis): boolean {
		return (
			this.#timers.expired(ClientTimer.RESUME, now) || this.#timers.expired(ClientTimer.REKEY, now)
		);
	}

	/** True when the keys may not be used any more. Called when KEYS is due; arms it anew. */
	areTooOld(now: Millis): boolean {
		const end = this.#since + this.#limit;
		this.#timers.set(ClientTimer.KEYS, end);
		return now >= end;
	}

	/** Returns a warning of old keys. `undefined`: no packets come, which explains it. */
	warning({lastReceived}: Session, now: Millis): string | undefined {
		if (now - lastReceived >= this.#interval) return undefined;
		const age = Math.round((now - this.#since) / 1000);
		const left = Math.round((this.#since + this.#limit - now) / 1000);
		return `no new keys for ${age} s although packets come: something drops handshakes on all paths; the session ends in ${left} s`;
	}
}
