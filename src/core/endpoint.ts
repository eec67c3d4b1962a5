/*
 * The contract between the core and its driver. Inputs take the time and bytes and do no I/O; after
 * every input the driver drains, in this order: pollTransmit until undefined (sending each and
 * giving its slot back), pollDelivery, pollEvent until undefined. Datagrams of a batch of inputs
 * may share a packet, so the batch ends with `flush` and one more drain; then the driver arms one
 * timer for nextTimeout. Early or repeated calls of flush and handleTimeout are harmless. A span
 * given to an input belongs to the core until the drain is over (it is decrypted in place); nothing
 * of it is kept. No input throws: an exception inside a session ends that session, with an event.
 */
import type {Slot} from '../bytes/slot-pool.ts';
import type {Millis} from '../bytes/time.ts';
import type {PolicyChooser} from '../policy/policy.ts';
import type {PathSettings} from '../wire/frames/paths.ts';
import type {CongestionControl} from './congestion-control.ts';
import type {DropReason} from './drop-reason.ts';
import type {EndpointEvent, EndpointStatus} from './events.ts';
import type {RemoteAddress} from './remote-address.ts';
import type {Delivery, Transmit} from './transmit.ts';
import type {TunnelStream} from './tunnel-stream.ts';

/** A datagram bytes[start, end). */
export interface Span {
	readonly bytes: Uint8Array;
	readonly start: number;
	readonly end: number;
}

/** A datagram and an encoded address targetBytes[targetStart, targetEnd). */
export interface SpanTo extends Span {
	readonly targetBytes: Uint8Array;
	readonly targetStart: number;
	readonly targetEnd: number;
}

/** A datagram of an application for a listener. */
export interface ApplicationDatagram extends Span {
	readonly listener: number;
	readonly application: RemoteAddress;
}

/** A datagram of an application that names its target. */
export interface OpenDatagram extends ApplicationDatagram, SpanTo {
	/** Login of the application at the listener. '': none. */
	readonly user: string;
}

/** Outputs of both endpoints. */
export interface Endpoint {
	/**
	 * Returns the next packet to send. Its record is filled again by the next call. `undefined`:
	 * none.
	 */
	pollTransmit(now: Millis): Transmit | undefined;
	/** Takes a slot back, whose memory may be overwritten from now on. */
	releaseSlot(slot: Slot): void;
	/**
	 * Sends the packet that waits for more datagrams to join it: at the end of every batch of inputs.
	 */
	flush(now: Millis): void;
	/**
	 * Returns the next datagram that the last `receive` brought out of the tunnel. `undefined`: none.
	 */
	pollDelivery(): Delivery | undefined;
	pollEvent(): EndpointEvent | undefined;
	/**
	 * Returns a stream that changed, for its owner; drained after the events. `undefined`: none. At a
	 * server one without an owner is new. Methods of streams are inputs: `pumpStreams` follows them.
	 */
	pollStream(): TunnelStream | undefined;
	/** Sends what streams have to send. */
	pumpStreams(now: Millis): void;
	/**
	 * Does early what is due in some milliseconds: after a batch of inputs it is cheap, and saves a
	 * wake-up. Called when the batch is drained. True: there is something to drain again, and
	 * `nextTimeout` may be later than before.
	 */
	runEarly(now: Millis): boolean;
	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis;
	handleTimeout(now: Millis): void;
	/** Sends CLOSE to the peers; the driver drains, waits for `lingerTime` and closes the sockets. */
	close(now: Millis): void;
	/**
	 * Returns the time for which sockets stay open and silent after `close`, so that packets of
	 * bridges are not refused.
	 */
	lingerTime(): Millis;
	status(now: Millis): EndpointStatus;
	/** Ends the session of a datagram that the driver could not hand on because of an exception. */
	deliveryFailed(delivery: Delivery, error: unknown, now: Millis): void;
	/** Queues an event for an exception in the driver that belongs to no session. */
	failed(error: unknown, now: Millis): void;
}

