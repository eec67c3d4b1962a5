import {copyBytes} from '../../bytes/cursor.ts';
import {HEAD_ROOM, type Slot} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {writeVarint} from '../../bytes/varint.ts';
import {decodeTarget} from '../../wire/address.ts';
import {
	CloseCode,
	DATAGRAM_FRAMES,
	FrameType,
	HEADER_LENGTH,
	MAX_DATAGRAM,
	MAX_DATAGRAMS,
	MIN_DATA_LENGTH,
} from '../../wire/constants.ts';
import {associatedData, headerEpoch, headerPacketNumber} from '../../wire/header.ts';
import {decodePaths, type PathsFrame} from '../../wire/paths.ts';
import {decodeProbe} from '../../wire/probe.ts';
import type {Account} from '../budget.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {FlowFrames} from '../flow/flow-frames.ts';
import type {FlowSession} from '../flow/flow-session.ts';
import type {Dispatch} from '../lane/dispatch/dispatch.ts';
import type {Lane, LaneOwner} from '../lane/lane.ts';
import {Lanes} from '../lane/lanes.ts';
import {Reassembly} from '../lane/reassembly.ts';
import type {KeySchedule} from '../packets/key-schedule.ts';
import {PacketSender} from '../packets/packet-sender.ts';
import type {PathAddress} from '../path/address.ts';
import type {Path} from '../path/path.ts';
import {PathSet} from '../path/path-set.ts';
import type {Policy} from '../policy.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {ReplayWindow, Seen} from '../replay-window.ts';
import {Role} from '../role.ts';
import {Sent} from '../sent.ts';
import type {StreamSession, StreamSet} from '../stream/stream-set.ts';
import {Prober} from './prober.ts';

/** Packets whose numbers are remembered: 40,000 packets/s with 1.6 s of skew between paths. */
const WINDOW = 65_536;
/** An old epoch is accepted for at least this long after a newer one is confirmed. */
const EPOCH_GRACE: Millis = 10_000;
const TAG = 16;

/** What makes a session. */
export interface SessionInit {
	readonly context: EndpointContext;
	readonly role: Role;
	/** Number for events and status. */
	readonly number: number;
	/** The id that the peer puts into packets for us, and the one it knows. */
	readonly localId: number;
	readonly peerId: number;
	readonly keys: KeySchedule;
	/** The frame types from 0x30 up that the peer says it understands. */
	readonly peerFrames: readonly number[];
	/** What the user may keep; without one there is no limit beside the session's own. */
	readonly memory?: Account;
	readonly now: Millis;
}

