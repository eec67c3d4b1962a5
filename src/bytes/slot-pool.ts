/** Bytes of a send slot. */
export const SLOT_SIZE = 2048;

/**
 * Bytes kept free in front of a payload: header, frame and the longest inline target (388 bytes).
 */
export const HEAD_ROOM = 448;

/** Slots of one piece of memory: sockets that hand over addresses need few and large ones. */
const SLAB_SLOTS = 32;

/** A fixed piece of memory in which one packet is built and sealed in place. */
export interface Slot {
	/** SLOT_SIZE bytes; replaced by new memory when a socket had to keep the old. */
	bytes: Uint8Array;
	/** The packet is bytes[start, end). */
	start: number;
	end: number;
	/** Owned by the pool: whether the slot is out. */
	taken: boolean;
	/** True while the packet in it is not complete. */
	building: boolean;
}

/** Slots for packets on their way to a socket. Grows to what is needed at once, up to a limit. */
export class SlotPool {
	readonly #all: Slot[] = [];
	readonly #free: Slot[] = [];
	readonly #limit: number;
	#slab: ArrayBuffer | undefined;
	#slabUsed = 0;

	/** @param limit the most slots that may be out at once */
	constructor(limit: number) {
		this.#limit = limit;
	}

	/** Hands out a slot whose content is unspecified. `undefined`: the limit is reached. */
	take(): Slot | undefined {
		let slot = this.#free.pop();
		if (slot === undefined) {
			if (this.#all.length >= this.#limit) return undefined;
			slot = {bytes: this.#memory(), start: 0, end: 0, taken: false, building: false};
			this.#all.push(slot);
		}
		slot.taken = true;
		slot.building = true;
		return slot;
	}

	#memory(): Uint8Array {
		if (this.#slab === undefined || this.#slabUsed === SLAB_SLOTS) {
			this.#slab = new ArrayBuffer(SLAB_SLOTS * SLOT_SIZE);
			this.#slabUsed = 0;
		}
		return new Uint8Array(this.#slab, this.#slabUsed++ * SLOT_SIZE, SLOT_SIZE);
	}

	/** Takes a slot back; throws when it is not out, because a double release corrupts packets. */
	release(slot: Slot): void {
		if (!slot.taken) throw new Error('slot released twice');
		slot.taken = false;
		slot.building = false;
		this.#free.push(slot);
	}

	/** Takes back the slots of packets that an exception left incomplete. */
	reclaim(): void {
		for (const slot of this.#all) if (slot.building) this.release(slot);
	}
}