/** The client's end of a tunnel: one session over paths that it chose. */
export interface ClientEndpoint extends Endpoint {
	/** Begins the handshake. */
	start(now: Millis): void;
	/**
	 * Takes a datagram bytes[start, end) that arrived on a path's socket. `undefined`: it was
	 * genuine.
	 */
	receive(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined;
	/** Takes a datagram that an application sent to a listener. `undefined`: it was sent or waits. */
	sendDatagram(datagram: ApplicationDatagram, now: Millis): DropReason | undefined;
	/**
	 * Takes a datagram for an open listener: its target is targetBytes[targetStart, targetEnd),
	 * encoded as on the wire, which is the form of SOCKS5.
	 */
	sendDatagramTo(datagram: OpenDatagram, now: Millis): DropReason | undefined;
	/** Ends the flow of an application that is gone, as when its SOCKS association ended. */
	endApplication(application: RemoteAddress, now: Millis): void;
	/**
	 * Notes that the path's socket is ready, also when it is now on another local address or leads to
	 * another remote one.
	 */
	pathOpened(path: number, now: Millis): void;
	/**
	 * Takes other settings, which are complete. A path keeps its id, and the server learns of it; one
	 * that is missing is removed, and its late packets are taken as they come; `pathOpened` follows
	 * for one that was added. A listener keeps its number; the flows of one that is missing or has
	 * another target end. The other flows go on, in the lanes of their policies now.
	 */
	reconfigure(settings: ClientSettings, now: Millis): void;
	/**
	 * Opens a stream to a target (SOCKS5 form); it waits while there is no session. `undefined`:
	 * there are as many as there may be, or the mode is keyless.
	 */
	openStream(target: Uint8Array, now: Millis): TunnelStream | undefined;
	/**
	 * Notes that nothing listens at the far end (ECONNREFUSED), or that there is no route, as the
	 * system reports.
	 */
	pathRefused(path: number, now: Millis, reason: string): void;
	/** Stops sending on the path until `pathOpened`: its interface is gone, or there is no route. */
	pathLost(path: number, now: Millis, reason: string): void;
	/**
	 * Notes that a packet of `size` bytes is too long, as the system reports (EMSGSIZE). `0`: some
	 * packet was, as the network reports.
	 */
	pathTooLong(path: number, size: number, now: Millis): void;
}

/** A client that waits for a server which stopped. */
export interface Farewell {
	/** The client's id of its session. */
	readonly session: number;
	/** Token that it takes as a sign that the server is back, 16 bytes. */
	readonly token: Uint8Array;
	readonly remotes: readonly RemoteAddress[];
}

/** The server's end: many sessions, reached through the sockets of `net/`. */
export interface ServerEndpoint extends Endpoint {
	/** Begins to serve: the sockets are open. */
	start(now: Millis): void;
	/**
	 * Takes other settings, which are complete. The sessions of users who are gone, or have another
	 * key or right to choose targets, end; so do flows without a target. All others go on.
	 */
	reconfigure(settings: ServerSettings, now: Millis): void;
	/** Returns the clients that wait for the server after `close`. */
	farewells(): readonly Farewell[];
	/** Takes a datagram bytes[start, end) that arrived from `remote`. `undefined`: it was genuine. */
	receive(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined;
	/** Takes an answer of a flow's target. `undefined`: it was sent or waits. */
	sendDatagram(
		flow: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined;
	/**
	 * Takes an answer to a flow whose client chooses its targets, with the host that sent it.
	 * `undefined`: it was sent or waits.
	 */
	sendDatagramFrom(flow: number, datagram: SpanTo, now: Millis): DropReason | undefined;
	/** Returns the name of the user whose flow it is. `''`: there is no such flow. */
	userOf(flow: number): string;
	/** Refuses a target that the client chose, with one of RefusalCode. */
	refuseTarget(flow: number, reference: number, code: number, now: Millis): void;
	/**
	 * Notes the address that a target led to which is a name, so that its answers come in the lane of
	 * the target.
	 * @param address encoded as on the wire; kept
	 */
	targetReached(flow: number, reference: number, address: Uint8Array, now: Millis): void;
	/** Refuses a flow with one of RefusalCode: informs the client and forgets the flow. */
	refuseFlow(flow: number, code: number, now: Millis): void;
	/** Ends up to `count` flows of a user, those that were idle longest: sockets run out. */
	releaseFlows(user: string, count: number, now: Millis): void;
	/** Stops using the remotes of a local socket that was closed. */
	socketClosed(socket: number, now: Millis): void;
	/**
	 * Notes that a packet of `size` bytes to `remote` is too long, as the system reports (EMSGSIZE).
	 */
	remoteTooLong(remote: RemoteAddress, size: number, now: Millis): void;
}

/** One path of a client. */
export interface ClientPathConfig extends PathSettings {
	/**
	 * Longest time between two packets on the path, for a NAT that forgets. `undefined`: no limit.
	 */
	readonly keepAlive?: Millis | undefined;
}

/** One place where applications of the client send datagrams to. */
export interface ListenerConfig {
	/**
	 * Part of the key by which the server finds a flow again: stable over restarts, ASCII, <= 64
	 * characters.
	 */
	readonly name: string;
	/** True when each datagram names its target (SOCKS5); else all go to the same one. */
	readonly open?: boolean;
	/**
	 * Target of all datagrams, encoded as on the wire (SOCKS5 form). `undefined`: the server's fixed
	 * target.
	 */
	readonly target?: Uint8Array | undefined;
}

/** Settings of a client endpoint that may change while it runs. */
export interface ClientSettings {
	/** Number of paths that each packet takes. `0`: all. */
	readonly copies: number;
	/** Policies of the flows, in both directions. `undefined`: `redundant` for all. */
	readonly policies?: PolicyChooser | undefined;
	readonly paths: readonly ClientPathConfig[];
	/** By their numbers. `undefined`: there is none any more. */
	readonly listeners: readonly (ListenerConfig | undefined)[];
}

/** Settings of a client endpoint. */
export interface ClientConfig extends ClientSettings {
	/** Pre-shared key, 32 bytes; all zeros: keyless. */
	readonly psk: Uint8Array;
	readonly keyless: boolean;
	/** Id of the client, 16 bytes that stay the same over restarts. */
	readonly clientId: Uint8Array;
	/** True unless MPTUNNEL_ENCRYPT=0. */
	readonly encrypt: boolean;
	/** Time between rekeys, 120 s except in tests. */
	readonly rekeyInterval: Millis;
	/** Longest time with the same keys, after which the session ends; 1 h. */
	readonly keyLimit?: Millis;
	/**
	 * Longest time that a flow stays without datagrams, 300 s (RFC 4787); those with one target stay
	 * as long as the session, up to 256 of them.
	 */
	readonly flowIdle: Millis;
	/** Longest wait of datagrams for a session or a path, 500 ms. */
	readonly holdAge?: Millis;
	/** Bytes that peers may have sent into streams and that were not taken yet, 256 MiB. */
	readonly streamMemory?: number;
	/** Estimator of the rate that a path carries, `bbr`. */
	readonly congestionControl?: CongestionControl;
}

/** A user of the server. */
export interface UserConfig {
	/** Name for logs and status. */
	readonly name: string;
	/** Pre-shared key, 32 bytes; all zeros: keyless. */
	readonly psk: Uint8Array;
	// Each as the server's field of that name, for this user alone; `undefined`: as the server's.
	readonly fixedTarget?: boolean | undefined;
	readonly exit?: boolean | undefined;
	readonly flowLimit?: number | undefined;
	readonly flowRate?: number | undefined;
	/** Sessions that it may have, 64. */
	readonly sessionLimit?: number | undefined;
	/** Streams that it may have at once, 4,096. */
	readonly streamLimit?: number | undefined;
	/** Streams that it may open in a second, on the average of ten, 128. */
	readonly connectRate?: number | undefined;
	/**
	 * Bytes that it may keep of `streamMemory`. `undefined`: all that is not guaranteed to others.
	 */
	readonly memoryLimit?: number | undefined;
	/** Largest traffic factor of its coded lanes in the server's direction, at least 1. */
	readonly trafficLimit?: number | undefined;
	/** Coded lanes that a session of it may have, 8. `0`: none. */
	readonly laneLimit?: number | undefined;
}

/** Settings of a server endpoint that may change while it runs. */
export interface ServerSettings {
	/** Users, at least one; in keyless mode exactly one with the zero key. */
	readonly users: readonly UserConfig[];
	/** True when flows to the fixed target are served. */
	readonly fixedTarget: boolean;
}

/** Settings of a server endpoint. */
export interface ServerConfig extends ServerSettings {
	readonly keyless: boolean;
	/** True unless MPTUNNEL_ENCRYPT=0. */
	readonly encrypt: boolean;
	/** True when clients may choose targets. */
	readonly exit: boolean;
	/** As the client's field of that name. */
	readonly flowIdle: Millis;
	/** Longest time with the same keys, after which the session ends; 1 h and a minute. */
	readonly keyLimit?: Millis;
	/** Longest time that a session stays without genuine packets, 180 s. */
	readonly sessionIdle: Millis;
	/** Flows a user may have, 16,384; 256 keyless. */
	readonly flowLimit: number;
	/** Flows a user may open in a second, 4,096. */
	readonly flowRate: number;
	/** Longest wait of datagrams for a path, 500 ms. */
	readonly holdAge?: Millis;
	/** Bytes of all users: of streams either way, of datagrams that wait or are joined; 256 MiB. */
	readonly streamMemory?: number;
	/** Estimator of the rate that a path carries, `bbr`. */
	readonly congestionControl?: CongestionControl;
	/** Sessions of the whole server, 4,096; 64 keyless. */
	readonly sessionLimit: number;
}
