import {copyBytes} from '../../bytes/cursor.ts';
import {IP_UDP_OVERHEAD} from '../../bytes/overhead.ts';
import {HEAD_ROOM, type Slot} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import type {Policy} from '../../policy/policy.ts';
import {CloseCode} from '../../wire/constants.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {closeFrame, MAX_QUIET, paddingFrame} from '../../wire/frames/control.ts';
import {DATAGRAM_FRAMES, LANE_FRAMES} from '../../wire/frames/frame-type.ts';
import {type Paths, pathsFrame, pathsKnownFrame} from '../../wire/frames/paths.ts';
import {type Probe, pongFrame, probeFrame} from '../../wire/frames/probe.ts';
import type {Account} from '../budget.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {FlowSession} from '../flow/flow-session.ts';
import {DatagramReader, type DatagramSink} from '../lane/datagram-reader.ts';
import type {Dispatch} from '../lane/dispatch/dispatch.ts';
import type {Lane, LaneOwner} from '../lane/lane.ts';
import {LaneReader} from '../lane/lane-reader.ts';
import {type LaneLimits, Lanes} from '../lane/lanes.ts';
import type {FrameTable} from '../packets/frame-table.ts';
import type {KeySchedule} from '../packets/key-schedule.ts';
import {PacketSender} from '../packets/packet-sender.ts';
import type {ReceivedPacket} from '../packets/received-packet.ts';
import {PathSet} from '../path/path-set.ts';
import {Role} from '../role.ts';
import {Sent} from '../sent.ts';
import type {StreamSession, StreamSet} from '../stream/stream-set.ts';
import {PacketReceiver} from './packet-receiver.ts';
import {Prober} from './prober.ts';
import {RecoveredPackets} from './recovered-packets.ts';

/** Inputs of a session. */
export interface SessionInit {
	readonly context: EndpointContext;
	readonly role: Role;
	/** Number for events and status. */
	readonly number: number;
	/** Id of the session in packets to this end; below, in packets to the peer. */
	readonly localId: number;
	readonly peerId: number;
	readonly keys: KeySchedule;
	/** Frame types from 0x30 up that the peer supports, as it announced. */
	readonly peerFrames: readonly number[];
	/** Memory of the user. `undefined`: no limit beside the session's own. */
	readonly memory?: Account;
	/** Limits of the user for its lanes. Absent: the usual ones. */
	readonly laneLimits?: LaneLimits;
	/** Called when the peer ends the session; `quiet`: milliseconds of silence that it asks for. */
	readonly closed: (code: number, quiet: Millis, now: Millis) => void;
	readonly now: Millis;
}

/** The flows of a session. */
export interface SessionFlows extends DatagramSink {
	/** Flows open. */
	readonly size: number;
	/** Registers for the frames about flows. */
	register(frames: FrameTable): void;
}

/**
 * One session: packets in and out, under one packet number space and one replay window for all
 * paths. It reads frames; their meaning is in flows and streams.
 */
export class Session implements FlowSession, StreamSession, LaneOwner {
	readonly number: number;
	readonly localId: number;
	readonly peerId: number;
	readonly keys: KeySchedule;
	readonly paths: PathSet;
	readonly prober: Prober;
	readonly sender: PacketSender;
	readonly lanes: Lanes;
	readonly since: Millis;
	/** Streams that the session carries. `undefined`: none, and their frames are unknown. */
	streams: StreamSet | undefined = undefined;
	/** Application datagrams put into the session. */
	sent = 0;
	/** True while datagrams wait for a path; set by the endpoint. */
	waiting = false;
	/** Times that the keys were replaced. */
	rekeys = 0;
	/** Client: sequence of the newest PATHS that the server confirmed. `undefined`: none. */
	pathsKnown: number | undefined = undefined;
	/** Server: sequence of the newest PATHS. `undefined`: none came. */
	#pathsSequence: number | undefined;
	/** Reason for which the session has to end, with the code for CLOSE. `undefined`: none. */
	broken: string | undefined = undefined;
	closeCode: (typeof CloseCode)[keyof typeof CloseCode] = CloseCode.PROTOCOL;
	readonly #context: EndpointContext;
	readonly #role: Role;
	readonly #receiver: PacketReceiver;
	readonly #datagrams: DatagramReader;
	readonly #recovered: RecoveredPackets;
	#flows: SessionFlows | undefined;

