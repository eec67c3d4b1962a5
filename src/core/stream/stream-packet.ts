import {type PacketOwner, SentPacket} from '../packets/sent-packet.ts';
import type {Stream} from './stream.ts';

/** Content of a frame in a packet; DATA or one of Pending. */
export const DATA = 0;

/** Records kept for later packets. */
const MOST_FREE = 4096;

/** A frame that has to arrive. */
export interface SentFrame {
	stream: Stream;
	/** DATA or one of Pending. */
	kind: number;
	offset: number;
	length: number;
	fin: boolean;
}

/** A packet of stream frames. */
export class StreamPacket extends SentPacket {
	/** Frames in the packet: the first of `frames`. */
	count = 0;
	readonly frames: SentFrame[] = [];

	override reset(): void {
		super.reset();
		this.count = 0;
	}

	/** Adds a frame. */
	add(stream: Stream, kind: number, offset: number, length: number, fin: boolean): void {
		const frame = this.frames[this.count++];
		if (frame === undefined) {
			this.frames.push({stream, kind, offset, length, fin});
			return;
		}
		frame.stream = stream;
		frame.kind = kind;
		frame.offset = offset;
		frame.length = length;
		frame.fin = fin;
	}
}

/** Packets of one owner, used again and again. */
export class StreamPackets {
	readonly #owner: PacketOwner;
	readonly #free: StreamPacket[] = [];

	constructor(owner: PacketOwner) {
		this.#owner = owner;
	}

	/** Returns an empty packet. */
	take(): StreamPacket {
		const packet = this.#free.pop() ?? new StreamPacket(this.#owner);
		packet.reset();
		return packet;
	}

	/** Takes back a packet to which nothing refers any more. */
	give(packet: StreamPacket): void {
		if (this.#free.length < MOST_FREE) this.#free.push(packet);
	}
}
