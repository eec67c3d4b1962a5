import {BASE_PACKET_SIZE} from '../../wire/constants.ts';
import {type Millis, NEVER} from '../time.ts';

/** Sizes searched, in bytes of UDP payload: tunnels, PPPoE, IPv6 and IPv4 over Ethernet. */
const CANDIDATES: readonly number[] = [1280, 1392, 1420, 1452, 1472];

/** A size is too big only when the chance that all its probes were lost by luck is below this. */
const LOG_CHANCE = Math.log(1e-4);

const ROUND: Millis = 200;
const SLOW_ROUND: Millis = 1000;
const FAST_ROUNDS = 5;
/** PMTU_RAISE_TIMER of RFC 8899, section 5.1.1. */
const RAISE_AFTER: Millis = 600_000;
const VERIFY_EVERY: Millis = 5000;
const VERIFY_AGAIN: Millis = 200;
const BLACK_HOLE_PAUSE: Millis = 60_000;

/**
 * Finds the largest packet that one direction of a path carries (RFC 8899), with probes padded to
 * the candidate sizes, and notices when a size that worked stops working. The fixed counts of the
 * RFC would fail on a path of 20 % loss, so both decisions use the chance of the losses seen.
 */
export class MtuSearch {
	/** The largest size known to get through. */
	confirmed: number = BASE_PACKET_SIZE;
	#ceiling = CANDIDATES.length;
	#tries = 0;
	#round = 0;
	#raiseAt: Millis = NEVER;
	#next: Millis = NEVER;
	#verifyTries = 0;

	/** The path works: the search begins, unless it has begun. */
	start(now: Millis): void {
		if (this.#next === NEVER) this.#next = now;
	}

	/** When `nextSizes` has something to send. */
	nextTimeout(): Millis {
		return this.#next;
	}

	/**
	 * The sizes to probe now. @param failure the chance that a probe of a size that fits is not
	 * answered. @param active whether the path carries traffic; idle ones are not verified.
	 */
	nextSizes(now: Millis, failure: number, active: boolean): readonly number[] {
		if (now < this.#next) return [];
		const log = Math.log(Math.min(0.75, Math.max(0.02, failure)));
		const larger = CANDIDATES.filter(
			(size, index) => size > this.confirmed && index < this.#ceiling,
		);
		if (larger.length > 0) return this.#search(now, log, larger);
		return this.#verify(now, log, active);
	}

	#search(now: Millis, log: number, sizes: readonly number[]): readonly number[] {
		if (this.#tries * log < LOG_CHANCE) {
			this.#ceiling = CANDIDATES.findIndex((size) => size > this.confirmed);
			this.#tries = 0;
			this.#raiseAt = now + RAISE_AFTER;
			this.#next = now + VERIFY_EVERY;
			return [];
		}
		this.#tries++;
		this.#round++;
		this.#next = now + (this.#round < FAST_ROUNDS ? ROUND : SLOW_ROUND);
		return sizes;
	}

	#verify(now: Millis, log: number, active: boolean): readonly number[] {
		if (now >= this.#raiseAt) {
			this.#ceiling = CANDIDATES.length;
			this.#round = 0;
			this.#raiseAt = now + RAISE_AFTER;
		}
		if (this.confirmed === BASE_PACKET_SIZE || (!active && this.#verifyTries === 0)) {
			this.#next = now + VERIFY_EVERY;
			return [];
		}
		if (this.#verifyTries * log < LOG_CHANCE) {
			this.tooLong(this.confirmed, now);
			return [];
		}
		this.#verifyTries++;
		this.#next = now + VERIFY_AGAIN;
		return [this.confirmed];
	}

	/** A probe of this size was answered. */
	answered(size: number, now: Millis): void {
		if (size > this.confirmed) {
			this.confirmed = size;
			this.#tries = 0;
			if (size === CANDIDATES[CANDIDATES.length - 1]) this.#next = now + VERIFY_EVERY;
		} else if (size === this.confirmed && size > BASE_PACKET_SIZE) {
			this.#verifyTries = 0;
			this.#next = now + VERIFY_EVERY;
		}
	}

	/** Small probes are lost as well: the path is the cause, not the size. */
	pathSilent(): void {
		this.#verifyTries = 0;
	}

	/**
	 * This size does not get through (EMSGSIZE or a black hole). When it did before: back to the
	 * base, for a while. When it was only being tried, nothing is lost by it.
	 */
	tooLong(size: number, now: Millis): void {
		if (size <= BASE_PACKET_SIZE) return;
		const first = CANDIDATES.findIndex((candidate) => candidate >= size);
		const ceiling = first < 0 ? CANDIDATES.length : first;
		if (size > this.confirmed) {
			this.#ceiling = Math.min(this.#ceiling, ceiling);
			return;
		}
		this.confirmed = BASE_PACKET_SIZE;
		this.#ceiling = ceiling;
		this.#tries = 0;
		this.#round = 0;
		this.#raiseAt = now + RAISE_AFTER;
		this.#verifyTries = 0;
		this.#next = now + BLACK_HOLE_PAUSE;
	}
}
