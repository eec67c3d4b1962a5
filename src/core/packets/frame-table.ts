import type {Millis} from '../../bytes/time.ts';
import type {FrameCodec} from '../../wire/frames/codec.ts';
import {elicitsFeedback, onceBit} from '../../wire/frames/frame-type.ts';
import type {DropReason} from '../drop-reason.ts';
import type {ReceivedPacket} from './received-packet.ts';

/**
 * Returned for a frame that is unknown, malformed or against the rules: the session cannot go on.
 */
export const MALFORMED: DropReason = 'malformed-frame';

/** Takes a frame; its spans belong to the packet. */
export type FrameHandler<Frame, Result> = (
	frame: Frame,
	packet: ReceivedPacket,
	now: Millis,
) => Result;

/** Reads the frame that the packet's cursor is at, behind its type byte. */
export type FrameReader = (packet: ReceivedPacket, now: Millis) => DropReason | undefined;

/**
 * The frames that a session understands and what takes them: the session itself those of control,
 * the flows theirs, the streams 0x30 to 0x37, the lanes 0x40 to 0x45. A type without a handler is
 * unknown, as those of streams and lanes are at an end that has none.
 */
export class FrameTable {
	readonly #readers: (FrameReader | undefined)[] = [];

	/** Registers the handler of frames of one type; they are read into `record`. */
	on<Frame>(codec: FrameCodec<Frame>, record: Frame, handle: FrameHandler<Frame, void>): void {
		this.#readers[codec.type] = (packet, now) => {
			if (!codec.decode(packet.cursor, record)) return MALFORMED;
			handle(record, packet, now);
			return undefined;
		};
	}

	/** Registers a handler that returns the reason for which a frame is dropped, or MALFORMED. */
	onChecked<Frame>(
		codec: FrameCodec<Frame>,
		record: Frame,
		handle: FrameHandler<Frame, DropReason | undefined>,
	): void {
		this.#readers[codec.type] = (packet, now) =>
			codec.decode(packet.cursor, record) ? handle(record, packet, now) : MALFORMED;
	}

	/**
	 * Registers a reader of its own. Frames of every datagram have one: a reader that all types share
	 * calls each codec and each handler through a table.
	 */
	onRead(type: number, reader: FrameReader): void {
		this.#readers[type] = reader;
	}

	/**
	 * Reads a frame behind its type byte. Returns the reason for which it is dropped, or MALFORMED.
	 * `undefined`: it was taken.
	 */
	read(type: number, packet: ReceivedPacket, now: Millis): DropReason | undefined {
		const once = onceBit(type);
		if ((packet.once & once) !== 0) return MALFORMED;
		packet.once |= once;
		if (elicitsFeedback(type)) packet.elicits = true;
		const reader = this.#readers[type];
		return reader === undefined ? MALFORMED : reader(packet, now);
	}
}
