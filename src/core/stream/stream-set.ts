import {type Millis, NEVER} from '../../bytes/time.ts';
import {EARLY_WINDOW, RefusalCode, StreamCode} from '../../wire/constants.ts';
import {type Feedback, feedbackFrame} from '../../wire/frames/feedback.ts';
import {
	type StreamBegin,
	type StreamData,
	streamAcceptFrame,
	streamFinFrame,
	streamFrame,
	streamOpenFrame,
	streamRejectFrame,
	streamResetFrame,
	streamStopFrame,
	streamWindowFrame,
} from '../../wire/frames/stream.ts';
import type {Account} from '../budget.ts';
import type {CongestionControl} from '../congestion-control.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {StreamTotals} from '../events.ts';
import type {Dispatch} from '../lane/dispatch/dispatch.ts';
import {createRateModel} from '../load/rate-models.ts';
import {type FrameTable, MALFORMED} from '../packets/frame-table.ts';
import {PacketReports} from '../packets/packet-reports.ts';
import type {PacketSender} from '../packets/packet-sender.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import {ReplayWindow} from '../replay-window.ts';
import {Role} from '../role.ts';
import {PacketFiller} from './packet-filler.ts';
import {SEND_RESERVE, Stream, type StreamHost, type StreamTraffic} from './stream.ts';
import {StreamScheduler} from './stream-scheduler.ts';
import {StreamTransport} from './stream-transport.ts';

/** Streams of one client at once. */
export const STREAM_LIMIT = 1024;
/** Bytes that peers may have sent into streams and that were not taken, unless it is configured. */
export const STREAM_MEMORY: number = 256 * 1024 * 1024;

/** Ids of streams that ended are remembered: older ones count as ended. */
const CLOSED_IDS = 65_536;
/** Frames of one packet into streams with many holes: each costs microseconds. */
const COSTLY_FRAMES = 8;
/** Time without a sign of life after which streams are given up. */
const HOPELESS_AFTER: Millis = 30_000;
/** Assumed for pacing before a probe has come back. */
const FIRST_ROUND_TRIP: Millis = 60;

/** A user of a server, as its streams need it. */
export interface StreamUser {
	readonly name: string;
	/** True when it may choose targets. */
	readonly exit: boolean;
	/** Streams that it may have at once, and those that it has, refused ones included. */
	readonly streamLimit: number;
	streams: number;
	/** True while the user's rate allows one more connection. */
	mayConnect(now: Millis): boolean;
	/** Counts a refusal, one of RefusalCode. True: it is to be reported now. */
	refused(kind: 'stream', code: number, now: Millis): boolean;
}

/** A session as the streams that it carries use it. */
export interface StreamSession {
	readonly sender: PacketSender;
	readonly paths: PathSet;
	/** Orders the paths for streams. */
	readonly dispatch: Dispatch;
	readonly prober: {
		/** Notes that data passed: paths are measured more often. */
		data(now: Millis): void;
	};
}

/** Inputs of a set of streams. */
export interface StreamSetInit {
	readonly context: EndpointContext;
	readonly role: Role;
	/** Memory of the streams, all of the user's together. */
	readonly memory: Account;
	readonly congestionControl: CongestionControl;
	/** Streams at once. */
	readonly limit: number;
	/** Server: the user whose they are. `undefined`: at a client. */
	readonly user: StreamUser | undefined;
	/** Called when the set becomes `isDue`. */
	readonly due?: () => void;
}

/** All streams of one client at one end, and the session that carries them. */
export class StreamSet implements StreamHost {
	readonly memory: Account;
	readonly traffic: StreamTraffic = {opened: 0, sent: 0, received: 0};
	now: Millis = 0;
	readonly #init: StreamSetInit;
	readonly #streams = new Map<number, Stream>();
	readonly #scheduler = new StreamScheduler();
	readonly #filler: PacketFiller;
	readonly #seen = new ReplayWindow(CLOSED_IDS);
	#nextId = 0;
	#session: StreamSession | undefined;
	#transport: StreamTransport | undefined;
	#reports: PacketReports | undefined;
	/**
	 * Frames of the packet being read into streams with many holes; below, set when one was refused.
	 */
	#costly = 0;
	#isRefused = false;
	/** Set when there were streams as frames were sent last. */
	#busy = false;
	#isDue = false;

	constructor(init: StreamSetInit) {
		this.#init = init;
		this.memory = init.memory;
		this.#filler = new PacketFiller(this.#scheduler, (stream) => this.remove(stream));
	}

	/** Streams in the set. */
	get size(): number {
		return this.#streams.size;
	}

	/** Iterates over all streams. */
	values(): IterableIterator<Stream> {
		return this.#streams.values();
	}

