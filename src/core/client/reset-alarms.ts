import type {Millis} from '../../bytes/time.ts';
import {headerPacketNumber, headerSessionId} from '../../wire/header.ts';
import {Seen} from '../replay-window.ts';
import type {Session} from '../session/session.ts';

/** Age of a packet of ours up to which a RESET that names it is taken seriously. */
const RESET_WINDOW: Millis = 3000;
const SHORTEST_PAUSE: Millis = 1000;
const LONGEST_PAUSE: Millis = 16_000;

/** True when a RESET names the session and a packet that it sent over that path a moment ago. */
export function namesOurPacket(
	session: Session,
	path: number,
	bytes: Uint8Array,
	start: number,
	now: Millis,
): boolean {
	const number = headerPacketNumber(bytes, start);
	const {sender, paths, peerId} = session;
	return (
		headerSessionId(bytes, start) === peerId &&
		number < sender.nextPacketNumber &&
		number >= sender.sentTimes.numberAt(now - RESET_WINDOW) &&
		paths.get(path)?.sentNumbers?.peek(number) === Seen.DUPLICATE
	);
}

/**
 * Limit of resumes that RESETs cause at once. Each one that proved false doubles the pause before
 * the next, so that an attacker that forges them for ever causes little work.
 */
export class ResetAlarms {
	#next: Millis = Number.NEGATIVE_INFINITY;
	#pause: Millis = SHORTEST_PAUSE;
	#raised = false;

	/** Counts a RESET that names a packet of ours. True when a resume may begin at once. */
	raise(now: Millis): boolean {
		if (now < this.#next) return false;
		// Nothing for as long again: what was then is no reason any more.
		if (now - this.#next > this.#pause) this.#pause = SHORTEST_PAUSE;
		this.#next = now + this.#pause;
		this.#raised = true;
		return true;
	}

	/**
	 * Counts the answer to a resume.
	 *
	 * @param resumed true when the server still had the session
	 */
	answered(resumed: boolean): void {
		if (!resumed) this.#pause = SHORTEST_PAUSE;
		else if (this.#raised) this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
		this.#raised = false;
	}
}
