import {type Millis, NEVER} from '../../bytes/time.ts';
import {Pending, type Stream} from './stream.ts';

/** Part of a round trip, and time at most, by which the repetition stays behind the first frame. */
const PART = 1 / 8;
const LONGEST_DELAY: Millis = 25;

/**
 * Begins streams twice where no other path takes a copy: everything of a stream waits for its
 * STREAM_OPEN and STREAM_ACCEPT, so that the loss of one costs a whole probe time-out, and its
 * repetition a few bytes. The second frame is a little later, because losses come together.
 */
export class Beginnings {
	readonly #streams: Stream[] = [];
	#due: Millis = NEVER;

	/** Takes streams that were announced in a packet without a copy. */
	announced(streams: readonly Stream[], roundTrip: Millis, now: Millis): void {
		for (const stream of streams) {
			if (stream.repeated) continue;
			stream.repeated = true;
			this.#streams.push(stream);
		}
		if (this.#streams.length === 0 || this.#due !== NEVER) return;
		this.#due = now + Math.min(LONGEST_DELAY, PART * roundTrip);
	}

	/** Returns the time of the next `repeat`. `NEVER`: nothing is due. */
	nextTimeout(): Millis {
		return this.#due;
	}

	/** Queues the frames again that are due. */
	repeat(now: Millis): void {
		if (now < this.#due) return;
		this.#due = NEVER;
		for (const stream of this.#streams) {
			if (!stream.removed) stream.resend(stream.opener ? Pending.OPEN : Pending.ACCEPT);
		}
		this.#streams.length = 0;
	}
}
