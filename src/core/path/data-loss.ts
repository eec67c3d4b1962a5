import type {Millis} from '../../bytes/time.ts';

/**
 * Checkpoints kept: as many samples, when there are so few, separate a good path from a slightly
 * lossy one.
 */
const CHECKPOINTS = 128;

/** Checkpoints over which the loss is shown. */
const SHOWN = 32;
/** Packets below which a share is not shown: a copy that came before its path was known is one. */
const FEW = 10;

/**
 * Shares of data lost above which a path is of the next grade: what is chosen for goes by these.
 */
const BOUNDS = [0.03, 0.1, 0.25, 0.5] as const;
/** The worst grade: more is lost than arrives. */
export const WORST_GRADE: number = BOUNDS.length;

/** Certainty that a grade needs, as -ln of the chance that luck explains the counts. */
const SURE_WORSE = 10;
const SURE_BETTER = 3;
/**
 * Data of less time is not judged: a burst of losses, or a stream that finds its rate, is over by
 * then.
 */
const SHORTEST_SPAN: Millis = 400;
/**
 * A grade that got worse stands for this long, and for twice as long each time it does so again...
 */
const FIRST_HOLD: Millis = 2000;
const LONGEST_HOLD: Millis = 64_000;
/**
 * ...within this time of having got better: a path that only seems healed is tried ever less often.
 */
const RELAPSE: Millis = 30_000;

/**
 * While a path is not chosen it gets a copy so often, and one of so many packets a little more
 * often.
 */
const SAMPLE_EVERY: Millis = 200;
const SAMPLE_SHARE = 16;
const SHORTEST_SAMPLE: Millis = 50;

/**
 * Returns the relative entropy of loss `q` to loss `p`, so that exp(-n x this) bounds the chance of
 * counting a share at least as far off as q among n packets (Chernoff).
 */
function divergence(q: number, p: number): number {
	const lost = q > 0 ? q * Math.log(q / p) : 0;
	return lost + (q < 1 ? (1 - q) * Math.log((1 - q) / (1 - p)) : 0);
}

/**
 * Share of the data sent on a path that arrives, apart from probes: a path may carry these and
 * nothing else. Counted between pairs of counters that an echoed probe brings together.
 */
export class DataLossMeter {
	/**
	 * Grade of the path, from `0` (loses at most 3 %, or nothing is known) to {@link WORST_GRADE}.
	 */
	grade = 0;
	readonly #at: Float64Array = new Float64Array(CHECKPOINTS);
	readonly #sent: Float64Array = new Float64Array(CHECKPOINTS);
	readonly #received: Float64Array = new Float64Array(CHECKPOINTS);
	#count = 0;
	/** The peer's newest counts, modulo 2^32 and 2^16. */
	#packets = 0;
	#probes = 0;
	#worseAt: Millis = Number.NEGATIVE_INFINITY;
	#betterAt: Millis = Number.NEGATIVE_INFINITY;
	#hold: Millis = FIRST_HOLD;
	#sampledAt: Millis = Number.NEGATIVE_INFINITY;
	#unsampled = 0;

