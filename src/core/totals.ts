import {addCounts, createCounts, type SenderCounts} from '../fec/sender-counts.ts';

/** Names of paths, and of policies, of one user that have counts of their own. */
const NAMES = 16;
/** Name that all further ones share. */
export const OTHER_NAME = 'other';

/** Sources of a coded lane, as their receiver counts them. */
export interface SourceCounts {
	/** Sources that arrived. */
	readonly received: number;
	/** Sources that repairs brought back. */
	readonly recovered: number;
	/** Sources that never came. */
	readonly missing: number;
	/** Sources of the first two that came later than promised. */
	readonly late: number;
}

/** Counts that only rise, of one direction of paths. */
export interface TrafficTotals {
	/** Packets, copies included. */
	packets: number;
	/** Bytes of these on the wire, headers of IPv4 and UDP included. */
	bytes: number;
	/** Bytes of those with parts of streams: when receiving, of the first copies alone. */
	streamBytes: number;
}

/** Counts of the paths with one name. */
export interface PathTotals {
	readonly name: string;
	readonly sending: TrafficTotals;
	readonly receiving: TrafficTotals;
	/** Copies dropped because the path cannot carry them. */
	saturated: number;
}

/** Counts of the lanes of one policy. */
export interface LaneTotals {
	/** Name of the policy. */
	readonly policy: string;
	/** Datagrams sent. */
	datagrams: number;
	/** Packets sent: those of the datagrams, further copies of them, repairs; bytes on the wire. */
	readonly sending: SenderCounts;
	/** Coded lanes: fate of the sources sent, as the peer reports it. */
	readonly reported: Counts;
	/** Coded lanes: fate of those that the peer sent. */
	readonly receiving: Counts;
}

/** Counts of the sessions of one user since the program began; all of them only rise. */
export interface TotalsStatus {
	/** Name of its key. `''`: the only one. */
	readonly user: string;
	/** Sessions that came up, and the times that their keys were replaced. */
	readonly sessions: number;
	readonly rekeys: number;
	/** Application datagrams sent into the tunnel, delivered out of it, and sent in parts. */
	readonly datagramsSent: number;
	readonly datagramsReceived: number;
	readonly datagramsSplit: number;
	/** TCP connections opened or accepted, and bytes of applications into the tunnel and out. */
	readonly streamsOpened: number;
	readonly streamBytesSent: number;
	readonly streamBytesReceived: number;
	/** By name; those beyond 16 names are one, `other`. */
	readonly paths: readonly PathTotals[];
	/** By policy, likewise. */
	readonly lanes: readonly LaneTotals[];
}

/** Counts of sources that may be added to. */
export type Counts = {-readonly [K in keyof SourceCounts]: SourceCounts[K]};

/** Sums under names from outside: the first 16 have their own, all others share one. */
export class NamedSums<T> {
	readonly #make: (name: string) => T;
	readonly #sums = new Map<string, T>();

	constructor(make: (name: string) => T) {
		this.#make = make;
	}

	/** Returns the sum for a name, made when it is new: a name keeps its place for good. */
	of(name: string): T {
		const shown = this.#sums.has(name) || this.#sums.size < NAMES ? name : OTHER_NAME;
		let sum = this.#sums.get(shown);
		if (sum === undefined) {
			sum = this.#make(shown);
			this.#sums.set(shown, sum);
		}
		return sum;
	}

	/** Returns all sums in the order in which they were made. */
	all(): readonly T[] {
		return [...this.#sums.values()];
	}
}

/** Returns counts of a path name that begin at 0. */
export function noPathTotals(name: string): PathTotals {
	return {name, sending: noTraffic(), receiving: noTraffic(), saturated: 0};
}

/** Returns counts of a policy that begin at 0. */
export function noLaneTotals(policy: string): LaneTotals {
	const sending = createCounts();
	return {policy, datagrams: 0, sending, reported: noCounts(), receiving: noCounts()};
}

function noTraffic(): TrafficTotals {
	return {packets: 0, bytes: 0, streamBytes: 0};
}

function noCounts(): Counts {
	return {received: 0, recovered: 0, missing: 0, late: 0};
}

/** Adds the counts of a path to a sum, `sign` times: 1 or -1. */
export function addPath(sum: PathTotals, path: Omit<PathTotals, 'name'>, sign = 1): void {
	addTraffic(sum.sending, path.sending, sign);
	addTraffic(sum.receiving, path.receiving, sign);
	sum.saturated += sign * path.saturated;
}

function addTraffic(sum: TrafficTotals, traffic: TrafficTotals, sign: number): void {
	sum.packets += sign * traffic.packets;
	sum.bytes += sign * traffic.bytes;
	sum.streamBytes += sign * traffic.streamBytes;
}

/** Adds the counts of a lane to a sum. */
export function addLane(sum: LaneTotals, lane: LaneTotals): void {
	sum.datagrams += lane.datagrams;
	addCounts(sum.sending, lane.sending);
	addFates(sum.reported, lane.reported);
	addFates(sum.receiving, lane.receiving);
}

function addFates(sum: Counts, counts: SourceCounts): void {
	sum.received += counts.received;
	sum.recovered += counts.recovered;
	sum.missing += counts.missing;
	sum.late += counts.late;
}
