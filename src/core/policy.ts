/** Promises that flows may get. */
export const Policy = {
	/** A copy of every datagram on each of the best paths. */
	REDUNDANT: 'redundant',
	/** Every datagram on the best path alone, with copies on the next one while that is in doubt. */
	BEST: 'best',
} as const;
/** One of {@link Policy}. */
export type Policy = (typeof Policy)[keyof typeof Policy];
