/** What the machine kept us from sending for longer than this is left out, not made up for. */
const CATCH_UP_MILLIS = 2;

/** Says when datagrams are to be sent so that they come at a rate; times in milliseconds. */
export class Pacer {
	/** How many were due and counted as sent. */
	sent = 0;
	/** How many the machine came too late for. */
	skipped = 0;
	readonly #perMilli: number;
	readonly #begin: number;
	readonly #most: number;

	/** @param rate datagrams a second */
	constructor(rate: number, begin: number) {
		this.#perMilli = rate / 1000;
		this.#begin = begin;
		this.#most = Math.max(1, Math.ceil(this.#perMilli * CATCH_UP_MILLIS));
	}

	/** How many are due now; they count as sent. */
	due(now: number): number {
		const past = Math.floor((now - this.#begin) * this.#perMilli);
		let burst = past - this.sent - this.skipped;
		if (burst > this.#most) {
			this.skipped += burst - this.#most;
			burst = this.#most;
		}
		this.sent += Math.max(burst, 0);
		return Math.max(burst, 0);
	}

	/** When the next one is. */
	get nextAt(): number {
		return this.#begin + (this.sent + this.skipped + 1) / this.#perMilli;
	}
}
