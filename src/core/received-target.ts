import type {Millis} from '../bytes/time.ts';
import type {HostTarget} from '../wire/address.ts';

/**
 * A target (or source) of a flow, as the peer announced it; the same object as long as it is kept.
 */
export interface ReceivedTarget {
	readonly reference: number;
	readonly target: HostTarget;
	/** True when it is the flow's only one (a forward): no other host may answer. */
	readonly only: boolean;
	used: Millis;
	/** Lane of its datagrams, by id. 0: lane 0. */
	lane: number;
	/** Address that answers for it, encoded: that which a name led to, once it is known. */
	address: Uint8Array;
	/** Time of the last confirmation of the pair. */
	confirmed: Millis;
}
