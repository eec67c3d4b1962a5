import type {Cursor} from '../../bytes/cursor.ts';

/**
 * The layout of one frame, and the only place that knows it. A record is filled again and again, so
 * that frames on the path of a packet cost no memory.
 */
export interface FrameCodec<Frame> {
	/** The frame's first byte. */
	readonly type: number;
	/** Returns the length of the frame in bytes, its type byte included. */
	length(frame: Readonly<Frame>): number;
	/** Writes the frame at `at`, its type byte included; returns the offset behind it. */
	encode(bytes: Uint8Array, at: number, frame: Readonly<Frame>): number;
	/**
	 * Reads what is behind the type byte into `frame`; false when it is malformed. Never throws, and
	 * never reads outside the cursor's span. Spans in `frame` belong to the cursor's owner.
	 */
	decode(cursor: Cursor, frame: Frame): boolean;
}

/** A frame that ends with bytes which are put into the packet separately. */
export interface PayloadCodec<Frame> extends FrameCodec<Frame> {
	/** Returns the length of what is in front of the payload, the type byte included. */
	headLength(frame: Readonly<Frame>): number;
	/** Writes what is in front of the payload; returns the offset where the payload belongs. */
	encodeHead(bytes: Uint8Array, at: number, frame: Readonly<Frame>): number;
}

/** Bytes that a frame carries: bytes[start, end). */
export interface Payload {
	bytes: Uint8Array;
	start: number;
	end: number;
}

/** Returns a frame in memory of its own. */
export function encodeFrame<Frame>(codec: FrameCodec<Frame>, frame: Readonly<Frame>): Uint8Array {
	const bytes = new Uint8Array(codec.length(frame));
	codec.encode(bytes, 0, frame);
	return bytes;
}

/** Points a payload at the next `length` bytes of a cursor; false when they are not there. */
export function takePayload(cursor: Cursor, payload: Payload, length: number): boolean {
	const start = cursor.skip(length);
	if (cursor.failed) return false;
	payload.bytes = cursor.bytes;
	payload.start = start;
	payload.end = start + length;
	return true;
}
