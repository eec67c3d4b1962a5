/** Frame types. 0x30 and above are sent only when the peer's handshake parameters list them. */
export const FrameType = {
	PADDING: 0x00,
	DATAGRAM: 0x10,
	DATAGRAM_TO: 0x11,
	FRAGMENT: 0x12,
	TARGET_KNOWN: 0x14,
	TARGET_UNKNOWN: 0x15,
	FLOW_CLOSE: 0x16,
	FLOW_REFUSED: 0x17,
	TARGET_REFUSED: 0x18,
	PROBE: 0x20,
	PONG: 0x21,
	FEEDBACK: 0x22,
	PATHS: 0x28,
	PATHS_KNOWN: 0x29,
	CLIENT: 0x2a,
	CLOSE: 0x2b,
	STREAM_OPEN: 0x30,
	STREAM_ACCEPT: 0x31,
	STREAM_REJECT: 0x32,
	STREAM_RESET: 0x33,
	STREAM: 0x34,
	STREAM_FIN: 0x35,
	STREAM_WINDOW: 0x36,
	STREAM_STOP: 0x37,
	LANE: 0x40,
	REPAIR: 0x41,
	LANE_REPORT: 0x42,
	LANES: 0x43,
	FLOW_LANE: 0x44,
	LANES_KNOWN: 0x45,
	DATAGRAM_LEN: 0x50,
} as const;

/** The frame types that every end lists in its handshake parameters. */
export const DATAGRAM_FRAMES: readonly number[] = [FrameType.DATAGRAM_LEN];

/** The frame types that an end lists in its handshake parameters when it knows streams. */
export const STREAM_FRAMES: readonly number[] = [
	FrameType.STREAM_OPEN,
	FrameType.STREAM_ACCEPT,
	FrameType.STREAM_REJECT,
	FrameType.STREAM_RESET,
	FrameType.STREAM,
	FrameType.STREAM_FIN,
	FrameType.STREAM_WINDOW,
	FrameType.STREAM_STOP,
];

/** The frame types that an end lists in its handshake parameters when it knows lanes. */
export const LANE_FRAMES: readonly number[] = [
	FrameType.LANE,
	FrameType.REPAIR,
	FrameType.LANE_REPORT,
	FrameType.LANES,
	FrameType.FLOW_LANE,
	FrameType.LANES_KNOWN,
];

/** The lowest frame type that needs the peer's consent. */
const FIRST_OPTIONAL = 0x30;

/** Bit of LANE, above those of 0x20 to 0x2b. */
const ONCE_OF_LANES = 1 << 12;

/**
 * Returns a bit for a type of frame that a packet holds once at most, because each costs more time
 * than bytes: 0x20 to 0x2b, PROBE and PONG counted as one, and 0x40 to 0x43. 0: as many as fit.
 */
export function onceBit(type: number): number {
	if (type < FrameType.PROBE || type > FrameType.LANES) return 0;
	if (type <= FrameType.CLOSE) return type === FrameType.PONG ? 1 : 1 << (type - FrameType.PROBE);
	return type < FrameType.LANE ? 0 : ONCE_OF_LANES << (type - FrameType.LANE);
}

/** Returns true for a type of frame whose packet is reported in FEEDBACK. */
export function elicitsFeedback(type: number): boolean {
	return type >= FIRST_OPTIONAL && type < FrameType.LANE;
}

/** Returns true for a type of frame that a packet of a coded lane may carry behind LANE. */
export function isInSymbol(type: number): boolean {
	switch (type) {
		case FrameType.PADDING:
		case FrameType.DATAGRAM:
		case FrameType.DATAGRAM_TO:
		case FrameType.FRAGMENT:
		case FrameType.CLIENT:
		case FrameType.FLOW_LANE:
		case FrameType.DATAGRAM_LEN:
			return true;
		default:
			return false;
	}
}
