import type {Stream} from '../stream/stream.ts';

/** What a frame in a packet tells; DATA or one of Pending. */
export const DATA = 0;

/** A frame that has to arrive. */
export interface SentFrame {
	stream: Stream;
	/** DATA or one of Pending. */
	kind: number;
	offset: number;
	length: number;
	fin: boolean;
}

/** A packet with stream frames, from its sending until nothing of it is on its way. */
export class SentPacket {
	/** Paths with copies of which nothing is known yet, as bits. */
	paths = 0;
	/** Whether a copy arrived. */
	received = false;
	/** Whether a copy arrived, or its frames were handed back to be sent in another packet. */
	settled = false;
	count = 0;
	readonly frames: SentFrame[] = [];

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

/** Packets to be used again. */
export class SentPackets {
	readonly #free: SentPacket[] = [];

	/** An empty one. */
	take(): SentPacket {
		const packet = this.#free.pop() ?? new SentPacket();
		packet.paths = 0;
		packet.received = false;
		packet.settled = false;
		packet.count = 0;
		return packet;
	}

	/** Takes one back that nobody refers to any more. */
	give(packet: SentPacket): void {
		if (this.#free.length < 4096) this.#free.push(packet);
	}
}
