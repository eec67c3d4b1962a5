/** Reason why a datagram of a SOCKS association was dropped; each has a counter. */
export const SOCKS_DROP_REASONS = [
	'wrong-source',
	'wrong-port',
	'wrong-user',
	'port-limit',
	'malformed-header',
	'bad-name',
	'port-zero',
	'bad-fragment',
	'fragment-abandoned',
	'fragment-limit',
	'too-long',
	'filtered',
	'unknown-port',
	'closed',
] as const;

/** A reason of {@link SOCKS_DROP_REASONS}. */
export type SocksDropReason = (typeof SOCKS_DROP_REASONS)[number];

/** Counts of dropped datagrams by reason. */
export class SocksDropCounters {
	readonly #counts = new Map<SocksDropReason, number>();

	/** Counts `times` drops and hands the reason back, so that a caller can return it. */
	count(reason: SocksDropReason, times: number = 1): SocksDropReason {
		this.#counts.set(reason, this.get(reason) + times);
		return reason;
	}

	/** Drops for that reason. */
	get(reason: SocksDropReason): number {
		return this.#counts.get(reason) ?? 0;
	}

	/** All reasons that occurred, with their counts. */
	entries(): Record<string, number> {
		return Object.fromEntries(this.#counts);
	}
}