	constructor(init: SessionInit) {
		this.#context = init.context;
		this.#role = init.role;
		this.number = init.number;
		this.localId = init.localId;
		this.peerId = init.peerId;
		this.keys = init.keys;
		this.since = init.now;
		this.paths = new PathSet(init.context, init.number);
		this.sender = new PacketSender(init.context, init.keys, this.paths, init.peerId);
		const joining = DATAGRAM_FRAMES.every((type) => init.peerFrames.includes(type));
		const {context, role, number, localId, keys, now} = init;
		const {sender, paths} = this;
		const common = {context, sender, paths};
		const consents = LANE_FRAMES.every((type) => init.peerFrames.includes(type));
		const coding = consents ? context.environment.coding : undefined;
		const limits = init.laneLimits ?? {};
		const of = {owner: this, joining, number, localId, now};
		this.lanes = new Lanes({...common, ...of, coding, limits});
		this.prober = new Prober({...common, lanes: this.lanes, role, traffic: this});
		this.#datagrams = new DatagramReader(context, init.memory, (at) => this.prober.data(at));
		const events = {
			copied: (packet: ReceivedPacket, at: Millis) => this.#copied(packet, at),
			eliciting: (packet: ReceivedPacket, at: Millis) => this.#eliciting(packet, at),
			breach: (type: number) => this.#breach(type),
		};
		this.#receiver = new PacketReceiver({...common, keys, events, now});
		this.#recovered = new RecoveredPackets(this.lanes, (packet, at) =>
			this.#readSource(packet, at),
		);
		this.#register(init.closed);
		// Without the consent of both ends its frames are unknown.
		if (coding === undefined) return;
		new LaneReader(this.lanes, this, role).register(this.#receiver.frames, context);
	}

	/** Reads a DATA packet that names this session; counts and returns a drop. */
	receive(packet: ReceivedPacket, now: Millis): DropReason | undefined {
		const reason = this.#receiver.receive(packet, now);
		if (this.lanes.inputs.length > 0) this.#recovered.read(now);
		return reason === undefined ? undefined : this.#context.drops.count(reason);
	}

