/** Plan by which one direction of a lane sends. */
export interface Plan {
	/** False: sources go as copies, without repairs. */
	readonly coded: boolean;
	/** Bytes sent over bytes of the sources, all headers counted; at least 1. */
	readonly traffic: number;
	/** Sources that a repair covers, 1 to 64. */
	readonly window: number;
	/** Sources of a long turn after which repairs go out in the middle of it. */
	readonly stride: number;
	/** Paths of the sources, in rotation. */
	readonly sources: readonly number[];
	/**
	 * Paths of the repairs. `undefined`: one rotation for both, so that neighbours are on
	 * different paths.
	 */
	readonly repairs: readonly number[] | undefined;
	/** Paths that carry some copies only, so that their loss and delay stay known. */
	readonly samples: readonly number[];
	/** Repairs that cover the last sources before a pause, at least. */
	readonly pauseRepairs: number;
	/** Bytes of a repair's packet on the wire beside its symbol. */
	readonly overhead: number;
}
