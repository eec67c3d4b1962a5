import {type Millis, NEVER} from '../../bytes/time.ts';
import type {ServerSession} from './server-session.ts';

/**
 * When the first of many sessions has something due. An input may have moved the timers of its
 * session to an earlier time; they are asked for it once for all inputs in a row that touch it,
 * because packets come in batches of the same session.
 */
export class DeadlineQueue {
	/** The session whose timers may have changed since its deadline was taken. */
	#touched: ServerSession | undefined;
	#next: Millis = NEVER;
	#stopped = false;

	/** The timers of a session may be earlier than its deadline, from now on until `settle`. */
	touch(entry: ServerSession): void {
		if (entry === this.#touched) return;
		this.settle();
		this.#touched = entry;
	}

	/** Takes the deadline of the session that was touched last. */
	settle(): void {
		const entry = this.#touched;
		this.#touched = undefined;
		if (entry === undefined || this.#stopped) return;
		entry.deadline = Math.min(entry.session.nextTimeout(), entry.flows.nextTimeout());
		this.#next = Math.min(this.#next, entry.deadline);
	}

	/** When the first session has something due, or a little before it. NEVER: none has. */
	next(): Millis {
		this.settle();
		return this.#next;
	}

	/** Calls `run` for each of `all` with something due; it touches those that go on. */
	runDue(all: Iterable<ServerSession>, now: Millis, run: (entry: ServerSession) => void): void {
		if (now < this.next()) return;
		this.#next = NEVER;
		for (const entry of all) {
			if (now >= entry.deadline) run(entry);
			else this.#next = Math.min(this.#next, entry.deadline);
		}
	}

	/** Nothing is due any more. */
	stop(): void {
		this.#stopped = true;
		this.#touched = undefined;
		this.#next = NEVER;
	}
}
