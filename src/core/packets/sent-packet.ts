/** Owner of sent packets, to which the fate of each is reported. */
export interface PacketOwner {
	/** The first copy of a packet arrived. */
	received(packet: SentPacket): void;
	/** No copy of a packet can be hoped for any more; never called after `received`. */
	lost(packet: SentPacket): void;
	/** Nothing of a packet is on its way any more: its record may be used again. */
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
	/** True once its owner knows that it was received or lost. */
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
