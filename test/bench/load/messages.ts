/** What the main process asks of the load generator and of the sink, and what they answer. */

/** Numbered datagrams at a rate for a while. */
export interface LoadCommand {
	readonly run: number;
	readonly host: string;
	/** Each datagram goes to every one of them. */
	readonly ports: readonly number[];
	/** Sockets that take turns. */
	readonly flows: number;
	/** Lengths in bytes that take turns. */
	readonly sizes: readonly number[];
	/** Datagrams a second; Infinity = as many as possible. */
	readonly rate: number;
	readonly millis: number;
	/** Every so many-th datagram is sent back by the sink; 0 = none. */
	readonly echoEvery: number;
	/** How long what comes back may take after the end. */
	readonly drainMillis: number;
}

/** What a command asks for unless it says so. */
export const NO_LOAD: Pick<LoadCommand, 'flows' | 'echoEvery' | 'drainMillis'> = {
	flows: 1,
	echoEvery: 0,
	drainMillis: 0,
};

/** What the generator did. */
export interface LoadResult {
	/** Datagrams that the system took, each counted once however many copies went out. */
	readonly sent: number;
	/** When it began, on the shared clock, and how long it sent. */
	readonly begin: number;
	readonly millis: number;
	/** Datagrams whose echo was wanted, and those that came back. */
	readonly wanted: number;
	readonly echoed: number;
	/** Round trips of the echoed ones, in microseconds. */
	readonly p50: number;
	readonly p99: number;
	/** Datagrams that the sink sent by itself and that arrived here. */
	readonly pushed: number;
	readonly pushedTwice: number;
	/** When the last of them came. */
	readonly lastPushed: number;
}

export type SinkCommand =
	/** Forgets all former runs. */
	| {
			readonly type: 'begin';
			readonly run: number;
			/** Datagrams a second back to the source for as long as the load lasts. */
			readonly push?: {readonly rate: number; readonly size: number; readonly millis: number};
	  }
	/** Tells of the run so far. */
	| {readonly type: 'report'};

/** What arrived at the sink in one run; times of the monotonic clock that all processes share. */
export interface SinkResult {
	/** How datagrams are received. */
	readonly description: string;
	readonly port: number;
	/** Different datagrams, their bytes, those that came again, and those out of order. */
	readonly unique: number;
	readonly bytes: number;
	readonly duplicates: number;
	readonly reordered: number;
	/** Those that found the sink's queue full: the sink was the bottleneck. */
	readonly missed: number;
	/** From sending to arrival in microseconds. */
	readonly delayP50: number;
	readonly delayP99: number;
	/** When the last one came. */
	readonly last: number;
	/** When the longest silence between two datagrams began and ended. */
	readonly gapFrom: number;
	readonly gapUntil: number;
	/** Datagrams that it sent by itself. */
	readonly pushed: number;
}

/** Forged packets at a rate for a while. */
export interface Flood {
	/** Packets a second. */
	readonly rate: number;
	readonly millis: number;
	/** From the address of the path that leads through the forger, else from an unknown one. */
	readonly fromPath: boolean;
	/** INITs of the client that came by, with another key and ciphertext, from many addresses. */
	readonly inits?: boolean;
}

/** What the forger did; times in milliseconds. */
export interface FloodResult {
	readonly sent: number;
	readonly millis: number;
}

export type ForgerCommand =
	/** Relays to this port of loopback; answered with the port to send to. */
	| {readonly type: 'relay'; readonly port: number}
	/** Answered with a `FloodResult` when it is over. */
	| {readonly type: 'flood'; readonly flood: Flood};
