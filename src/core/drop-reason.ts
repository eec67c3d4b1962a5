/** Reasons why a datagram from the network, or one for it, was dropped; each has a counter. */
export const DROP_REASONS = [
	'short',
	'not-ours',
	'unknown-session',
	'unknown-epoch',
	'duplicate',
	'too-old',
	'bad-tag',
	'flood',
	'malformed-frame',
	'unknown-key',
	'bad-handshake',
	'stale-handshake',
	'other-version',
	'encryption-differs',
	'unexpected',
	'unknown-flow',
	'flow-limit',
	'no-exit',
	'unknown-target',
	'refused',
	'reassembly',
	'no-session',
	'queue-full',
	'too-late',
	'too-long',
	'saturated',
	'amplification',
	'no-slot',
	'fault',
	'event',
] as const;

/** A reason of {@link DROP_REASONS}. */
export type DropReason = (typeof DROP_REASONS)[number];

/** Counts of drops by reason. */
export class DropCounters {
	readonly #counts = new Map<DropReason, number>();

	/** Counts one drop, or several, and hands the reason back, so that a caller can return it. */
	count(reason: DropReason, times = 1): DropReason {
		this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + times);
		return reason;
	}

	/** Returns the number of drops for a reason. */
	get(reason: DropReason): number {
		return this.#counts.get(reason) ?? 0;
	}

	/** Returns the reasons that occurred, with their counts. */
	entries(): Record<string, number> {
		return Object.fromEntries(this.#counts);
	}
}