	/** Counts of the streams, for status and logs. */
	get totals(): StreamTotals {
		return {now: this.#streams.size, ...this.traffic};
	}

	get roundTrip(): Millis {
		return this.#transport?.roundTrip ?? 100;
	}

	/** True while bytes or frames wait to be sent. */
	get hasWork(): boolean {
		return this.#filler.hasWork;
	}

	/** True while a stream has had something to send since the last `pump`. */
	get isDue(): boolean {
		return this.#isDue;
	}

	/**
	 * Client: returns a new stream to that target. `undefined`: there are as many as there may be.
	 */
	open(target: Uint8Array, now: Millis): Stream | undefined {
		this.now = now;
		if (this.#streams.size >= this.#init.limit) return undefined;
		const stream = new Stream(this, {
			id: this.#nextId++,
			target,
			user: '',
			opener: true,
			sendLimit: EARLY_WINDOW,
		});
		this.traffic.opened++;
		this.#streams.set(stream.id, stream);
		this.#scheduler.add(stream);
		return stream;
	}

	/**
	 * Begins to send the streams over a session.
	 * @param supported true when the peer understands streams
	 */
	attach(session: StreamSession, supported: boolean): void {
		const {context, congestionControl} = this.#init;
		this.#session = session;
		const {sender, paths, dispatch} = session;
		const {random} = context.environment;
		const model = ({rtt}: Path) => {
			const firstRtt = rtt.measured ? rtt.smoothed : FIRST_ROUND_TRIP;
			return createRateModel(congestionControl, random, firstRtt);
		};
		const reports = new PacketReports({sender, paths, chosen: dispatch.paths, random, model});
		this.#reports = reports;
		const {carriers} = reports;
		this.#transport = new StreamTransport({sender, dispatch, carriers, filler: this.#filler});
		if (supported) return;
		for (const stream of this.#streams.values()) stream.ended(RefusalCode.NO_TARGET, undefined);
	}

	/** Ends the streams that the session carried: it is over. */
	detach(): void {
		this.#session = undefined;
		this.#transport = undefined;
		this.#reports = undefined;
		for (const stream of this.#streams.values()) {
			if (stream.announced) stream.ended(0, StreamCode.SESSION_LOST);
			// A refusal that the peer does not have yet has no receiver any more.
			if (this.#init.role === Role.SERVER) this.remove(stream);
		}
	}

	/** Ends all streams, those too of which the peer does not have the refusal yet. */
	endAll(code: number): void {
		for (const stream of this.#streams.values()) {
			stream.ended(0, code);
			this.remove(stream);
		}
	}

	// --- StreamHost ---

	queue(stream: Stream): void {
		if (stream.removed) return;
		this.#scheduler.add(stream);
		if (this.#isDue) return;
		this.#isDue = true;
		this.#init.due?.();
	}

	changed(stream: Stream): void {
		this.#init.context.streamChanged(stream);
	}

	remove(stream: Stream): void {
		if (stream.removed) return;
		stream.removed = true;
		this.#streams.delete(stream.id);
		const {user} = this.#init;
		if (user !== undefined) user.streams--;
	}

	rejected(code: number): void {
		const {user, context} = this.#init;
		if (user === undefined || !user.refused('stream', code, this.now)) return;
		context.emit({type: 'refused', user: user.name, kind: 'stream', code});
	}

	// --- frames in ---

	/** Registers the handlers of the frames of streams and of FEEDBACK. */
	register(frames: FrameTable): void {
		const {stream: record, feedback} = this.#init.context.records;
		if (this.#init.role === Role.SERVER) {
			frames.on(streamOpenFrame, record, (frame, _packet, now) => this.#opened(frame, now));
		}
		frames.on(streamAcceptFrame, record, ({id, window, address}, _packet, now) => {
			const stream = this.#find(id, now);
			if (stream?.opener) stream.accepted(window, address);
		});
		frames.on(streamRejectFrame, record, ({id, code}, _packet, now) => {
			const stream = this.#findEnding(id, now);
			if (stream?.opener) stream.ended(code, undefined);
		});
		frames.on(streamResetFrame, record, ({id, code}, _packet, now) => {
			this.#findEnding(id, now)?.ended(0, code);
		});
		frames.on(streamWindowFrame, record, ({id, offset}, _packet, now) => {
			this.#find(id, now)?.allow(offset);
		});
		frames.on(streamStopFrame, record, ({id}, _packet, now) =>
			this.#find(id, now)?.stopRequested(),
		);
		frames.onChecked(streamFrame, record, (frame, _packet, now) =>
			this.#arrived(frame, false, now),
		);
		frames.onChecked(streamFinFrame, record, (frame, _packet, now) =>
			this.#arrived(frame, true, now),
		);
		frames.onChecked(feedbackFrame, feedback, (frame, _packet, now) => this.#reported(frame, now));
	}

	#find(id: number, now: Millis): Stream | undefined {
		this.now = now;
		return this.#streams.get(id);
	}

	/**
	 * Returns the stream that the peer ends. An open that the reset overtook opens nothing any more.
	 */
	#findEnding(id: number, now: Millis): Stream | undefined {
		const stream = this.#find(id, now);
		if (stream === undefined && this.#init.role === Role.SERVER) this.#seen.accept(id);
		return stream;
	}

	#arrived(frame: StreamData, fin: boolean, now: Millis): DropReason | undefined {
		const {id, offset, bytes, start, end} = frame;
		const stream = this.#find(id, now);
		if (stream === undefined || stream.state === 'closed') return undefined;
		if (!this.#affords(stream, offset, end - start)) {
			this.#isRefused = true;
			return undefined;
		}
		return stream.arrived(offset, bytes, start, end, fin) ? undefined : MALFORMED;
	}

	#reported(feedback: Feedback, now: Millis): DropReason | undefined {
		this.now = now;
		return this.#reports?.read(feedback, now) ? undefined : MALFORMED;
	}

	/**
	 * True when a frame's bytes are worth their time and memory; else the peer has to send them
	 * again.
	 */
	#affords({in: buffer}: Stream, offset: number, length: number): boolean {
		if (buffer.isFragmented && ++this.#costly > COSTLY_FRAMES) return false;
		return buffer.hasRoom(offset, offset + length);
	}

	#opened({id, window, address}: StreamBegin, now: Millis): void {
		this.now = now;
		const {limit, user} = this.#init;
		if (user === undefined || this.#session === undefined) return;
		// Refused streams stay until the client is informed: one that opens on and on is not answered
		// any more.
		const beyond = this.#streams.size >= 2 * limit || user.streams >= 2 * user.streamLimit;
		if (beyond || !this.#seen.accept(id)) return;
		const refusal = this.#refusal(user);
		const stream = new Stream(this, {
			id,
			target: address,
			user: user.name,
			opener: false,
			sendLimit: window,
		});
		user.streams++;
		this.#streams.set(id, stream);
		if (refusal !== 0) stream.reject(refusal);
		else {
			this.traffic.opened++;
			this.changed(stream);
		}
	}

	/**
	 * Returns the reason for which the user may not open one more stream, one of RefusalCode. `0`: it
	 * may.
	 */
	#refusal(user: StreamUser): number {
		if (!user.exit) return RefusalCode.NO_TARGET;
		const full = this.#streams.size >= this.#init.limit || user.streams >= user.streamLimit;
		if (full) return RefusalCode.LIMIT;
		if (!user.mayConnect(this.now)) return RefusalCode.RATE;
		return this.memory.hasRoom(EARLY_WINDOW + SEND_RESERVE) ? 0 : RefusalCode.MEMORY;
	}

	/**
	 * Notes a packet with stream frames that came over `path`, if that is known, and was read as a
	 * whole.
	 */
	received(path: Path | undefined, number: number, now: Millis): void {
		const isRefused = this.#isRefused;
		this.#isRefused = false;
		this.#costly = 0;
		// Frames that are not reported as received come again in another packet.
		if (!isRefused) this.#reports?.received(path, number, now);
	}

	/** Notes another copy of a packet. */
	copy(path: Path, number: number, now: Millis): void {
		this.#reports?.copy(path, number, now);
	}

	// --- out ---

	/** Sends what is due: reports, and frames as far as the paths have room. */
	pump(now: Millis): void {
		this.#pump(now);
		// Also what this very call found lost: it went out, or its path has a timer.
		this.#isDue = false;
	}

	#pump(now: Millis): void {
		this.now = now;
		const session = this.#session;
		if (session === undefined) return;
		this.#reports?.send(now);
		// Where there are no streams a packet costs nothing here; the last one's timers end once.
		const busy = this.#streams.size > 0;
		if (!busy && !this.#busy) return;
		this.#busy = busy;
		if (this.#filler.hasWork) session.prober.data(now);
		this.#transport?.send(now);
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is due. */
	nextTimeout(): Millis {
		const session = this.#session;
		if (session === undefined) return NEVER;
		const own = Math.min(
			this.#reports?.nextTimeout() ?? NEVER,
			this.#transport?.nextTimeout() ?? NEVER,
		);
		if (this.#streams.size === 0) return own;
		return Math.min(own, session.sender.unansweredSince + HOPELESS_AFTER);
	}

	/** Judges what is overdue and sends. */
	handleTimeout(now: Millis): void {
		this.now = now;
		const session = this.#session;
		if (session === undefined) return;
		if (now >= session.sender.unansweredSince + HOPELESS_AFTER)
			this.endAll(StreamCode.SESSION_LOST);
		this.#transport?.handleTimeout(now);
		this.#reports?.handleTimeout(now);
		this.pump(now);
	}
}
