/** The kinds of program that keep state; their folders are always apart. */
export type StateKind = 'client' | 'server';

/** Local UDP ports by path name, kept over restarts. */
export interface LocalPorts {
	get(path: string): number | undefined;
	/** Remembers a port (1 to 65535); written to the file by the next {@link LocalPorts.save}. */
	set(path: string, port: number): void;
	/** Writes the state file when something changed; a failure is returned as a warning, not thrown. */
	save(): string | undefined;
}

/** A program's state, held by its lock until `release()`. */
export interface StateFolder {
	/** Absolute path; undefined = state lives in memory only (see `warnings`). */
	readonly folder: string | undefined;
	/** 16 random bytes that name this client to the server; the same after a restart. */
	readonly clientId: Uint8Array;
	readonly localPorts: LocalPorts;
	/** Where the status socket belongs; undefined = there is no good place for one. */
	readonly socketPath: string | undefined;
	/** What the user should know, one sentence each; already escaped. */
	readonly warnings: readonly string[];
	/** Saves, and gives the lock up; may be called twice, never throws. */
	release(): void;
}

/** How to open a state folder. */
export interface StateFolderInit {
	readonly kind: StateKind;
	/** `--state`: an absolute path; undefined = the default folder of this kind and identity. */
	readonly folder: string | undefined;
	/** What tells configurations apart, see `clientIdentity` and `serverIdentity`. */
	readonly identity: string;
	/** Where XDG_STATE_HOME and HOME are looked up. */
	readonly env: Readonly<Record<string, string | undefined>>;
}
