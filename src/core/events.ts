import type {Millis} from '../bytes/time.ts';
import type {LoopReason} from '../fec/policy-loop.ts';
import type {Residual} from '../fec/residual.ts';
import type {RefusedKind} from '../wire/refusal.ts';
import type {SourceCounts, TotalsStatus} from './totals.ts';

export type {SourceCounts};

/** Verdict on a sending direction of a path. */
export type PathState = 'new' | 'up' | 'suspect' | 'down';

/** Reason why a policy is not had, and copies go out in its place. */
export type PolicyObstacle =
	/** The peer knows no lanes. */
	| 'unknown-to-peer'
	/** There are as many lanes as a session, or its user, may have. */
	| 'too-many'
	/** The peer recovers nothing: it has no SIMD, or no memory left for lanes. */
	| 'not-recovered'
	/** The peer counts nothing of the lane: it has no room for it. */
	| 'not-counted';

/** Events for the layer above, at a low rate; drained by `pollEvent`. */
export type EndpointEvent =
	| {
			/** A session exists from now on. `resumed`: the old one goes on under new keys. */
			readonly type: 'session-up';
			readonly session: number;
			/** Server: the name of the key; client: ''. */
			readonly user: string;
			readonly resumed: boolean;
	  }
	| {readonly type: 'session-down'; readonly session: number; readonly reason: string}
	| {
			readonly type: 'path-state';
			readonly session: number;
			readonly path: number;
			readonly name: string;
			readonly from: PathState;
			readonly to: PathState;
			readonly reason: string;
	  }
	| {
			/**
			 * Client: nothing was received on this path for a while; connect its socket anew on the same
			 * port.
			 */
			readonly type: 'path-silent';
			readonly path: number;
	  }
	| {
			/** Server: a path is reached at another address than before. */
			readonly type: 'path-address';
			readonly session: number;
			readonly path: number;
			readonly name: string;
			readonly address: string;
	  }
	| {
			/**
			 * Datagrams of `size` bytes are split; what an application sends with up to `fits` is not.
			 * Once a minute.
			 */
			readonly type: 'datagrams-split';
			readonly session: number;
			readonly size: number;
			readonly fits: number;
	  }
	| {
			/**
			 * The promise of a policy is not kept in this end's direction; once until it is kept again,
			 * and not before there was enough traffic to tell.
			 */
			readonly type: 'promise-broken';
			readonly session: number;
			/** Name of the policy; at a server text from outside. */
			readonly policy: string;
			readonly promise: PromiseStatus;
			/** Traffic factor that it takes. `undefined`: no factor is enough. */
			readonly needed: number | undefined;
			/** Largest traffic factor that is allowed now. */
			readonly allowed: number;
			readonly reached: Residual;
	  }
	| {
			/** A policy is not had in this end's direction; once for each in a session. */
			readonly type: 'policy-replaced';
			readonly session: number;
			/** Name of the policy; at a server text from outside. */
			readonly policy: string;
			readonly obstacle: PolicyObstacle;
	  }
	| {
			/** Server: close the target socket of this flow handle. */
			readonly type: 'flow-closed';
			readonly flow: number;
	  }
	| {
			/** Server: something of a user is refused; once a second for each kind and reason. */
			readonly type: 'refused';
			readonly user: string;
			readonly kind: RefusedKind;
			/** One of RefusalCode; of a session LIMIT. */
			readonly code: number;
	  }
	| {
			/** Client: another one has its client id; this is the new one, to be kept. */
			readonly type: 'client-id';
			readonly clientId: Uint8Array;
	  }
	| {
			/**
			 * Client: the server refused a target that an application named, a whole flow, or a stream.
			 */
			readonly type: 'target-refused';
			readonly kind: 'flow' | 'stream';
			readonly flow: number;
			/** The target, encoded as on the wire. Empty: a whole flow. */
			readonly target: Uint8Array;
			/** One of RefusalCode. */
			readonly code: number;
	  }
	| {
			/** A fault of this program: an exception, which ended the session. `0`: it was in none. */
			readonly type: 'fault';
			readonly session: number;
			readonly text: string;
	  }
	| {
			/**
			 * Something that the user has to mend: named settings that differ, another version, an
			 * unknown key.
			 */
			readonly type: 'warning';
			readonly code:
				| 'encryption-differs'
				| 'other-version'
				| 'unknown-key'
				| 'keyless'
				| 'full'
				| 'user-full'
				| 'old-keys'
				| 'clone';
			/** Address or path name where it showed; text from outside. */
			readonly where: string;
			readonly text: string;
			/** Occurrences since the last event with this code, this one included. */
			readonly times: number;
	  };

