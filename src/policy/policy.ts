import type {Millis} from '../bytes/time.ts';

/** Parts of every policy. */
interface Named {
	/** As the user wrote it, `fec 1.5` or `voice`: flows of policies of one name share a lane. */
	readonly name: string;
}

/** A copy of every datagram on each of the best paths. */
export interface RedundantPolicy extends Named {
	readonly kind: 'redundant';
	/** Paths that each packet takes, 1 to 16. 0: as `copies` of the configuration. */
	readonly copies: number;
}

/** Every datagram on the best path alone, with copies on the next one while that is in doubt. */
export interface BestPolicy extends Named {
	readonly kind: 'best';
}

/** Every datagram on one path. */
export interface PinPolicy extends Named {
	readonly kind: 'pin';
	/** Name of the path. */
	readonly path: string;
}

/** Datagrams once, and repairs over other paths from which those that are lost are recovered. */
export interface CodedPolicy extends Named {
	readonly kind: 'fec';
	/** Share of the packets that may be lost or late, such as 1e-4. */
	readonly residual: number;
	/** Time from when a packet is due until it is late. */
	readonly within: Millis;
	/** Largest traffic factor: bytes sent on all paths over bytes of the datagrams' packets. */
	readonly traffic: number;
	/** Standing traffic factor, at least 1. */
	readonly floor: number;
	/**
	 * True: the least traffic; the silent death of a path costs what is sent until it is noticed.
	 */
	readonly cheap: boolean;
	/** Most kbit/s on all paths together. 0: no limit. */
	readonly rate: number;
	/** Names of the paths that it may use. Empty: all. */
	readonly paths: readonly string[];
}

/** A promise that flows may get. */
export type Policy = RedundantPolicy | BestPolicy | PinPolicy | CodedPolicy;

/** The policy of a flow for which no rule says anything else: that of lane 0. */
export const REDUNDANT: RedundantPolicy = {name: 'redundant', kind: 'redundant', copies: 0};

/** Facts of a flow, or of one target of it, by which its policy is chosen. */
export interface FlowFacts {
	/** Index of the listener in the client's configuration. */
	readonly listener: number;
	/** Login at SOCKS5. '': none. */
	readonly user: string;
	/**
	 * Host that the application asked for, a name in lower case or an IP address as text.
	 * `undefined`: the fixed target, which the client does not know.
	 */
	readonly host: string | undefined;
	/** Port of that host. 0: that of the fixed target. */
	readonly port: number;
}

/** Chooses the policy of a flow, or of one target of it. */
export interface PolicyChooser {
	choose(facts: FlowFacts): Policy;
}
