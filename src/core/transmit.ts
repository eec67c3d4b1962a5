import type {Slot} from '../bytes/slot-pool.ts';
import type {ReceivedTarget} from './received-target.ts';
import type {RemoteAddress} from './remote-address.ts';

/** The most copies of one packet: every path with every address it may have. */
export const MAX_DESTINATIONS = 64;

/**
 * One packet and its destinations: copy i of `count` goes out on path `paths[i]` to `remotes[i]`.
 * Valid until the next `pollTransmit`; the slot stays out until `releaseSlot`.
 */
export class Transmit {
	slot: Slot;
	/** Destinations. */
	count = 0;
	/**
	 * True for a probe of a packet size. It must not reach the system in one run (UDP_SEGMENT) with
	 * other packets: where a run stays whole, as between network namespaces, it gets through although
	 * a packet of that size does not.
	 */
	alone = false;
	/** Ids of paths. `0`: a packet outside every session, which has none. */
	readonly paths: Uint8Array = new Uint8Array(MAX_DESTINATIONS);
	/** Addresses; `undefined` at a client, where a path is a socket with one peer. */
	readonly remotes: (RemoteAddress | undefined)[] = new Array<RemoteAddress | undefined>(
		MAX_DESTINATIONS,
	).fill(undefined);

	constructor(slot: Slot) {
		this.slot = slot;
	}

	/** True when no destination can be added. */
	get isFull(): boolean {
		return this.count === MAX_DESTINATIONS;
	}

	/** Adds a destination; not to be called when it is full. */
	add(path: number, remote: RemoteAddress | undefined): void {
		this.paths[this.count] = path;
		this.remotes[this.count] = remote;
		this.count++;
	}
}

/**
 * A datagram that came out of the tunnel: bytes[start, end) inside the span given to `receive` or
 * inside the core's own memory, valid until the next input.
 */
export class Delivery {
	/** The flow: at the server the handle of its target socket, at the client its flow number. */
	flow = 0;
	/** Client only: the listener and the application that gets it. */
	listener = 0;
	application: RemoteAddress | undefined = undefined;
	/**
	 * The target that the client chose (at the server) or the source of the answer (at the client),
	 * the same object as long as the flow remembers it. `undefined`: the fixed target.
	 */
	target: ReceivedTarget | undefined = undefined;
	bytes: Uint8Array = new Uint8Array(0);
	start = 0;
	end = 0;
}
