/** Owner of sent packets: receives the fate of each. */
export interface PacketOwner {
	/** Takes the arrival of a packet's first copy. */
	received(packet: SentPacket): void;
	/**
	 * Takes the loss of a packet: no copy of it is expected any more; never called after
	 * `received`.
	 */
	lost(packet: SentPacket): void;
	/** Takes a packet back, of which nothing is on its way any more: its record may be used again. */
	released(packet: SentPacket): void;
}

/** A packet on which the peer reports, from its sending until nothing of it is on its way. */
export class SentPacket {
	/** Given only packets that it sent itself. */
	readonly owner: PacketOwner;
	/** Paths with copies of which nothing is known yet, as bits. */
	paths = 0;
	/** True once a copy arrived. */
	received = false;
	/** Set when its receipt or loss was reported to its owner. */
	settled = false;

	constructor(owner: PacketOwner) {
		this.owner = owner;
	}

	/** Makes the record one of a packet that was not sent yet. */
	reset(): void {
		this.paths = 0;
		this.received = false;
		this.settled = false;
	}
}
