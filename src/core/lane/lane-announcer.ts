import {type Millis, NEVER} from '../../bytes/time.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {type LaneTerms, lanesFrame} from '../../wire/frames/lane.ts';

const LANES_AGAIN: Millis = 200;

/** Announces the lanes of a client to its server: LANES, until it is confirmed. */
export class LaneAnnouncer {
	readonly #send: (frames: Uint8Array, now: Millis) => void;
	readonly #lanes: LaneTerms[] = [];
	/** Sequence of the LANES that describes them as they are now, 0 to 255. */
	#sequence = 0;
	#again: Millis = NEVER;
	#unconfirmedSince: Millis = NEVER;

	/** @param send sends control frames */
	constructor(send: (frames: Uint8Array, now: Millis) => void) {
		this.#send = send;
	}

	/** Time since which the newest lane is announced in vain. `NEVER`: the server knows all. */
	get unconfirmedSince(): Millis {
		return this.#unconfirmedSince;
	}

	/** Announces one more lane. */
	add(terms: LaneTerms, now: Millis): void {
		this.#unconfirmedSince = now;
		this.#lanes.push(terms);
		this.#sequence = (this.#sequence + 1) & 0xff;
		this.#announce(now);
	}

	/** Reads LANES_KNOWN: of an older content when the server lacks a lane. */
	confirmed(sequence: number): void {
		if (sequence === this.#sequence) {
			this.#again = NEVER;
			this.#unconfirmedSince = NEVER;
		} else if (this.#again === NEVER) this.#again = Number.NEGATIVE_INFINITY;
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		return this.#again;
	}

	/** Sends LANES again if it is not confirmed. */
	handleTimeout(now: Millis): void {
		if (now >= this.#again) this.#announce(now);
	}

	#announce(now: Millis): void {
		this.#again = now + LANES_AGAIN;
		this.#send(encodeFrame(lanesFrame, {sequence: this.#sequence, lanes: this.#lanes}), now);
	}
}