	/**
	 * Takes the echo of a probe sent at `at`: `sent` packets of data had gone before it, and the peer
	 * had received so many packets and probes when it came. True: the grade changed.
	 */
	update(at: Millis, sent: number, packets: number, probes: number): boolean {
		if (this.#count === 0) {
			this.#add(at, sent, 0, packets, probes);
			return false;
		}
		const last = (this.#count - 1) % CHECKPOINTS;
		const packetStep = (packets - this.#packets) | 0;
		const probeStep = ((probes - this.#probes) << 16) >> 16;
		// A probe that was overtaken shows less than the one before it, one without data nothing.
		if (sent <= this.#sent[last]! || packetStep < 0 || probeStep < 0) return false;
		const received = this.#received[last]! + packetStep - probeStep;
		this.#add(at, sent, received, packets, probes);
		return this.#judge();
	}

	#add(at: Millis, sent: number, received: number, packets: number, probes: number): void {
		const index = this.#count++ % CHECKPOINTS;
		this.#at[index] = at;
		this.#sent[index] = sent;
		this.#received[index] = received;
		this.#packets = packets;
		this.#probes = probes;
	}

	/**
	 * Judges all spans that end now: a change shows in a short one first, little of it in a long one.
	 */
	#judge(): boolean {
		const before = this.grade;
		const last = this.#count - 1;
		const at = this.#at[last % CHECKPOINTS]!;
		const oldest = Math.max(0, this.#count - CHECKPOINTS);
		let worse = before;
		let better = before;
		for (let i = last - 1; i >= oldest; i--) {
			const from = this.#at[i % CHECKPOINTS]!;
			const count = this.#sentSince(i);
			const loss = this.#lossSince(i);
			if (at - from >= SHORTEST_SPAN) worse = worsened(worse, count, loss);
			if (from >= this.#worseAt) better = bettered(better, count, loss);
		}
		if (worse > before) this.#worsen(worse, at);
		else if (better < before && at >= this.#worseAt + this.#hold) {
			this.grade = better;
			this.#betterAt = at;
		}
		return this.grade !== before;
	}

	#worsen(grade: number, at: Millis): void {
		if (at - this.#betterAt < RELAPSE) this.#hold = Math.min(LONGEST_HOLD, 2 * this.#hold);
		else if (at - this.#worseAt > RELAPSE) this.#hold = FIRST_HOLD;
		// Getting worse step by step is one relapse.
		this.#betterAt = Number.NEGATIVE_INFINITY;
		this.#worseAt = at;
		this.grade = grade;
	}

	#sentSince(index: number): number {
		const last = (this.#count - 1) % CHECKPOINTS;
		return this.#sent[last]! - this.#sent[index % CHECKPOINTS]!;
	}

	#lossSince(index: number): number {
		const last = (this.#count - 1) % CHECKPOINTS;
		const received = this.#received[last]! - this.#received[index % CHECKPOINTS]!;
		return Math.min(1, Math.max(0, 1 - received / this.#sentSince(index)));
	}

	/** Share of data lost over the newest checkpoints, 0 to 1. `undefined`: fewer than two. */
	get loss(): number | undefined {
		return this.#count < 2 ? undefined : this.#lossSince(this.#oldestShown);
	}

	/** The same for people. `undefined`: too few packets to say. */
	get shown(): number | undefined {
		const isEnough = this.#count >= 2 && this.#sentSince(this.#oldestShown) >= FEW;
		return isEnough ? this.loss : undefined;
	}

	get #oldestShown(): number {
		return Math.max(0, this.#count - 1 - SHOWN);
	}

	/**
	 * Begins the counts anew after the path was down: its losses then do not show what it delivers
	 * now. The grade stays.
	 */
	restart(): void {
		this.#count = 0;
	}

	/** Forgets the losses: the path is cured of their cause. */
	forget(): void {
		this.grade = 0;
		this.#count = 0;
		this.#worseAt = Number.NEGATIVE_INFINITY;
		this.#betterAt = Number.NEGATIVE_INFINITY;
	}

	/**
	 * Counts a packet that passes the path by. True: a copy of it should be sent there, to measure
	 * what arrives.
	 */
	sample(now: Millis, metered: boolean): boolean {
		this.#unsampled++;
		const scale = (this.grade === WORST_GRADE ? 2 : 1) * (metered ? 5 : 1);
		const pause = this.#unsampled >= SAMPLE_SHARE * scale ? SHORTEST_SAMPLE : SAMPLE_EVERY;
		if (now - this.#sampledAt < pause * scale) return false;
		this.#sampledAt = now;
		this.#unsampled = 0;
		return true;
	}
}

/** Returns the grade of a path that certainly loses so much, at least `grade`. */
function worsened(grade: number, count: number, loss: number): number {
	let worse = grade;
	for (; worse < WORST_GRADE; worse++) {
		const bound = BOUNDS[worse]!;
		if (loss <= bound || count * divergence(loss, bound) <= SURE_WORSE) break;
	}
	return worse;
}

/** Returns the grade of a path that hardly loses more, at most `grade`. */
function bettered(grade: number, count: number, loss: number): number {
	let better = grade;
	for (; better > 0; better--) {
		const bound = BOUNDS[better - 1]!;
		if (loss >= bound || count * divergence(loss, bound) <= SURE_BETTER) break;
	}
	return better;
}
