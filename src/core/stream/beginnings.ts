import {type Millis, NEVER} from '../../bytes/time.ts';
import {Pending, type Stream} from './stream.ts';

/** Part of a round trip, and time at most, by which the second telling stays behind the first. */
const PART = 1 / 8;
const LONGEST_DELAY: Millis = 25;

/**
 * Begins streams twice where no other path takes a copy: everything of a stream waits for its
 * STREAM_OPEN and STREAM_ACCEPT, so that the loss of one costs a whole probe time-out, and telling
 * it once more a few bytes. The second time is a little later, because losses come together.
 */
export class Beginnings {
	readonly #streams: Stream[] = [];
	#due: Millis = NEVER;

	/** These streams were announced in a packet without a copy. */
	announced(streams: readonly Stream[], roundTrip: Millis, now: Millis): void {
		for (const stream of streams) {
			if (stream.repeated) continue;
			stream.repeated = true;
			this.#streams.push(stream);
		}
		if (this.#streams.length === 0 || this.#due !== NEVER) return;
		this.#due = now + Math.min(LONGEST_DELAY, PART * roundTrip);
	}

	/** Time of the next `tellAgain`. */
	nextTimeout(): Millis {
		return this.#due;
	}

	/** Tells again what is due. */
	repeat(now: Millis): void {
		if (now < this.#due) return;
		this.#due = NEVER;
		for (const stream of this.#streams) {
			if (!stream.removed) stream.resend(stream.opener ? Pending.OPEN : Pending.ACCEPT);
		}
		this.#streams.length = 0;
	}
}
