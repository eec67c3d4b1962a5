import type {Millis} from '../bytes/time.ts';

/** Time after which a raise must have paid, beside two round trips. */
const TRIAL: Millis = 1000;
/** Part of what a raise added that has to arrive. */
const PAID = 1 / 2;
/** Standard deviations by which chance may move what is delivered. */
const CHANCE = 1.5;

interface Trial {
	readonly until: Millis;
	/** Packets for each source, and packets a ms that were delivered, before the raise. */
	readonly before: number;
	readonly delivered: number;
}

/**
 * Trial of raises: about as much more has to arrive as was added. While chance could explain
 * both, it goes on.
 */
export class RaiseTrial {
	#trial: Trial | undefined;

	/**
	 * The traffic factor is about to be raised; a trial that is on counts this raise, too.
	 * @param sent packets for each source @param delivered packets a ms
	 */
	begin(sent: number, delivered: number, now: Millis): void {
		this.#trial ??= {until: now + TRIAL, before: sent, delivered};
	}

	/** Nothing was sent for a while: what is delivered now says nothing of a raise before. */
	cancel(): void {
		this.#trial = undefined;
	}

	/**
	 * True when raises did not pay, once.
	 * @param sent packets for each source @param delivered packets a ms @param rate sources in a ms
	 */
	hasFailed(sent: number, delivered: number, rate: number, now: Millis): boolean {
		const trial = this.#trial;
		if (trial === undefined || now < trial.until) return false;
		const due = PAID * (sent - trial.before) * rate;
		const gained = delivered - trial.delivered;
		const hasPaid = gained >= due || due <= 0;
		const chance = CHANCE * Math.sqrt(delivered / TRIAL);
		const isCertain = gained + chance < due;
		this.#trial = hasPaid || isCertain ? undefined : {...trial, until: now + TRIAL};
		return isCertain;
	}
}
