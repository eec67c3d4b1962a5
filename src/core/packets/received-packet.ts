import {Cursor} from '../../bytes/cursor.ts';
import type {PathAddress} from '../path/address.ts';
import type {Path} from '../path/path.ts';
import type {RemoteAddress} from '../remote-address.ts';

/** Above all packet numbers, which have 48 bits. */
const LANE_PIECES = 2 ** 49;

/**
 * The packet being read: bytes[start, end) in the driver's memory. One record is filled again and
 * again; it has a cursor of its own, so that another packet can be read meanwhile.
 */
export class ReceivedPacket {
	bytes: Uint8Array = new Uint8Array(0);
	start = 0;
	end = 0;
	/** The address it came from. `undefined`: at a client, which does not need it. */
	remote: RemoteAddress | undefined;
	/** The path and its address that it came over. `undefined`: unknown to the session. */
	path: Path | undefined;
	address: PathAddress | undefined;
	/** Packet number. */
	number = 0;
	/** Datagrams read from it that share it. */
	datagrams = 0;
	/** Frames in it that a packet holds once, as bits (see onceBit). */
	once = 0;
	/** Coded lane whose source it is, and its sequence there. -1: it is none. */
	lane = -1;
	sequence = 0;
	/** Set when a frame in it elicits FEEDBACK. */
	elicits = false;
	/** Reads its frames. */
	readonly cursor: Cursor = new Cursor();

	/** Bytes of UDP payload. */
	get size(): number {
		return this.end - this.start;
	}

	/** True while only frames may follow that a repair can bring back. */
	get isSource(): boolean {
		return this.lane >= 0;
	}

	/**
	 * Returns a number that all pieces of one datagram have: of piece `index` the packet is a part.
	 * Pieces lie in consecutive packets, or in a coded lane in consecutive sources.
	 */
	firstPiece(index: number): number {
		if (this.lane < 0) return this.number - index;
		return LANE_PIECES + this.lane * 2 ** 32 + ((this.sequence - index) >>> 0);
	}

	/** Begins another packet, which came from nowhere until `cameOver` is called. */
	begin(bytes: Uint8Array, start: number, end: number): void {
		this.bytes = bytes;
		this.start = start;
		this.end = end;
		this.remote = undefined;
		this.path = undefined;
		this.address = undefined;
		this.number = 0;
		this.datagrams = 0;
		this.once = 0;
		this.lane = -1;
		this.elicits = false;
	}

	/** Notes where the packet came from, as far as that is known. */
	cameOver(
		remote: RemoteAddress | undefined,
		path: Path | undefined,
		address: PathAddress | undefined,
	): void {
		this.remote = remote;
		this.path = path;
		this.address = address;
	}
}
