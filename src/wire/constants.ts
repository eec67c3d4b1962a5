/** The version of the wire format that this code speaks. */
export const VERSION = 3;

/** The Noise prologue; the same in every version. */
export const PROLOGUE = 'mptunnel/1';

/** Packet types: the high nibble of a packet's first byte. */
export const PacketType = {
	INIT: 1,
	RESP: 2,
	RETRY: 3,
	DATA: 4,
	RESET: 5,
	VERSION: 6,
	BACK: 7,
} as const;

/** Bytes of the clear header of a DATA packet. */
export const HEADER_LENGTH = 11;

/** Bytes of a DATA packet around its frames: header and tag. */
export const DATA_OVERHEAD = 27;

/** The shortest DATA packet: one frame type byte. */
export const MIN_DATA_LENGTH = 28;

/** Key epochs are a nibble and wrap. */
export const EPOCHS = 16;

/**
 * The size every path is trusted with from the start, in bytes of UDP payload (RFC 8899
 * BASE_PLPMTU).
 */
export const BASE_PACKET_SIZE = 1200;

/** The largest packet ever sent: an Ethernet frame less IPv4 and UDP headers. */
export const MAX_PACKET_SIZE = 1472;

/** The largest UDP payload over IPv4, hence the largest datagram carried. */
export const MAX_DATAGRAM = 65_507;

/** Pieces that a datagram may be split into; 65,507 bytes over 1,200-byte packets need 57. */
export const MAX_FRAGMENTS = 64;

/** Bytes of a client id. */
export const CLIENT_ID_LENGTH = 16;

/** Datagrams that may share a packet. */
export const MAX_DATAGRAMS = 64;

/** Paths of a session. */
export const MAX_PATHS = 16;

/** Bytes of a stream that may be sent before it is accepted. */
export const EARLY_WINDOW = 16_384;

/** Packets before the largest of a path that a FEEDBACK can report. */
export const FEEDBACK_SPAN = 1024;

/** Reason codes of STREAM_RESET. */
export const StreamCode = {
	/** The TCP connection was reset. */
	CONNECTION_RESET: 1,
	/** Nothing came for too long. */
	TIMED_OUT: 2,
	/** The session that carried the stream is over. Never sent. */
	SESSION_LOST: 3,
	/** An end could not go on. */
	INTERNAL: 4,
	/** An end stops. */
	STOPPED: 5,
} as const;

/** Reason codes of CLOSE. */
export const CloseCode = {
	/** The process ends; it may be back soon. */
	STOPPING: 0,
	/** The peer sent a frame that this end does not know or that makes no sense. */
	PROTOCOL: 1,
	/** No packet for the idle time. */
	IDLE: 2,
	/** This end could not go on: a fault of the program. */
	INTERNAL: 3,
	/** An older client with the same client id lives: this one has to take another id. */
	ID_IN_USE: 4,
	/** The key is no longer valid: its user was removed, or has another. */
	REMOVED: 5,
	/** The rights of the user have changed: the next session has the present ones. */
	CHANGED: 6,
} as const;

/** Reason codes of FLOW_REFUSED, TARGET_REFUSED and STREAM_REJECT. */
export const RefusalCode = {
	/** The user has as many flows, or streams, as it may have. */
	LIMIT: 1,
	/** The server has no such fixed target or is no exit. */
	NO_TARGET: 2,
	/** The server could not make a socket. */
	SOCKET: 3,
	/** The exit policy denies the target. */
	DENIED: 4,
	/** The target's name has no address that could be used. */
	UNRESOLVABLE: 5,
	/** The user opens more flows, or streams, in a second than it may. */
	RATE: 6,
	/** The server has no descriptor left for one more flow. */
	DESCRIPTORS: 7,
	/** Nothing listens at the target (connection refused). Streams only, as all that follow. */
	REFUSED: 8,
	/** There is no route to the target's network. */
	NET_UNREACHABLE: 9,
	/** The target's host does not answer its neighbours. */
	HOST_UNREACHABLE: 10,
	/** The target did not answer in time. */
	TIMED_OUT: 11,
	/** There was no session that could have carried the stream. Never sent. */
	NO_SESSION: 12,
	/** The user has no memory left for one more stream. */
	MEMORY: 13,
} as const;