/** One direction of one path, measured by the tunnel itself. */
export interface DirectionStatus {
	/** Packets, copies included. */
	readonly packets: number;
	/** Bytes of these on the wire, headers of IPv4 and UDP included. */
	readonly bytes: number;
	/** Loss over the last seconds of traffic, 0 to 1. `undefined`: not measured yet. */
	readonly loss: number | undefined;
	/** One-way delay above the smallest of the last 10 s, in ms. */
	readonly queueing: Millis | undefined;
	/** Bytes of those with parts of streams: when receiving, of the first copies alone. */
	readonly streamBytes: number;
}

/** Status of the sending direction of one path. */
export interface SendingStatus extends DirectionStatus {
	/**
	 * Loss of data alone, 0 to 1: probes may arrive where data does not. `undefined`: not measured
	 * yet.
	 */
	readonly dataLoss: number | undefined;
}

/** TCP connections, that is streams, of a session or a user. */
export interface StreamTotals {
	/** Streams that exist now, those being refused included. */
	readonly now: number;
	/** Streams opened or accepted so far. */
	readonly opened: number;
	/** Bytes of applications put into the tunnel, and those that came out of it. */
	readonly sent: number;
	readonly received: number;
}

/** One path as `status` shows it. */
export interface PathStatus {
	readonly id: number;
	readonly name: string;
	/** Server: the addresses at which it is reached; client: `''`. */
	readonly remote: string;
	/** Verdict on this end's sending direction. */
	readonly state: PathState;
	readonly rtt: Millis | undefined;
	readonly jitter: Millis | undefined;
	readonly sending: SendingStatus;
	readonly receiving: DirectionStatus;
	/** Copies dropped at this end because the path cannot carry them. */
	readonly saturated: number;
	/** Largest packet this path is known to carry, in bytes of UDP payload. */
	readonly mtu: number;
	readonly backup: boolean;
	/** True while it carries nothing but probes, as its client asked. Absent: false. */
	readonly held?: boolean;
	readonly metered: boolean;
	/** Time since the last packet came in on it. `undefined`: never. */
	readonly silence: Millis | undefined;
	/** Time for which it has been down, and the reason. `undefined`: it is not down. */
	readonly down?: {readonly age: Millis; readonly reason: string} | undefined;
}

/** Promise of a coded lane. */
export interface PromiseStatus {
	/** Share of the packets that may be lost or late. */
	readonly residual: number;
	readonly within: Millis;
	/** Largest and standing traffic factor. */
	readonly traffic: number;
	readonly floor: number;
	/** Most kbit/s on all paths together. 0: no limit. */
	readonly rate: number;
}

/** This end's direction of a coded lane. */
export interface LaneSendingStatus {
	readonly promise: PromiseStatus;
	/** False: sources go as copies, without repairs. */
	readonly coded: boolean;
	/** Traffic factor that is planned now, and that of all packets so far. */
	readonly traffic: number;
	readonly meanTraffic: number;
	/** Reason of the planned traffic factor, and its words for people. */
	readonly reason: LoopReason;
	readonly explanation: string;
	/** Traffic factor that the promise takes. Absent: no factor is enough. */
	readonly needed?: number | undefined;
	/** Largest traffic factor that is allowed now. */
	readonly allowed: number;
	/** Sources that a repair covers. */
	readonly window: number;
	readonly sources: number;
	readonly copies: number;
	readonly repairs: number;
	/** Names of the paths of sources, and of those of repairs. */
	readonly sourcePaths: readonly string[];
	readonly repairPaths: readonly string[];
	/** Counts of the peer, by its reports. */
	readonly reported: SourceCounts;
	/** Those of the last 5 minutes. */
	readonly residual: Residual;
}

/** The peer's direction of a coded lane. */
export interface LaneReceivingStatus extends SourceCounts {
	/** Counts of the last 5 minutes; failures behind a step are among them. */
	readonly residual: Residual;
	/** False: nothing is recovered, as there is no SIMD or no memory. */
	readonly recovers: boolean;
}

/** This end's direction of a lane that is not coded. */
export interface LaneRoutedStatus {
	/** Datagrams that went in, and the packets that they made. */
	readonly datagrams: number;
	readonly packets: number;
	/** Further copies of these packets. */
	readonly copies: number;
	/** Traffic factor of all packets so far. */
	readonly traffic: number;
	/** Names of the paths that it takes now. */
	readonly paths: readonly string[];
	/**
	 * Share of the data that is lost on its path, 0 to 1. Absent: it is not measured yet, or there
	 * are several paths, whose losses do not tell what copies lose together.
	 */
	readonly loss?: number | undefined;
}

