import type {Prng} from './prng.ts';

/**
 * Loss of a link. `loss` is the mean share, 0 to 1.
 * - `none`: nothing is lost.
 * - `random`: each with the same probability, independent of the others (Bernoulli).
 * - `burst`: Gilbert-Elliott with a good state that loses nothing and a bad state that loses
 *   everything; `meanBurst` is the mean length of a run of losses, in datagrams. 1 means that no
 *   two neighbours are lost, rarer than chance: runs of `random` have length 1 / (1 - loss).
 * - `trace`: a recorded sequence, true for lost, repeated from its beginning.
 */
export type LossConfig =
	| {readonly kind: 'none'}
	| {readonly kind: 'random'; readonly loss: number}
	| {readonly kind: 'burst'; readonly loss: number; readonly meanBurst: number}
	| {readonly kind: 'trace'; readonly lost: readonly boolean[]};

/** Throws a RangeError when no loss process has these parameters. */
export function checkLoss(config: LossConfig): void {
	if (config.kind === 'none') return;
	if (config.kind === 'trace') {
		if (config.lost.length === 0) throw new RangeError('"lost" expected at least one entry');
		return;
	}
	const {loss} = config;
	if (!(loss >= 0 && loss <= 1)) throw new RangeError(`"loss" expected 0 to 1, got ${loss}`);
	if (config.kind === 'random' || loss === 1) return;
	// The gaps between runs are at least one datagram long, which bounds the loss from above.
	const shortest = Math.max(1, loss / (1 - loss));
	if (!(config.meanBurst >= shortest && config.meanBurst < Number.POSITIVE_INFINITY)) {
		const least = shortest.toFixed(2);
		throw new RangeError(
			`"meanBurst" expected at least ${least} at this loss, got ${config.meanBurst}`,
		);
	}
}

/**
 * The state of one loss process. Draws exactly one number per datagram (none for `none` and
 * `trace`), and keeps its place, the bad state and its random stream when the parameters change.
 */
export class LossProcess {
	readonly #random: Prng;
	#config: LossConfig;
	#isBad: boolean | undefined;
	#position = 0;

	/** Takes over `random`. */
	constructor(config: LossConfig, random: Prng) {
		checkLoss(config);
		this.#config = config;
		this.#random = random;
	}

	/** Returns true when the next datagram is lost. */
	next(): boolean {
		const config = this.#config;
		switch (config.kind) {
			case 'none':
				return false;
			case 'random':
				return this.#random.uniform() < config.loss;
			case 'burst':
				return this.#nextOfBurst(config.loss, config.meanBurst);
			case 'trace': {
				const lost = config.lost[this.#position % config.lost.length] === true;
				this.#position++;
				return lost;
			}
		}
	}

	/** Changes the parameters for the datagrams from now on. */
	configure(config: LossConfig): void {
		checkLoss(config);
		this.#config = config;
	}

	#nextOfBurst(loss: number, meanBurst: number): boolean {
		const draw = this.#random.uniform();
		if (loss === 1) this.#isBad = true;
		// The first datagram meets the long-run share of the bad state, so short runs are not biased.
		else if (this.#isBad === undefined) this.#isBad = draw < loss;
		else if (this.#isBad) this.#isBad = draw >= 1 / meanBurst;
		else this.#isBad = draw < loss / (1 - loss) / meanBurst;
		return this.#isBad;
	}
}
