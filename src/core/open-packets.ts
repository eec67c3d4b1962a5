import type {Millis} from '../bytes/time.ts';

/** Packets that may be open at once; the outbox keeps a place for each. */
export const MAX_OPEN_PACKETS = 8;

/** A packet that datagrams of the same batch may still join. */
export interface OpenPacket {
	/** Local id of its session. */
	readonly session: number;
	/** Sends the packet, if it is still open. Throws nothing. */
	flush(now: Millis): void;
}

/**
 * The packets of an endpoint that more datagrams may join: those of one session, which datagrams of
 * another one send off, so that what comes in first goes out first.
 */
export class OpenPackets {
	/** In the order in which they were opened. */
	readonly #open: OpenPacket[] = [];
	#latest: OpenPacket | undefined;

	/** Local id of the session whose packets are open, or were sent since; `undefined`: none. */
	get session(): number | undefined {
		return this.#open[0]?.session;
	}

	/** Adds a packet that a datagram is about to open or to join. */
	add(packet: OpenPacket, now: Millis): void {
		// Datagrams come in batches for the same one.
		if (packet === this.#latest) return;
		if (!this.#open.includes(packet)) {
			const isOther = this.session !== undefined && this.session !== packet.session;
			if (isOther || this.#open.length === MAX_OPEN_PACKETS) this.flush(now);
			this.#open.push(packet);
		}
		this.#latest = packet;
	}

	/** Sends all that are open. */
	flush(now: Millis): void {
		this.#latest = undefined;
		for (const packet of this.#open) packet.flush(now);
		this.#open.length = 0;
	}
}
