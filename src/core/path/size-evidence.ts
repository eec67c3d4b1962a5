import {BASE_PACKET_SIZE, MAX_PACKET_SIZE} from '../../wire/constants.ts';

/** Sizes searched, in bytes of UDP payload: tunnels, PPPoE, IPv6 and IPv4 over Ethernet. */
export const CANDIDATES: readonly number[] = [1280, 1392, 1420, 1452, 1472];

/** Sizes that a path may be left with when the next candidate stops getting through. */
const LIMITS: readonly number[] = [BASE_PACKET_SIZE, ...CANDIDATES.slice(0, -1)];

/** Index of the counts of probes with padding: each of them is answered or missed by itself. */
const TRIALS = LIMITS.length;

/** The index of the largest limit below each size: one lookup and one count for a packet. */
const CLASSES = Uint8Array.from({length: MAX_PACKET_SIZE + 1}, (_, size) =>
	Math.max(
		0,
		LIMITS.findLastIndex((limit) => size > limit),
	),
);

/**
 * Chance of losing a packet by luck: what is measured on few packets does not count beyond this.
 */
const LEAST_LOSS = 0.05;
const MOST_LOSS = 0.75;

/**
 * Most that one interval between two probes may add: packets lost together may have one cause that
 * has nothing to do with size, such as a short outage.
 */
const MOST_PER_INTERVAL = Math.log(100);

/**
 * Intervals after overtaking was seen in which missing packets, some of which are only late, add up
 * to a doubt; probes of that size decide.
 */
const OVERTAKING_FOR = 256;

/**
 * Evidence (ln of a likelihood ratio) from which on a size is tested, and from which on it is given
 * up.
 */
export const DOUBT: number = Math.log(5);
export const CONVICTION: number = Math.log(1e4);

/**
 * Packets sent on a path so far, by the largest limit below their size; see {@link
 * SizeEvidence.counts}.
 */
export type SizeCounts = Readonly<Float64Array>;

/** Packets sent between two probes that the peer echoed, and those of them that arrived. */
export interface SizeInterval {
	readonly packets: number;
	readonly arrived: number;
	/** The counts when the first and the last of the two probes went out. */
	readonly from: SizeCounts;
	readonly to: SizeCounts;
}

/**
 * Watches for packets that are lost for their size. For each limit that the path may have fallen to
 * it compares two explanations of what the peer counted between two probes: that the larger packets
 * were all lost, and that loss took large and small alike. The logarithms of the ratios are summed,
 * and the sum begins anew when it falls below zero (Page's CUSUM test, Biometrika 41, 1954), so
 * that hours of health do not outweigh a second of evidence.
 */
export class SizeEvidence {
	#counts = new Float64Array(LIMITS.length + 1);
	/** True while the current counts are handed out, and must not change. */
	#shared = false;
	readonly #scores = new Float64Array(LIMITS.length);
	/** Intervals for which packets are still taken to overtake each other. */
	#overtaking = 0;
	/** Set when data was among the packets that seem lost for their size, and not only probes. */
	hasData = false;

	/** Counts a packet larger than BASE_PACKET_SIZE, or a probe of that size. */
	sent(bytes: number, isProbe: boolean): void {
		if (this.#shared) {
			this.#counts = this.#counts.slice();
			this.#shared = false;
		}
		this.#counts[isProbe ? TRIALS : CLASSES[bytes]!]!++;
	}

	/** The counts so far; they stay as they are when more is sent. */
	get counts(): SizeCounts {
		this.#shared = true;
		return this.#counts;
	}

	/** The strongest evidence that the path carries less than it did: ln of the likelihood ratio. */
	get score(): number {
		return this.#scores.reduce((most, score) => Math.max(most, score));
	}

	/**
	 * Weighs an interval; `loss` is that of small packets. True: packets arrived that only a path of
	 * at least `confirmed` carries.
	 */
	weigh({packets, arrived, from, to}: SizeInterval, confirmed: number, loss: number): boolean {
		const each = logLoss(loss);
		const counted = packets - (to[TRIALS]! - from[TRIALS]!);
		this.#overtaking = arrived > packets ? OVERTAKING_FOR : Math.max(0, this.#overtaking - 1);
		const most = this.#overtaking > 0 ? DOUBT : Number.POSITIVE_INFINITY;
		let proven = false;
		let large = 0;
		for (let i = TRIALS - 1; i >= 0; i--) {
			large += to[i]! - from[i]!;
			if (large === 0) continue;
			const small = counted - large;
			if (arrived > small) {
				this.#scores[i] = 0;
				if (CANDIDATES[i] === confirmed) proven = true;
			} else if (2 * arrived >= small) {
				// Where most of the small ones were lost as well the path is the cause, not the size.
				const ratio = logChoose(small, arrived) - logChoose(counted, arrived) - large * each;
				const before = this.#scores[i]!;
				const score = before + Math.min(MOST_PER_INTERVAL, ratio);
				this.#scores[i] = Math.max(0, Math.min(score, Math.max(before, most)));
				if (ratio > 0) this.hasData = true;
			}
		}
		return proven;
	}

	/** Counts probes of the size `confirmed` that were not answered; `loss` as for small probes. */
	missed(probes: number, confirmed: number, loss: number): void {
		for (let i = 0; i < TRIALS && LIMITS[i]! < confirmed; i++) {
			this.#scores[i]! -= probes * logLoss(loss);
		}
	}

	/** Begins anew. */
	reset(): void {
		this.#scores.fill(0);
		this.hasData = false;
	}
}

function logLoss(loss: number): number {
	return Math.log(Math.min(MOST_LOSS, Math.max(LEAST_LOSS, loss)));
}

/** Returns ln of the number of ways to choose k of n. */
function logChoose(n: number, k: number): number {
	return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** Returns ln(n!), by Stirling's series from 10 on. */
function logFactorial(n: number): number {
	if (n < 10) {
		let product = 1;
		for (let i = 2; i <= n; i++) product *= i;
		return Math.log(product);
	}
	return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n);
}