/**
 * One session: packets in and out, under one packet number space and one replay window for all
 * paths. It knows frames, not what they mean for flows: those go to `flows`.
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
	flows!: FlowFrames;
	/** The streams that the session carries; undefined = none, and their frames are unknown. */
	streams: StreamSet | undefined = undefined;
	/** When the last genuine packet came in. */
	heard: Millis;
	/** Application datagrams put into the session, and those that came out. */
	sent = 0;
	received = 0;
	/** Whether datagrams wait for a path; the endpoint says so. */
	waiting = false;
	rekeys = 0;
	/** Packets that proved genuine. */
	opened = 0;
	/** The newest PATHS of the client, and the sequence of ours that is not answered yet. */
	peerPaths: PathsFrame | undefined = undefined;
	pathsKnown: number | undefined = undefined;
	/** Why the session cannot go on, and what CLOSE says of it. */
	broken: string | undefined = undefined;
	closeCode: (typeof CloseCode)[keyof typeof CloseCode] = CloseCode.PROTOCOL;
	readonly #context: EndpointContext;
	readonly #role: Role;
	readonly #window = new ReplayWindow(WINDOW);
	readonly #reassembly: Reassembly;
	/** The packet being read. */
	#packetNumber = 0;
	#packetSize = 0;
	#remote: RemoteAddress | undefined;
	#path: Path | undefined;
	#address: PathAddress | undefined;
	#hasStreamFrames = false;
	/** Frames of the packet being read that it may hold once, as bits by type - 0x20. */
	#once = 0;

	constructor(init: SessionInit) {
		this.#context = init.context;
		this.#reassembly = new Reassembly(init.memory);
		this.#role = init.role;
		this.number = init.number;
		this.localId = init.localId;
		this.peerId = init.peerId;
		this.keys = init.keys;
		this.since = init.now;
		this.heard = init.now;
		this.paths = new PathSet(init.context, init.number);
		this.sender = new PacketSender(init.context, init.keys, this.paths, init.peerId);
		const joining = DATAGRAM_FRAMES.every((type) => init.peerFrames.includes(type));
		const {context, role, number, localId, now} = init;
		const {sender, paths} = this;
		const common = {context, sender, paths};
		this.lanes = new Lanes({...common, owner: this, joining, number, localId, now});
		this.prober = new Prober({...common, lanes: this.lanes, role, traffic: this});
	}

	/**
	 * Takes a DATA packet that names this session; drops are counted here. `path` and `address` say where it came from when
	 * that is known; `remote` is the server's view of it.
	 */
	receive(
		remote: RemoteAddress | undefined,
		path: Path | undefined,
		address: PathAddress | undefined,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const reason = this.#receive(remote, path, address, bytes, start, end, now);
		return reason === undefined ? undefined : this.#context.drops.count(reason);
	}

	#receive(
		remote: RemoteAddress | undefined,
		path: Path | undefined,
		address: PathAddress | undefined,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		if (this.ended) return 'unknown-session';
		if (end - start < MIN_DATA_LENGTH) return 'short';
		const packetNumber = headerPacketNumber(bytes, start);
		const seen = this.#window.peek(packetNumber);
		if (seen === Seen.TOO_OLD) return 'too-old';
		if (seen === Seen.DUPLICATE) {
			// Not opened, so nothing in it is proven: it may only be counted, where it may have come from.
			if (address?.validated && path !== undefined) {
				path.received(packetNumber, now);
				this.streams?.copy(path, packetNumber, now);
			}
			return 'duplicate';
		}
		const epoch = headerEpoch(bytes, start);
		const key = this.keys.opening(epoch, packetNumber, now);
		if (key === undefined) return 'unknown-epoch';
		const frames = start + HEADER_LENGTH;
		const framesEnd = end - TAG;
		const {encrypt, failedOpens} = this.#context;
		const stranger = address === undefined ? remote : undefined;
		if (stranger !== undefined && !failedOpens.mayOpen(stranger, now)) return 'flood';
		const ad = associatedData(bytes, start, framesEnd, encrypt);
		if (!key.open(packetNumber, ad, bytes, encrypt ? frames : framesEnd, framesEnd)) {
			if (stranger !== undefined) failedOpens.failed(stranger);
			return 'bad-tag';
		}
		this.#window.accept(packetNumber);
		this.keys.opened(epoch, packetNumber, now, this.#grace());
		this.opened++;
		this.heard = now;
		this.sender.unheardSince = NEVER;
		if (address !== undefined) address.received(end - start, now);
		path?.received(packetNumber, now);
		this.#packetNumber = packetNumber;
		this.#packetSize = end - start;
		this.#remote = remote;
		this.#path = path;
		this.#address = address;
		this.#hasStreamFrames = false;
		this.#once = 0;
		const reason = this.#readFrames(bytes, frames, framesEnd, now);
		if (this.#hasStreamFrames && !this.ended) {
			if (path !== undefined) path.streamBytesReceived += this.#packetSize;
			this.streams?.received(path, packetNumber, now);
		}
		return reason;
	}

	#grace(): Millis {
		let longest = 0;
		for (const path of this.paths.all) longest = Math.max(longest, path.rtt.probeTimeout);
		return Math.max(EPOCH_GRACE, 3 * longest);
	}

	/** Reads frames until one takes the rest of the packet or ends the session. */
	#readFrames(bytes: Uint8Array, start: number, end: number, now: Millis): DropReason | undefined {
		const cursor = this.#context.cursor;
		cursor.reset(bytes, start, end);
		let datagrams = 0;
		while (cursor.remaining > 0 && !this.ended) {
			const type = cursor.uint8();
			if (type === FrameType.DATAGRAM_LEN) {
				if (++datagrams > MAX_DATAGRAMS || !this.#readJoined(now)) return this.#breach(type);
				continue;
			}
			if (type === FrameType.PADDING) return undefined;
			if (type === FrameType.DATAGRAM || type === FrameType.DATAGRAM_TO) {
				return datagrams < MAX_DATAGRAMS ? this.#readDatagram(type, now) : this.#breach(type);
			}
			if (type === FrameType.FRAGMENT) return this.#readFragment(now);
			if (this.#isRepeated(type) || !this.#readControl(type, now)) return this.#breach(type);
		}
		return undefined;
	}

	/** Whether this is the second frame in the packet of a type that it may hold once, as each costs time. */
	#isRepeated(type: number): boolean {
		const bit = type === FrameType.PONG ? 1 : 1 << (type - FrameType.PROBE);
		if (type < FrameType.PROBE || type > FrameType.CLOSE) return false;
		const repeated = (this.#once & bit) !== 0;
		this.#once |= bit;
		return repeated;
	}

	#breach(type: number): DropReason {
		this.broken = `frame 0x${type.toString(16)} is unknown or malformed`;
		return 'malformed-frame';
	}

	#readDatagram(type: number, now: Millis): DropReason | undefined {
		const cursor = this.#context.cursor;
		const flow = cursor.varint();
		const reference = cursor.varint();
		const target = type === FrameType.DATAGRAM_TO ? decodeTarget(cursor) : undefined;
		if (cursor.failed) return this.#breach(type);
		const {bytes, position, end} = cursor;
		if (end - position > MAX_DATAGRAM) return this.#breach(type);
		this.received++;
		this.prober.data(now);
		return target === undefined
			? this.flows.datagram(flow, reference, bytes, position, end, now)
			: this.flows.datagramTo(flow, reference, target, bytes, position, end, now);
	}

	/** Reads one of several datagrams in a packet; false when it is malformed. */
	#readJoined(now: Millis): boolean {
		const cursor = this.#context.cursor;
		const flow = cursor.varint();
		const reference = cursor.varint();
		const length = cursor.varint();
		const start = cursor.skip(length);
		if (cursor.failed) return false;
		this.received++;
		this.prober.data(now);
		const {bytes, position} = cursor;
		const reason = this.flows.datagram(flow, reference, bytes, start, position, now);
		if (reason !== undefined) this.#context.drops.count(reason);
		return true;
	}

	#readFragment(now: Millis): DropReason | undefined {
		const cursor = this.#context.cursor;
		const index = cursor.uint8();
		const count = cursor.uint8();
		if (cursor.failed) return this.#breach(FrameType.FRAGMENT);
		const {bytes, position, end} = cursor;
		const number = this.#packetNumber;
		const whole = this.#reassembly.add(number, index, count, bytes, position, end, now);
		if (whole === undefined) return undefined;
		if (whole === 'malformed') return 'reassembly';
		cursor.reset(whole, 0, whole.length);
		const type = cursor.uint8();
		if (type !== FrameType.DATAGRAM && type !== FrameType.DATAGRAM_TO) return this.#breach(type);
		return this.#readDatagram(type, now);
	}

	/** Reads one control frame; false when it is unknown or malformed. */
	#readControl(type: number, now: Millis): boolean {
		const cursor = this.#context.cursor;
		switch (type) {
			case FrameType.PROBE:
			case FrameType.PONG:
				return this.#readProbe(type, now);
			case FrameType.TARGET_KNOWN:
			case FrameType.TARGET_UNKNOWN: {
				const flow = cursor.varint();
				const reference = cursor.varint();
				if (!cursor.failed) this.flows.target(flow, reference, type === FrameType.TARGET_KNOWN);
				return !cursor.failed;
			}
			case FrameType.FLOW_CLOSE: {
				const flow = cursor.varint();
				if (!cursor.failed) this.flows.closed(flow, now);
				return !cursor.failed;
			}
			case FrameType.FLOW_REFUSED: {
				const flow = cursor.varint();
				const code = cursor.uint8();
				if (!cursor.failed) this.flows.refused(flow, code, now);
				return !cursor.failed;
			}
			case FrameType.TARGET_REFUSED: {
				const flow = cursor.varint();
				const reference = cursor.varint();
				const code = cursor.uint8();
				if (!cursor.failed) this.flows.targetRefused(flow, reference, code);
				return !cursor.failed;
			}
			case FrameType.PATHS:
				return this.#readPaths(now);
			case FrameType.PATHS_KNOWN:
				this.pathsKnown = cursor.uint8();
				return !cursor.failed;
			case FrameType.CLIENT: {
				const id = cursor.copy(16);
				if (!cursor.failed) this.flows.client(id, now);
				return !cursor.failed;
			}
			case FrameType.CLOSE: {
				const code = cursor.uint8();
				const quiet = cursor.varint();
				if (!cursor.failed) this.flows.sessionClosed(code, Math.min(quiet, 5000), now);
				return !cursor.failed;
			}
			case FrameType.FEEDBACK:
				return this.streams?.feedback(cursor, now) ?? false;
			default:
				this.#hasStreamFrames = true;
				return this.streams?.frame(type, cursor, now) ?? false;
		}
	}

	#readPaths(now: Millis): boolean {
		if (this.#role !== Role.SERVER) return false;
		const frame = decodePaths(this.#context.cursor);
		if (frame === undefined) return false;
		this.peerPaths = frame;
		this.lanes.redundant.copies = frame.copies;
		for (const settings of frame.paths) this.paths.configure(settings, settings.rateDown);
		this.paths.changed(now);
		this.sendControl(Uint8Array.of(FrameType.PATHS_KNOWN, frame.sequence), now);
		return true;
	}

	#readProbe(type: number, now: Millis): boolean {
		const probe = this.#context.probeIn;
		if (!decodeProbe(this.#context.cursor, type, probe)) return false;
		if (this.#role === Role.CLIENT) {
			if (this.#path !== undefined && this.#address !== undefined) {
				// A probe of another path that strayed here would give this path false measurements.
				if (probe.pathId === this.#path.id) {
					this.prober.receive(probe, this.#path, this.#address, now);
				}
			}
			return true;
		}
		const path = this.paths.ensure(probe.pathId);
		const remote = this.#remote!;
		const known = this.paths.locate(remote);
		const address = this.paths.learn(path, remote, now);
		if (address === undefined) return true;
		if (known?.path !== path) {
			address.received(this.#packetSize, now);
			path.received(this.#packetNumber, now);
		}
		this.prober.receive(probe, path, address, now);
		return true;
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
		this.#reassembly.clear();
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

	/** Says that this end closes the session and wants `quiet` ms (at most 5,000) of silence. */
	sendClose(code: Session['closeCode'], quiet: Millis, now: Millis): void {
		this.lanes.flush(now);
		const frame = new Uint8Array(6);
		frame[0] = FrameType.CLOSE;
		frame[1] = code;
		this.sendEverywhere(frame.subarray(0, writeVarint(frame, 2, quiet)), now);
	}

	/** The probe time-out of the best path, 333 ms based before the first measurement. */
	get probeTimeout(): Millis {
		let best = NEVER;
		for (const path of this.paths.all) {
			if (path.state !== 'down') best = Math.min(best, path.rtt.probeTimeout);
		}
		return best === NEVER ? 1000 : best;
	}

	/** Whether there are flows or streams, through which peers may reach the client. */
	get reachable(): boolean {
		return this.flows.size > 0 || (this.streams?.size ?? 0) > 0;
	}

	/** Whether streams have something to send. */
	get streamsWait(): boolean {
		return this.streams?.hasWork ?? false;
	}

	/** When handleTimeout wants to be called. */
	nextTimeout(): Millis {
		return Math.min(this.prober.nextTimeout(), this.streams?.nextTimeout() ?? NEVER);
	}

	/** Probes, judges, and lets go of what is old. */
	handleTimeout(now: Millis): void {
		this.prober.handleTimeout(now);
		this.paths.expireAddresses(now);
		this.#reassembly.expire(now);
		this.streams?.handleTimeout(now);
	}
}

/** Puts a control frame into a slot. */
function putFrame(slot: Slot, frame: Uint8Array): void {
	slot.start = HEAD_ROOM;
	slot.end = copyBytes(slot.bytes, HEAD_ROOM, frame, 0, frame.length);
}
