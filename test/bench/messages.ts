/** What the main process asks of the load generator and of the sink, and what they answer. */

/** Every datagram begins with the number of its run and its sequence, both 32-bit big-endian. */
export const HEADER_LENGTH = 8;

/** Datagrams of `size` bytes at `rate` a second to a port of loopback. */
export interface LoadCommand {
	/** `ping` also takes the answers of an echo and measures them. */
	readonly type: 'send' | 'ping';
	readonly run: number;
	readonly port: number;
	readonly size: number;
	readonly rate: number;
	readonly millis: number;
}

/** What the generator did; the times are of answers, in microseconds, only after a `ping`. */
export interface LoadResult {
	readonly sent: number;
	readonly millis: number;
	readonly answered: number;
	readonly p50: number;
	readonly p99: number;
}

/** `begin` forgets all former runs; `report` tells of the run so far. */
export type SinkCommand =
	| {readonly type: 'begin'; readonly run: number; readonly echo: boolean}
	| {readonly type: 'report'}
	| {readonly type: 'port'};

/** What arrived at the sink in one run; times of the monotonic clock that all processes share. */
export interface SinkResult {
	readonly port: number;
	/** Different datagrams, and those that came again. */
	readonly unique: number;
	readonly duplicates: number;
	/** When the longest silence between two datagrams began and ended. */
	readonly gapFrom: number;
	readonly gapUntil: number;
}

/** Milliseconds of the monotonic clock that all processes of a machine share. */
export function sharedNow(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}
