import {type Millis, NEVER} from '../../bytes/time.ts';
import {BASE_PACKET_SIZE} from '../../wire/constants.ts';
import {CANDIDATES, CONVICTION, DOUBT, SizeEvidence, type SizeInterval} from './size-evidence.ts';

/** A size is too big only when the chance that all its probes were lost by luck is below this. */
const LOG_CHANCE = Math.log(1e-4);

const ROUND: Millis = 200;
const SLOW_ROUND: Millis = 1000;
const FAST_ROUNDS = 5;
/**
 * Pauses after a search that failed, in turn up to the longest: sooner than the PMTU_RAISE_TIMER of
 * RFC 8899, section 5.1.1, for a search costs a few packets.
 */
const FIRST_RAISE: Millis = 1000;
const LONGEST_RAISE: Millis = 45_000;
/** A size that no packet of the application has proven for this long is tested. */
const VERIFY_EVERY: Millis = 5000;
const TEST_AGAIN: Millis = 50;
const TESTS = 4;
/** Pause before a size is doubted again after a test has proven it, and between two alarms. */
const DOUBT_PAUSE: Millis = 1000;
/**
 * A size that fell, was found again and fell again within this time waits before it is searched.
 */
const STEADY: Millis = 60_000;
const LONGEST_WAIT: Millis = 30_000;
/** Hints of the network may be forged: no more than one in this time counts. */
const HINT_PAUSE: Millis = 1000;

/**
 * Finds the largest packet that one direction of a path carries (RFC 8899), with probes padded to
 * the candidate sizes, and notices when a size that worked stops working: by what becomes of the
 * packets of the application, or by probes of that size where none are sent. The fixed counts of
 * the RFC would fail on a path of 20 % loss, so both decisions use the chance of the losses
 * measured.
 */
export class MtuSearch {
	/** Largest size known to get through, in bytes of UDP payload. */
	confirmed: number = BASE_PACKET_SIZE;
	/** Evidence about packets larger than BASE_PACKET_SIZE. */
	readonly evidence: SizeEvidence = new SizeEvidence();
	#ceiling = CANDIDATES.length;
	#tries = 0;
	#round = 0;
	#raiseAt: Millis = NEVER;
	#raiseAfter = FIRST_RAISE;
	#next: Millis = NEVER;
	/** Tests of a doubted size that are left. */
	#tests = 0;
	/**
	 * Probes of the confirmed size without an answer yet; below, the time of the last and its chance
	 * of being lost.
	 */
	#open = 0;
	#openAt: Millis = NEVER;
	#openLoss = 0;
	#dismissedAt: Millis = Number.NEGATIVE_INFINITY;
	#alarmedAt: Millis = Number.NEGATIVE_INFINITY;
	/** Time of the last change of `confirmed`; earlier packets prove nothing about it. */
	#since: Millis = Number.NEGATIVE_INFINITY;
	/** Time at which the size fell last; below, the pause of the search after that. */
	#fellAt: Millis = Number.NEGATIVE_INFINITY;
	#waited: Millis = 0;
	#hintedAt: Millis = Number.NEGATIVE_INFINITY;

	/** Begins the search, unless it has begun: the path works. */
	start(now: Millis): void {
		if (this.#next === NEVER) this.#next = now;
	}

	/** Returns the time at which `nextSizes` has something to send. */
	nextTimeout(): Millis {
		return this.#next;
	}

	/**
	 * Returns the sizes to probe now; a probe without padding has to follow them, so that the peer's
	 * count shows their fate.
	 * @param failure chance that a probe of a size that fits is not answered
	 * @param active true while the path carries traffic; an idle one is left alone
	 */
	nextSizes(now: Millis, failure: number, active: boolean): readonly number[] {
		if (now < this.#next) return [];
		if (this.#tests > 0) return this.#test(now, failure);
		if (now >= this.#raiseAt && active) {
			this.#ceiling = CANDIDATES.length;
			this.#raiseAt = NEVER;
			this.#tries = 0;
			this.#round = 0;
		}
		const larger = CANDIDATES.filter(
			(size, index) => size > this.confirmed && index < this.#ceiling,
		);
		if (larger.length > 0) {
			const each = Math.log(Math.min(0.75, Math.max(0.02, failure)));
			return this.#search(now, each, larger);
		}
		const isWorthIt = active && this.confirmed > BASE_PACKET_SIZE;
		if (isWorthIt) this.#test(now, failure);
		this.#rest(now);
		return isWorthIt ? [this.confirmed] : [];
	}

	#search(now: Millis, each: number, sizes: readonly number[]): readonly number[] {
		if (this.#tries * each < LOG_CHANCE) {
			this.#ceiling = CANDIDATES.findIndex((size) => size > this.confirmed);
			this.#raiseLater(now);
			this.#rest(now);
			return [];
		}
		this.#tries++;
		this.#round++;
		this.#next = now + (this.#round < FAST_ROUNDS ? ROUND : SLOW_ROUND);
		return sizes;
	}

	#raiseLater(now: Millis): void {
		this.#raiseAt = now + this.#raiseAfter;
		this.#raiseAfter = Math.min(LONGEST_RAISE, 2 * this.#raiseAfter);
	}

	#rest(now: Millis): void {
		const raise = this.#raiseAt > now ? this.#raiseAt : NEVER;
		this.#next = Math.min(now + VERIFY_EVERY, raise);
	}

