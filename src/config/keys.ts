/** One user's pre-shared key. */
export interface UserKey {
	/** Unique among the users of one program; for logs and counters, never sent. */
	readonly name: string;
	/** 32 bytes, never all zero; must not be printed. */
	readonly psk: Uint8Array;
}

/**
 * The keys of one program. Keyless exists only when nothing about keys was configured anywhere;
 * otherwise there is at least one user, and exactly one on a client.
 */
export type KeyOptions =
	| {readonly keyless: true}
	| {readonly keyless: false; readonly users: readonly [UserKey, ...UserKey[]]};
