import type {Millis} from '../time.ts';

/** A queue longer than this is one that we build. */
const QUEUE_LIMIT: Millis = 100;
/** Below this the queue is gone and the rate may grow. */
const QUEUE_EMPTY: Millis = 50;
/** Without a drop for this long the limit is lifted. */
const CALM: Millis = 3000;
/** Longest burst that the limit lets through at once. */
const BURST: Millis = 20;
const SMALLEST_BURST = 4 * 1500;
/** A report over fewer packets says nothing of a rate. */
const FEWEST_PACKETS = 30;
/** Fewer than this part arriving within one report interval hints at a queue before its delay is known. */
const COLLAPSE = 0.35;

/**
 * Keeps a path from being sent more than it carries: a copy that would only wait in a queue is
 * dropped here, so that neither the path's other users nor this path's latency suffer. Random loss
 * never limits anything (the product law needs every copy); a standing queue does.
 */
export class Saturation {
	/** Bytes per millisecond; Infinity = not limited by measurement. */
	#rate = Number.POSITIVE_INFINITY;
	/** Bytes per millisecond that the user allows. */
	#configured = Number.POSITIVE_INFINITY;
	#tokens = SMALLEST_BURST;
	#filled: Millis = 0;
	#delivered = 0;
	#lastDrop: Millis = 0;
	#lastCut: Millis = Number.NEGATIVE_INFINITY;
	#lastUpdate: Millis = 0;
	#tentative = false;
	/** Copies dropped so far. */
	dropped = 0;

	/** The user's own limit in kbit/s of UDP payload + 28 bytes, 0 = none. */
	configure(kilobits: number): void {
		this.#configured = kilobits > 0 ? kilobits / 8 : Number.POSITIVE_INFINITY;
	}

	/** Whether the path is limited because it could not keep up. */
	get saturated(): boolean {
		return this.#rate !== Number.POSITIVE_INFINITY;
	}

	/** Takes the bytes of one packet from the allowance; false = drop this copy. */
	allow(bytes: number, now: Millis): boolean {
		const rate = Math.min(this.#rate, this.#configured);
		if (rate === Number.POSITIVE_INFINITY) return true;
		const burst = Math.max(SMALLEST_BURST, rate * BURST);
		this.#tokens = Math.min(burst, this.#tokens + (now - this.#filled) * rate);
		this.#filled = now;
		if (this.#tokens < bytes) {
			this.dropped++;
			this.#lastDrop = now;
			return false;
		}
		this.#tokens -= bytes;
		return true;
	}

	/** Counts bytes that go out whatever the limit says (probes). */
	charge(bytes: number): void {
		this.#tokens -= bytes;
	}

	/**
	 * A report of the peer: of `sent` packets `arrived` in `span` ms.
	 * @param bytes mean size of the packets sent, headers included
	 */
	delivered(sent: number, arrived: number, span: Millis, bytes: number, now: Millis): void {
		if (span < 5 || arrived <= 0) return;
		const rate = (arrived * bytes) / span;
		this.#delivered =
			this.#delivered === 0 || this.#tentative ? rate : this.#delivered * 0.7 + rate * 0.3;
		if (!this.saturated && sent >= FEWEST_PACKETS && arrived < sent * COLLAPSE) {
			this.#limit(1.25 * rate, now);
			this.#tentative = true;
		}
	}

	/** A new measurement of the delay above the path's minimum. */
	queueing(delay: Millis, patience: Millis, now: Millis): void {
		const step = Math.min(1000, now - this.#lastUpdate);
		this.#lastUpdate = now;
		if (delay > QUEUE_LIMIT) {
			this.#tentative = false;
			if (this.#delivered > 0 && now - this.#lastCut > Math.min(patience, 300)) {
				this.#limit((delay > 2 * QUEUE_LIMIT ? 0.5 : 0.8) * this.#delivered, now);
			}
		} else if (this.saturated) this.#relax(delay, step, now);
	}

	#relax(delay: Millis, step: Millis, now: Millis): void {
		// The collapse was loss, not a queue: random loss must not cost copies.
		if (this.#tentative && delay < QUEUE_EMPTY) this.#rate = Number.POSITIVE_INFINITY;
		else if (now - this.#lastDrop > CALM) this.#rate = Number.POSITIVE_INFINITY;
		else if (delay < QUEUE_EMPTY) {
			this.#rate = Math.max(this.#rate, 0.95 * this.#delivered) * (1 + step / 10_000);
		} else this.#rate = Math.min(this.#rate, 0.95 * this.#delivered);
	}

	#limit(rate: number, now: Millis): void {
		if (!this.saturated) {
			this.#tokens = 0;
			this.#filled = now;
			this.#lastDrop = now;
		}
		this.#rate = rate;
		this.#lastCut = now;
	}
}
