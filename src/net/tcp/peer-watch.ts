import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import type {TcpAttempts} from './tcp-table.ts';

/** So many answers in a row may be missing without anything being wrong. */
const ATTEMPTS = 3;

/** For so long the system has to send in vain. */
const PATIENCE: Millis = 35_000;

/** Written bytes may be missing in the system's figures for this long. */
const SETTLED: Millis = 15_000;

/**
 * Detects that the host behind a connection is gone while bytes are unacknowledged. Idle
 * connections have keep-alive; Linux suspends it while anything is under way, and goes on sending
 * for a quarter of an hour (RFC 1122, 4.2.3.5). TCP_USER_TIMEOUT would find that out, but ends
 * connections to a host that is there and only takes no bytes, too.
 */
export class PeerWatch {
	readonly #socket: Socket;
	readonly #attempts: TcpAttempts;
	#wrote = false;
	#received = false;
	/** True while bytes may be under way; below, the time at which the last of them were written. */
	#waits = false;
	#wroteAt: Millis = 0;
	#vainSince: Millis | undefined;

	constructor(socket: Socket, attempts: TcpAttempts) {
		this.#socket = socket;
		this.#attempts = attempts;
	}

	/** Bytes were given to the system. */
	wrote(): void {
		this.#wrote = true;
	}

	/** Bytes came. */
	received(): void {
		this.#received = true;
	}

	/** Lets time pass; whether the host is gone. */
	isGone(now: Millis): boolean {
		if (this.#wrote) {
			this.#wrote = false;
			this.#waits = true;
			this.#wroteAt = now;
		}
		if (this.#received) {
			this.#received = false;
			this.#vainSince = undefined;
			return false;
		}
		if (!this.#waits) return false;
		const count = this.#attempts.of(this.#socket, now);
		if (count === undefined) return false;
		if (count < ATTEMPTS) {
			this.#vainSince = undefined;
			// Nothing is asked of the system for the sake of connections that are idle.
			if (count < 0 && now - this.#wroteAt >= SETTLED) this.#waits = false;
			return false;
		}
		this.#vainSince ??= now;
		return now - this.#vainSince >= PATIENCE;
	}
}
