import type {Millis} from '../../../src/bytes/time.ts';
import type {Coding} from '../../../src/core/coding.ts';
import type {DropReason} from '../../../src/core/drop-reason.ts';
import type {ClientConfig, ClientPathConfig, ServerConfig} from '../../../src/core/endpoint.ts';
import type {Environment} from '../../../src/core/environment.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import type {TunnelStream} from '../../../src/core/tunnel-stream.ts';
import type {AeadFactory} from '../../../src/crypto/aead.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import type {End} from './datagram-ledger.ts';
import type {CountedClient, CountedServer} from './slot-count.ts';

/** A packet under way. */
export interface Flight {
	readonly bytes: Uint8Array;
	/** Towards the server: where it seems to come from. */
	readonly remote: RemoteAddress;
	/** True where it must not be in one run with others. */
	readonly alone?: boolean;
}

/** What makes the ends of a world; `undefined`: one of this build. */
export interface WorldEnds {
	readonly client?: (config: ClientConfig, environment: Environment) => CountedClient | undefined;
	readonly server?: (config: ServerConfig, environment: Environment) => CountedServer | undefined;
}

/** What a world is made of; everything has a default. */
export interface WorldOptions {
	readonly seed: number;
	/** One entry a path: both directions, or each its own. */
	readonly links: readonly (
		| Partial<LinkConfig>
		| {readonly up: Partial<LinkConfig>; readonly down: Partial<LinkConfig>}
	)[];
	readonly paths?: readonly Partial<ClientPathConfig>[];
	readonly client?: Partial<ClientConfig>;
	readonly server?: Partial<ServerConfig>;
	/** Server: whose datagrams the world checks, where others have some, too. */
	readonly user?: string;
	/** Whether the target sends every datagram back. */
	readonly echo?: boolean;
	/** What the clocks of the two ends show at time 0. */
	readonly clientClock?: number;
	/** Sees every packet before its link does; false = it is lost. */
	readonly intercept?: (packet: Flight, path: number, up: boolean, now: Millis) => boolean;
	/** Sees every copy that leaves an end, and at the server where it is addressed to. */
	readonly observe?: (from: End, bytes: Uint8Array, to: RemoteAddress | undefined) => void;
	/** Sees what an end has said to each packet, before it is asked for what it sends. */
	readonly received?: (end: End, reason: DropReason | undefined) => void;
	/** Sees each timer of an end that is due, before the end does. */
	readonly timer?: (end: End) => void;
	/** A stream without an owner came out of an end: a new one at the server. */
	readonly accept?: (stream: TunnelStream, end: End) => void;
	/** True: both ends know lanes; or the ends that do. */
	readonly lanes?: boolean | {readonly client: boolean; readonly server: boolean};
	/** Ends of another build. */
	readonly ends?: WorldEnds;
	/** Makes what the coded lanes of an end share. Absent: all worlds of the process share it. */
	readonly coding?: (end: End) => Coding;
	/** The AEAD of both ends. */
	readonly aead?: AeadFactory;
}

/** A datagram that came out, and when. */
export interface Arrival {
	readonly application: number;
	readonly sequence: number;
	readonly at: Millis;
	/** When it was put in. */
	readonly sentAt: Millis;
	/** At the server: the handle of its target socket. */
	readonly flow: number;
}

/** What became of the packets handed to an end, by reason. */
export type Tally = Map<DropReason | 'taken', number>;
