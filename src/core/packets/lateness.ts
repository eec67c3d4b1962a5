import type {Millis} from '../../bytes/time.ts';
import type {Carrier} from './carrier.ts';

/** A path is timely while it takes at most so many times the best one's delay, and this more. */
const FACTOR = 1.5;
const MARGIN: Millis = 10;

/** Data that waits for a path. */
export interface Waiting {
	/** Bytes that may be sent now. */
	readonly backlog: number;
}

/**
 * Finds the paths that are so much later than the best one that packets on them are waited for. New
 * data goes to such a path only while all that may be sent over the better ones takes longer than
 * the path does: a packet that arrives later than that holds up the others behind it, in the
 * receiver's window or at the end of a transfer (ECF: Lim et al., CoNEXT 2017; BLEST: Ferlin et
 * al., IFIP Networking 2016).
 */
export class Lateness {
	/** The longest delay of a timely path. */
	limit: Millis = Number.POSITIVE_INFINITY;
	#best: Millis = 0;
	/**
	 * Rate of the better paths, which are full, in bytes per ms; below, bytes in flight there, and
	 * true while the rates of all have settled.
	 */
	#rate = 0;
	#window = 0;
	#settled = true;

	/** Takes the paths, the best first. Returns the timely ones among them, as bits. */
	arrange(order: readonly Carrier[]): number {
		let best = order[0];
		for (const carrier of order) {
			if (!carrier.trusted) continue;
			best = carrier;
			break;
		}
		this.#best = best?.expected ?? 0;
		this.limit = FACTOR * this.#best + MARGIN;
		let timely = 0;
		for (const carrier of order) if (carrier.expected <= this.limit) timely |= carrier.bit;
		return timely;
	}

	/** Begins the choice of a path for a packet. */
	start(): void {
		this.#rate = 0;
		this.#window = 0;
		this.#settled = true;
	}

	/** Adds a better path, which is full. */
	passed({model}: Carrier): void {
		// Traffic beside takes its part of the rate.
		this.#rate += Math.max(0, model.pacingRate - model.besideInFlight / model.srtt);
		this.#window += model.window;
		this.#settled &&= model.settled;
	}

	/**
	 * True when the better paths will have sent all that waits before a packet on this one arrives.
	 */
	isTooLate(carrier: Carrier, waiting: Waiting): boolean {
		if (this.#rate === 0 || carrier.expected <= this.limit) return false;
		const {backlog} = waiting;
		let wait = backlog / this.#rate;
		// A rate that doubles in every round trip is soon another.
		if (!this.#settled) wait = Math.min(wait, this.#best * Math.log2(1 + backlog / this.#window));
		return carrier.expected > this.limit + wait;
	}
}
