/** The long-term loss remembers at least so many packets... */
const MEMORY = 400;
/** ...and of more this share, each time that the sender slows down. */
const KEPT = 0.7;
/** Slow spells of which the smallest loss is taken. */
const SPELLS = 2;
/** All of a few packets may be lost; a rate divided by what is left must stay finite. */
const MOST = 0.9;
/** Fewer packets than this do not show a round trip's loss. */
const FEWEST = 20;

/**
 * Separates loss of the path itself from loss that the sender causes. The long-term loss is that of
 * packets sent at less than the path carries: a full buffer or a policer spares them, while loss of
 * the path itself strikes at any rate.
 */
export class LossBaseline {
	/** The long-term loss, 0 to below 1. */
	base = 0;
	/** Loss of the last round trip that had packets enough, 0 to 1. */
	recent = 0;
	/**
	 * The smallest loss of the last slow spells, which the sender certainly did not cause, for others
	 * that share a full bottleneck slow down at other times. Packets may be sent so much faster than
	 * they arrive.
	 */
	floor = 0;
	readonly #spells: Float64Array = new Float64Array(SPELLS);
	#spell = 0;
	#spellLost = 0;
	#spellCount = 0;
	#baseLost = 0;
	#baseCount = 0;
	#lost = 0;
	#count = 0;
	#recentCount = 0;

	/**
	 * Counts the fate of one packet.
	 * @param unhurried true: it was sent at less than the path carries
	 */
	sample(isLost: boolean, unhurried: boolean): void {
		const lost = isLost ? 1 : 0;
		this.#count++;
		this.#lost += lost;
		if (unhurried) this.#learn(lost);
	}

	/** Ends a round trip. False: too few packets, which count with the next. */
	closeRound(): boolean {
		if (this.#count < FEWEST) return false;
		this.#recentCount = this.#count;
		this.recent = this.#lost / this.#count;
		this.#lost = 0;
		this.#count = 0;
		return true;
	}

	/** Begins a slow spell of the sender, in which the long-term loss shows anew. */
	startSpell(): void {
		if (this.#spellCount >= FEWEST) {
			this.#spells[this.#spell++ % SPELLS] = Math.min(MOST, this.#spellLost / this.#spellCount);
			this.floor = 1;
			for (let i = 0; i < Math.min(SPELLS, this.#spell); i++) {
				this.floor = Math.min(this.floor, this.#spells[i]!);
			}
			this.#spellLost = 0;
			this.#spellCount = 0;
		}
		if (this.#baseCount <= MEMORY) return;
		const kept = Math.max(KEPT, MEMORY / this.#baseCount);
		this.#baseCount *= kept;
		this.#baseLost *= kept;
	}

	/** True when the last round trip lost more than the share `limit`, and more than by chance. */
	exceeds(limit: number): boolean {
		const count = Math.max(FEWEST, this.#recentCount);
		// Three standard deviations; the last term stands for not knowing `base` exactly.
		const noise = 3 * Math.sqrt((this.base * (1 - this.base) + 1 / count) / count);
		return this.recent > limit && this.recent > this.base + noise;
	}

	#learn(lost: number): void {
		this.#spellLost += lost;
		this.#spellCount++;
		this.#baseLost += lost;
		this.#baseCount++;
		this.base = Math.min(MOST, this.#baseLost / Math.max(FEWEST, this.#baseCount));
		if (this.#spell === 0) this.floor = this.base;
	}
}
