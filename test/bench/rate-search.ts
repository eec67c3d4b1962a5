const FIRST_RATE = 20_000;
const HIGHEST_RATE = 3_000_000;
const COARSE = 1.5;
const FINE = 1.15;
const BISECTIONS = 2;
const FINE_ENOUGH = 1.05;
const LOWEST_RATE = 500;
/** Below this part of the wanted rate the generator, not the system, is at its limit. */
const GENERATOR_FLOOR = 0.9;

/** Below this part of the sent rate what arrives only fills a queue. */
const LASTING_PART = 0.9;

/** What came of one rate. */
export interface RateTrial {
	/** Datagrams a second that were sent, and that arrived. */
	readonly offered: number;
	readonly carried: number;
	readonly loss: number;
}

/** The best that was found. */
export interface Best {
	/** What was offered then; 0 = no rate was carried. */
	readonly rate: number;
	readonly carried: number;
	/** The generator could not offer more. */
	readonly limited: boolean;
}

/**
 * Searches the highest rate that loses no more than that: yields a rate, is told what came of it.
 * Upwards in steps until it loses too much, then between the last two rates.
 */
export function* searchRate(
	lossLimit: number,
	former: number | undefined,
): Generator<number, Best, RateTrial> {
	let best: Best = {rate: 0, carried: 0, limited: false};
	let failed = Number.POSITIVE_INFINITY;
	const judge = (rate: number, {carried, loss, offered}: RateTrial) => {
		if (!(loss <= lossLimit) || carried < LASTING_PART * offered) return false;
		const limited = offered < GENERATOR_FLOOR * rate;
		if (carried > best.carried) best = {rate: Math.min(rate, offered), carried, limited};
		return !limited;
	};
	const step = former ? FINE : COARSE;
	let rate = former || FIRST_RATE;
	// A machine with something else to do spoils single runs, so one more is allowed to pass.
	while (rate > LOWEST_RATE && !judge(rate, yield rate) && !judge(rate, yield rate)) {
		failed = rate;
		rate /= step;
	}
	while (failed > rate * step && rate < HIGHEST_RATE) {
		rate *= step;
		if (!judge(rate, yield rate) && !judge(rate, yield rate)) failed = rate;
	}
	for (let i = 0; i < BISECTIONS && best.rate > 0 && failed / best.rate > FINE_ENOUGH; i++) {
		if (failed === Number.POSITIVE_INFINITY) break;
		rate = Math.sqrt(best.rate * failed);
		if (!judge(rate, yield rate)) failed = rate;
	}
	return best;
}