	#test(now: Millis, failure: number): readonly number[] {
		this.#tests = Math.max(0, this.#tests - 1);
		this.#next = now + TEST_AGAIN;
		this.#open++;
		this.#openAt = now;
		this.#openLoss = failure;
		return [this.confirmed];
	}

	/** Takes the answer to a probe of this size. */
	answered(size: number, now: Millis): void {
		if (size === this.confirmed && size > BASE_PACKET_SIZE) {
			this.#dismissedAt = now;
			this.#proven(now);
		}
		if (size <= this.confirmed) return;
		this.#reset();
		this.confirmed = size;
		this.#since = now;
		this.#tries = 0;
		if (size === CANDIDATES[CANDIDATES.length - 1]) {
			this.#raiseAt = NEVER;
			this.#rest(now);
		}
	}

	#proven(now: Millis): void {
		this.#reset();
		// A search that is due is not put off by this.
		if (!this.#searching && this.#raiseAt > now) this.#rest(now);
	}

	#reset(): void {
		this.evidence.reset();
		this.#tests = 0;
		this.#open = 0;
	}

	/**
	 * Takes the answer to a probe without padding. True: data was lost for its size, which is no
	 * evidence of the path's loss.
	 * @param interval the peer's counts since the probe answered before, which went out at `from`
	 * @param behind time at which this one went out, less the time by which packets overtake each
	 * other
	 * @param loss loss of small packets in this direction
	 */
	reported(
		interval: SizeInterval,
		from: Millis,
		behind: Millis,
		loss: number,
		now: Millis,
	): boolean {
		const {confirmed, evidence} = this;
		if (confirmed === BASE_PACKET_SIZE || from < this.#since) return false;
		if (this.#open > 0 && behind >= this.#openAt) {
			evidence.missed(this.#open, confirmed, this.#openLoss);
			this.#open = 0;
		}
		if (evidence.weigh(interval, confirmed, loss)) this.#proven(now);
		const {score} = evidence;
		if (score >= CONVICTION) {
			const {hasData} = evidence;
			this.#fall(now, CANDIDATES.length);
			return this.#waitIfUnsteady(now) && hasData;
		}
		if (score >= DOUBT && now - this.#dismissedAt >= DOUBT_PAUSE) this.#doubt(TESTS, now);
		return false;
	}

	/**
	 * Takes the alarm that nothing but probes came in although the peer sent more: the other
	 * direction may have narrowed, too.
	 */
	alarmed(now: Millis): void {
		if (this.confirmed === BASE_PACKET_SIZE || now - this.#alarmedAt < DOUBT_PAUSE) return;
		this.#alarmedAt = now;
		this.#doubt(1, now);
	}

	#doubt(tests: number, now: Millis): void {
		if (this.#tests > 0 || this.#open > 0) return;
		this.#tests = tests;
		this.#next = now;
	}

	get #searching(): boolean {
		return this.#ceiling > CANDIDATES.indexOf(this.confirmed) + 1;
	}

	/**
	 * Takes the refusal of a packet of this size by the system. True: the size was given up. Nothing
	 * is lost when it was only being tried.
	 */
	tooLong(size: number, now: Millis): boolean {
		if (size <= BASE_PACKET_SIZE) return false;
		const first = CANDIDATES.findIndex((candidate) => candidate >= size);
		const ceiling = first < 0 ? CANDIDATES.length : first;
		if (size > this.confirmed) {
			if (ceiling < this.#ceiling) {
				this.#ceiling = ceiling;
				if (this.#raiseAt === NEVER) this.#raiseLater(now);
			}
			return false;
		}
		this.#fall(now, ceiling);
		this.#raiseLater(now);
		return true;
	}

	/**
	 * Takes a report of the network that some packet was too long (ICMP), which any host may forge: a
	 * wrong decision is taken back after one round trip.
	 */
	hinted(now: Millis): void {
		if (this.confirmed === BASE_PACKET_SIZE || now - this.#hintedAt < HINT_PAUSE) return;
		this.#hintedAt = now;
		this.#fall(now, CANDIDATES.length);
	}

	/** Falls back to the base, and rises again at once as far as probes get through. */
	#fall(now: Millis, ceiling: number): void {
		this.confirmed = BASE_PACKET_SIZE;
		this.#since = now;
		this.#reset();
		this.#ceiling = ceiling;
		this.#tries = 0;
		this.#round = 0;
		this.#raiseAt = NEVER;
		this.#raiseAfter = FIRST_RAISE;
		this.#next = now;
	}

	/**
	 * Lets an unsteady path wait, so that one which lets probes through and nothing else does not
	 * make the size go up and down for ever. True: the path is steady.
	 */
	#waitIfUnsteady(now: Millis): boolean {
		const steady = now - this.#fellAt > STEADY + this.#waited;
		this.#waited = steady ? 0 : Math.min(LONGEST_WAIT, Math.max(1000, 2 * this.#waited));
		this.#fellAt = now;
		this.#next = now + this.#waited;
		return steady;
	}
}
