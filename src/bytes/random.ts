/**
 * Source of all randomness of the core: the system's CSPRNG in production, a seeded generator in
 * simulations, so that a seed replays a whole run, handshakes included.
 */
export interface Random {
	/** Fills `bytes` with random bytes. */
	fill(bytes: Uint8Array): void;
	/** A uniform integer, 0 to 2^32 - 1. */
	uint32(): number;
}
