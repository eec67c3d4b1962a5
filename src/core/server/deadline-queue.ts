import {type Millis, NEVER} from '../../bytes/time.ts';
import type {ServerSession} from './server-session.ts';

/**
 * The earliest deadline of many sessions. An input may move the timers of its session to an earlier
 * time; they are read once for all inputs in a row that touch it, because packets come in batches
 * of the same session.
 */
export class DeadlineQueue {
	/** The session whose timers may have changed since its deadline was taken. */
	#touched: ServerSession | undefined;
	#next: Millis = NEVER;
	#stopped = false;

	/** Marks a session whose timers may be earlier than its deadline, until `settle`. */
	touch(entry: ServerSession): void {
		if (entry === this.#touched) return;
		this.settle();
		this.#touched = entry;
	}

	/** Reads the deadline of the session that was touched last. Harmless when there is none. */
	settle(): void {
		const entry = this.#touched;
		this.#touched = undefined;
		if (entry === undefined || this.#stopped) return;
		entry.deadline = Math.min(entry.session.nextTimeout(), entry.flows.nextTimeout());
		this.#next = Math.min(this.#next, entry.deadline);
	}

	/** Returns the time of the first deadline, or one a little before it. `NEVER`: nothing is due. */
	next(): Millis {
		this.settle();
		return this.#next;
	}

	/** Calls `run` for each session of `all` with something due; `run` touches those that go on. */
	runDue(all: Iterable<ServerSession>, now: Millis, run: (entry: ServerSession) => void): void {
		if (now < this.next()) return;
		this.#next = NEVER;
		for (const entry of all) {
			if (now >= entry.deadline) run(entry);
			else this.#next = Math.min(this.#next, entry.deadline);
		}
	}

	/** Forgets all deadlines, for good. */
	stop(): void {
		this.#stopped = true;
		this.#touched = undefined;
		this.#next = NEVER;
	}
}
