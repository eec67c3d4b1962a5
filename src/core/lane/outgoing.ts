const EMPTY = new Uint8Array(0);

/** A datagram on its way into a lane: bytes[start, end). One record is filled for each in turn. */
export class Outgoing {
	flow = 0;
	/** Number of the target inside the flow. */
	reference = 0;
	/** The target, encoded as on the wire. `undefined`: the peer has it under the reference. */
	target: Uint8Array | undefined = undefined;
	/** Frames that have to come before the datagram in its packet. */
	prefix: Uint8Array | undefined = undefined;
	bytes: Uint8Array = EMPTY;
	start = 0;
	end = 0;
}
