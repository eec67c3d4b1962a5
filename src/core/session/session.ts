import {copyBytes} from '../../bytes/cursor.ts';
import {HEAD_ROOM, type Slot} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {CloseCode} from '../../wire/constants.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {closeFrame, MAX_QUIET, paddingFrame} from '../../wire/frames/control.ts';
import {DATAGRAM_FRAMES} from '../../wire/frames/frame-type.ts';
import {type Paths, pathsFrame, pathsKnownFrame} from '../../wire/frames/paths.ts';
import {type Probe, pongFrame, probeFrame} from '../../wire/frames/probe.ts';
import type {Account} from '../budget.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {FlowSession} from '../flow/flow-session.ts';
import {DatagramReader, type DatagramSink} from '../lane/datagram-reader.ts';
import type {Dispatch} from '../lane/dispatch/dispatch.ts';
import type {Lane, LaneOwner} from '../lane/lane.ts';
import {Lanes} from '../lane/lanes.ts';
import type {FrameTable} from '../packets/frame-table.ts';
import type {KeySchedule} from '../packets/key-schedule.ts';
import {PacketSender} from '../packets/packet-sender.ts';
import type {ReceivedPacket} from '../packets/received-packet.ts';
import {PathSet} from '../path/path-set.ts';
import type {Policy} from '../policy.ts';
import {Role} from '../role.ts';
import {Sent} from '../sent.ts';
import type {StreamSession, StreamSet} from '../stream/stream-set.ts';
import {PacketReceiver} from './packet-receiver.ts';
import {Prober} from './prober.ts';

/** Inputs of a session. */
export interface SessionInit {
	readonly context: EndpointContext;
	readonly role: Role;
	/** Number for events and status. */
	readonly number: number;
	/** The id that the peer puts into packets for us, and the one it knows. */
	readonly localId: number;
	readonly peerId: number;
	readonly keys: KeySchedule;
	/** The frame types from 0x30 up that the peer understands by its own account. */
	readonly peerFrames: readonly number[];
	/** Memory of the user; without one there is no limit beside the session's own. */
	readonly memory?: Account;
	/** Called when the peer ends the session; `quiet`: ms of silence that it asks for. */
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
 * paths. It knows frames, not what they mean for flows and streams.
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
	/** The streams that the session carries; undefined = none, and their frames are unknown. */
	streams: StreamSet | undefined = undefined;
	/** Application datagrams put into the session. */
	sent = 0;
	/** True while datagrams wait for a path; set by the endpoint. */
	waiting = false;
	rekeys = 0;
	/** The sequence of the newest PATHS of ours that the peer knows. */
	pathsKnown: number | undefined = undefined;
	/** Server: the sequence of the newest PATHS. */
	#pathsSequence: number | undefined;
	/** Reason why the session cannot go on, with the code for CLOSE. */
	broken: string | undefined = undefined;
	closeCode: (typeof CloseCode)[keyof typeof CloseCode] = CloseCode.PROTOCOL;
	readonly #context: EndpointContext;
	readonly #role: Role;
	readonly #receiver: PacketReceiver;
	readonly #datagrams: DatagramReader;
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
		this.lanes = new Lanes({...common, owner: this, joining, number, localId, now});
		this.prober = new Prober({...common, lanes: this.lanes, role, traffic: this});
		this.#datagrams = new DatagramReader(context, init.memory, (at) => this.prober.data(at));
		const events = {
			copied: (packet: ReceivedPacket, at: Millis) => this.#copied(packet, at),
			eliciting: (packet: ReceivedPacket, at: Millis) => this.#eliciting(packet, at),
			breach: (type: number) => this.#breach(type),
		};
		this.#receiver = new PacketReceiver({...common, keys, events, now});
		this.#register(init.closed);
	}

	/** Takes a DATA packet that names this session; drops are counted here. */
	receive(packet: ReceivedPacket, now: Millis): DropReason | undefined {
		const reason = this.#receiver.receive(packet, now);
		return reason === undefined ? undefined : this.#context.drops.count(reason);
	}

	/** Time of the last genuine packet. */
	get heard(): Millis {
		return this.#receiver.heard;
	}

	/** Packets that proved genuine. */
	get opened(): number {
		return this.#receiver.opened;
	}

	/** Application datagrams that came out of the session. */
	get received(): number {
		return this.#datagrams.received;
	}

	/** Starts the flows: they take datagrams and the peer's frames about them from now on. */
	carryFlows(flows: SessionFlows): void {
		const {frames} = this.#receiver;
		this.#flows = flows;
		this.#datagrams.register(frames, flows);
		flows.register(frames);
	}

	/** From now on the session carries streams; without them their frames are unknown. */
	carryStreams(streams: StreamSet): void {
		this.streams = streams;
		streams.register(this.#receiver.frames);
	}

	#copied({path, number}: ReceivedPacket, now: Millis): void {
		if (path !== undefined) this.streams?.copy(path, number, now);
	}

	#eliciting({path, number, size}: ReceivedPacket, now: Millis): void {
		if (path !== undefined) path.streamBytesReceived += size;
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
		this.#pathsSequence = sequence;
		this.lanes.redundant.copies = copies;
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
		const path = this.paths.ensure(probe.pathId);
		const known = this.paths.locate(remote);
		const address = this.paths.learn(path, remote, now);
		if (address === undefined) return;
		if (known?.path !== path) {
			address.received(size, now);
			path.received(number, now);
		}
		this.prober.receive(probe, path, address, now);
	}

	/** Returns the lane of a policy, for the flows that have it. */
	lane(policy: Policy, now: Millis): Lane {
		return this.lanes.get(policy, now);
	}

	/** A datagram goes into a lane now. */
	sending(now: Millis): void {
		this.sent++;
		this.prober.data(now);
	}

	/** The session is over: nothing waits any more, no frame is read, nothing is sent. */
	end(): void {
		this.lanes.end();
		this.sender.ended = true;
		this.#datagrams.clear();
	}

	/** True when the session is over. */
	get ended(): boolean {
		return this.sender.ended;
	}

	/** An exception inside the session, which cannot go on; reported once. */
	fail(error: unknown, now: Millis): void {
		if (this.closeCode === CloseCode.INTERNAL) {
			this.#context.recover(now);
			return;
		}
		this.broken = 'a fault of this program';
		this.closeCode = CloseCode.INTERNAL;
		this.#context.failed(this.number, error, now);
	}

	/** Chooses the paths for streams. */
	get dispatch(): Dispatch {
		return this.lanes.redundant;
	}

	/** True while a path takes datagrams. */
	get hasRoute(): boolean {
		return this.lanes.first.isUsable;
	}

	/** Datagrams wait for a path from now on: all are probed as if data passed. */
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
		this.lanes.first.sendControl(slot, now);
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

	/** The probe time-out of the best path, 333 ms based before the first measurement. */
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

	/** Time of the next handleTimeout. */
	nextTimeout(): Millis {
		return Math.min(this.prober.nextTimeout(), this.streams?.nextTimeout() ?? NEVER);
	}

	/** Probes, judges, and lets go of what is old. */
	handleTimeout(now: Millis): void {
		this.prober.handleTimeout(now);
		this.paths.expireAddresses(now);
		this.#datagrams.expire(now);
		this.streams?.handleTimeout(now);
	}
}

/** Puts a control frame into a slot. */
function putFrame(slot: Slot, frame: Uint8Array): void {
	slot.start = HEAD_ROOM;
	slot.end = copyBytes(slot.bytes, HEAD_ROOM, frame, 0, frame.length);
}