/** One lane as `status` shows it. */
export interface LaneStatus {
	/** Number by which the peer knows it. 0: lane 0, or the peer knows of none. */
	readonly lane: number;
	/** Name of its policy. */
	readonly policy: string;
	/** Absent: the policy is had. Else its flows are in lane 0, or go out as copies. */
	readonly obstacle?: PolicyObstacle | undefined;
	/** Absent: it is not coded. */
	readonly sending?: LaneSendingStatus | undefined;
	/** Absent: nothing of it came, or it is not coded. */
	readonly receiving?: LaneReceivingStatus | undefined;
	/** Absent: it is coded, or its flows are in another lane. */
	readonly routed?: LaneRoutedStatus | undefined;
}

/** One session as `status` shows it. */
export interface SessionStatus {
	readonly session: number;
	readonly user: string;
	/**
	 * 'connecting' until the first handshake, 'up', 'restarting' between a RESET and the next genuine
	 * packet, 'quiet' after CLOSE.
	 */
	readonly state: 'connecting' | 'up' | 'restarting' | 'quiet' | 'closed';
	readonly age: Millis;
	readonly flows: number;
	/** Application datagrams sent into the tunnel. */
	readonly datagramsSent: number;
	/** Application datagrams delivered out of it. */
	readonly datagramsReceived: number;
	/** Datagrams of those sent that went out in parts, because they are too long for one packet. */
	readonly datagramsSplit: number;
	/** Packet numbers that never arrived here, of all that the peer is known to have sent: 0 to 1. */
	readonly residualLoss: number | undefined;
	readonly rekeys: number;
	/**
	 * Time for which this end has sealed under the current keys; they are replaced every two minutes.
	 */
	readonly keyAge: Millis;
	readonly streams?: StreamTotals | undefined;
	readonly paths: readonly PathStatus[];
	/** Lanes in use, and policies that are not had; lane 0 beside others only. */
	readonly lanes: readonly LaneStatus[];
}

/** Traffic of a user on all paths; bytes are those on the wire, with the headers of IP and UDP. */
export interface TrafficStatus {
	/** All packets, those of streams and probes included. */
	readonly packetsSent: number;
	readonly bytesSent: number;
	readonly packetsReceived: number;
	readonly bytesReceived: number;
	/** Of those sent: packets with datagrams, further copies of them, and repairs. */
	readonly sources: number;
	readonly copies: number;
	readonly repairs: number;
	/** Traffic factor of these three together. */
	readonly factor: number;
}

/** One user of a server, all its clients together, since the server started. */
export interface UserStatus {
	readonly name: string;
	/** Sessions and flows that it has now. */
	readonly sessions: number;
	readonly flows: number;
	/** Datagrams sent into the tunnel for it, and delivered out of it. */
	readonly datagramsSent: number;
	readonly datagramsReceived: number;
	readonly streams: StreamTotals;
	/** Bytes that its streams and waiting datagrams take now. */
	readonly memory: number;
	readonly traffic: TrafficStatus;
	/** Refusals by RefusalCode. */
	readonly refused: readonly {
		readonly kind: RefusedKind;
		readonly code: number;
		readonly count: number;
	}[];
}

/** One flow or stream, for the list of those that carried most. */
export interface FlowStatus {
	readonly kind: 'datagrams' | 'stream';
	/** Server: name of its user; client: login of the application. '': none. */
	readonly user: string;
	/** Target, encoded as on the wire; one of several. `undefined`: the server's own. */
	readonly target: Uint8Array | undefined;
	/** Number of its targets. */
	readonly targets: number;
	/** Name of its policy. `undefined`: it has none, as a stream, or none yet. */
	readonly policy: string | undefined;
	/** Bytes of datagrams or of the stream that this end put into the tunnel, and took out of it. */
	readonly sent: number;
	readonly received: number;
	readonly age: Millis;
}

/** Status of an endpoint. */
export interface EndpointStatus {
	readonly sessions: readonly SessionStatus[];
	/** Server only: sessions that no packet has come for yet. */
	readonly halfOpen?: number;
	/** Server only, in the order of its configuration. */
	readonly users?: readonly UserStatus[];
	/** Counts of each user since the start, in the same order; at a client of the only one. */
	readonly totals: readonly TotalsStatus[];
	/** Drops by reason. */
	readonly drops: Readonly<Record<string, number>>;
	/** Datagrams that wait for a session or a path. */
	readonly waiting: number;
}