	#readSource(packet: ReceivedPacket, now: Millis): void {
		const reason = this.#receiver.readFrames(packet, now);
		if (reason !== undefined) this.#context.drops.count(reason);
	}

	/** Time of the last genuine packet. */
	get lastReceived(): Millis {
		return this.#receiver.lastReceived;
	}

	/** Packets that proved genuine. */
	get opened(): number {
		return this.#receiver.opened;
	}

	/** Application datagrams that came out of the session. */
	get received(): number {
		return this.#datagrams.received;
	}

	/** Starts the flows: they get datagrams and the peer's frames about flows from now on. */
	carryFlows(flows: SessionFlows): void {
		const {frames} = this.#receiver;
		this.#flows = flows;
		this.#datagrams.register(frames, flows);
		flows.register(frames);
	}

	/** Starts the streams; before, their frames are unknown. */
	carryStreams(streams: StreamSet): void {
		this.streams = streams;
		streams.register(this.#receiver.frames);
	}

	#copied(packet: ReceivedPacket, now: Millis): void {
		const {path, number} = packet;
		this.lanes.copied(packet, now);
		if (path !== undefined) this.streams?.copy(path, number, now);
	}

	#eliciting({path, number, size}: ReceivedPacket, now: Millis): void {
		if (path !== undefined) path.streamBytesReceived += size + IP_UDP_OVERHEAD;
		this.streams?.received(path, number, now);
	}

	#breach(type: number): void {
		this.broken = `frame 0x${type.toString(16)} is unknown or malformed`;
	}

	/** Registers for the frames of the session itself. */
	#register(closed: SessionInit['closed']): void {
		const {frames} = this.#receiver;
		const {padding, probe, paths, close} = this.#context.records;
		const onProbe = (frame: Probe, packet: ReceivedPacket, now: Millis) =>
			this.#readProbe(frame, packet, now);
		frames.on(paddingFrame, padding, () => {});
		frames.on(probeFrame, probe, onProbe);
		frames.on(pongFrame, probe, onProbe);
		frames.on(pathsKnownFrame, paths, ({sequence}) => {
			this.pathsKnown = sequence;
		});
		frames.on(closeFrame, close, ({code, quiet}, _packet, now) => {
			closed(code, Math.min(quiet, MAX_QUIET), now);
		});
		// At a client it is malformed.
		if (this.#role !== Role.SERVER) return;
		frames.on(pathsFrame, paths, (frame, _packet, now) => this.#readPaths(frame, now));
	}

	#readPaths({sequence, copies, paths}: Paths, now: Millis): void {
		// A late copy of what a newer one replaced.
		if (((sequence - (this.#pathsSequence ?? sequence)) & 0xff) > 127) return;
		// A copy of the newest one may come when a path is there that only the next one names.
		if (sequence !== this.#pathsSequence) this.paths.keep(new Set(paths.map(({id}) => id)), now);
		this.#pathsSequence = sequence;
		this.lanes.copies = copies;
		for (const settings of paths) this.paths.configure(settings, settings.rateDown);
		this.paths.changed(now);
		this.sendControl(encodeFrame(pathsKnownFrame, {sequence}), now);
	}

	#readProbe(probe: Probe, packet: ReceivedPacket, now: Millis): void {
		const {path, address} = packet;
		if (this.#role === Role.SERVER) this.#locateProbe(probe, packet, now);
		// A probe of another path that strayed here would give this path false measurements.
		else if (path !== undefined && address !== undefined && probe.pathId === path.id) {
			this.prober.receive(probe, path, address, now);
		}
	}

	/** At the server the address of a path is known by its probes. */
	#locateProbe(probe: Probe, {remote, size, number}: ReceivedPacket, now: Millis): void {
		if (remote === undefined) return;
		const path = this.paths.ensure(probe.pathId, now);
		if (path === undefined) return;
		const known = this.paths.locate(remote);
		const address = this.paths.learn(path, remote, now);
		if (address === undefined) return;
		if (known?.path !== path) {
			address.received(size, now);
			path.received(number, size, now);
		}
		this.prober.receive(probe, path, address, now);
	}

	lane(policy: Policy, now: Millis): Lane {
		return this.lanes.get(policy, now);
	}

	forgetPolicies(): void {
		this.lanes.forgetPolicies();
	}

	laneById(id: number): Lane | undefined {
		return this.lanes.byId(id);
	}

	policyOf(lane: Lane): string {
		return this.lanes.policyOf(lane);
	}

	get firstLane(): Lane {
		return this.lanes.first;
	}

	/** Counts a datagram that goes into a lane now. */
	sending(now: Millis): void {
		this.sent++;
		this.prober.data(now);
	}

	/** Ends the session: nothing waits any more, no frame is read, nothing is sent. */
	end(): void {
		this.lanes.end();
		this.sender.ended = true;
		this.#datagrams.clear();
	}

	/** True when the session is over. */
	get ended(): boolean {
		return this.sender.ended;
	}

	/** Marks the session broken by an exception inside it; reports the first one. */
	fail(error: unknown, now: Millis): void {
		if (this.closeCode === CloseCode.INTERNAL) {
			this.#context.recover(now);
			return;
		}
		this.broken = 'a fault of this program';
		this.closeCode = CloseCode.INTERNAL;
		this.#context.failed(this.number, error, now);
	}

	/** Choice of the paths for streams. */
	get dispatch(): Dispatch {
		return this.lanes.redundant;
	}

	/** True while a path takes datagrams. */
	get hasRoute(): boolean {
		return this.lanes.first.isUsable;
	}

	/** Marks that datagrams wait for a path: all paths are probed as if data passed. */
	awaitRoute(now: Millis): void {
		this.waiting = true;
		this.prober.data(now);
		for (const path of this.paths.all) this.prober.schedule(path, now);
	}

	/** Sends a control frame on all chosen paths, or on every open one when none is chosen. */
	sendControl(frame: Uint8Array, now: Millis): void {
		if (!this.hasRoute) {
			this.sendEverywhere(frame, now);
			return;
		}
		const slot = this.sender.take();
		if (slot === undefined) return;
		putFrame(slot, frame);
		this.lanes.control.sendControl(slot, now);
	}

	/** Sends a control frame on every open path, each in a packet of its own, whatever its state. */
	sendEverywhere(frame: Uint8Array, now: Millis): void {
		for (const path of this.paths.all) {
			const slot = path.open ? this.sender.take() : undefined;
			if (slot === undefined) continue;
			putFrame(slot, frame);
			this.sender.sendOn(slot, path, undefined, now, Sent.ANSWER);
		}
	}

	/**
	 * Reports in CLOSE that this end closes the session and needs `quiet` ms (at most 5,000) of
	 * silence.
	 */
	sendClose(code: Session['closeCode'], quiet: Millis, now: Millis): void {
		this.lanes.flush(now);
		this.sendEverywhere(encodeFrame(closeFrame, {code, quiet}), now);
	}

	/** Probe time-out of the best path, 1 s when all are down. */
	get probeTimeout(): Millis {
		let best = NEVER;
		for (const path of this.paths.all) {
			if (path.state !== 'down') best = Math.min(best, path.rtt.probeTimeout);
		}
		return best === NEVER ? 1000 : best;
	}

	/** True while there are flows or streams, through which peers may reach the client. */
	get reachable(): boolean {
		return (this.#flows?.size ?? 0) > 0 || (this.streams?.size ?? 0) > 0;
	}

	/** True while streams have something to send. */
	get streamsWait(): boolean {
		return this.streams?.hasWork ?? false;
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		const streams = this.streams?.nextTimeout() ?? NEVER;
		return Math.min(this.prober.nextTimeout(), streams, this.lanes.nextTimeout());
	}

	/** Probes and judges the paths, and drops what is old. */
	handleTimeout(now: Millis): void {
		this.prober.handleTimeout(now);
		this.paths.expireAddresses(now);
		this.#datagrams.expire(now);
		this.streams?.handleTimeout(now);
		this.lanes.handleTimeout(now);
		if (this.lanes.inputs.length > 0) this.#recovered.read(now);
	}
}

/** Puts a control frame into a slot. */
function putFrame(slot: Slot, frame: Uint8Array): void {
	slot.start = HEAD_ROOM;
	slot.end = copyBytes(slot.bytes, HEAD_ROOM, frame, 0, frame.length);
}
