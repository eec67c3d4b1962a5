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
	/** In the order in which they were opened: the first `#count`. */
	readonly #open: OpenPacket[] = [];
	#count = 0;
	#latest: OpenPacket | undefined;

	/** Local id of the session whose packets are open, or were sent since; `undefined`: none. */
	get session(): number | undefined {
		return this.#count === 0 ? undefined : this.#open[0]?.session;
	}

	/** Adds a packet that a datagram is about to open or to join. */
	add(packet: OpenPacket, now: Millis): void {
		// Datagrams come in batches for the same one.
		if (packet === this.#latest) return;
		if (!this.#has(packet)) {
			const isOther = this.#count > 0 && this.session !== packet.session;
			if (isOther || this.#count === MAX_OPEN_PACKETS) this.flush(now);
			this.#open[this.#count++] = packet;
		}
		this.#latest = packet;
	}

	/** Sends all that are open. */
	flush(now: Millis): void {
		this.#latest = undefined;
		for (let i = 0; i < this.#count; i++) this.#open[i]!.flush(now);
		this.#count = 0;
	}

	#has(packet: OpenPacket): boolean {
		for (let i = 0; i < this.#count; i++) if (this.#open[i] === packet) return true;
		return false;
	}
}
