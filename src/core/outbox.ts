import {type Slot, SlotPool} from '../bytes/slot-pool.ts';
import type {DropCounters} from './drop-reason.ts';
import {MAX_OPEN_PACKETS} from './open-packets.ts';
import {Transmit} from './transmit.ts';

/** Packets that may wait for the driver at once: several datagrams of the largest size. */
const CAPACITY = 1024;

/** Places for packets whose slot was taken while there was room: those that datagrams may join. */
const PLACES = CAPACITY + MAX_OPEN_PACKETS;

/**
 * Sealed packets on their way to the driver. Records are made once and used in turn; when the ring
 * is full, new packets are dropped and counted.
 */
export class Outbox {
	readonly pool: SlotPool = new SlotPool(CAPACITY + 64);
	readonly #ring: Transmit[] = [];
	readonly #drops: DropCounters;
	#head = 0;
	#length = 0;

	constructor(drops: DropCounters) {
		this.#drops = drops;
	}

	/** Returns a slot to build a packet in. `undefined` (counted): there is none. */
	take(): Slot | undefined {
		const slot = this.#length < CAPACITY ? this.pool.take() : undefined;
		if (slot === undefined) this.#drops.count('no-slot');
		return slot;
	}

	/** Appends a sealed packet; the caller fills in the destinations. */
	queue(slot: Slot): Transmit {
		// An empty ring starts over, so that only as many records exist as ever waited at once.
		if (this.#length === 0) this.#head = 0;
		const index = (this.#head + this.#length) % PLACES;
		let transmit = this.#ring[index];
		if (transmit === undefined) {
			transmit = new Transmit(slot);
			this.#ring[index] = transmit;
		}
		slot.building = false;
		transmit.slot = slot;
		transmit.count = 0;
		transmit.alone = false;
		this.#length++;
		return transmit;
	}

	/** Takes the packet back that was queued last, because it is not needed. */
	unqueue(transmit: Transmit): void {
		this.#length--;
		this.pool.release(transmit.slot);
	}

	/**
	 * Returns the oldest packet, and takes it out; its record is valid until the next call.
	 * `undefined`: none.
	 */
	poll(): Transmit | undefined {
		if (this.#length === 0) return undefined;
		const transmit = this.#ring[this.#head];
		this.#head = (this.#head + 1) % PLACES;
		this.#length--;
		return transmit;
	}
}
