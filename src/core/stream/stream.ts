import {type Millis, NEVER} from '../../bytes/time.ts';
import {EARLY_WINDOW} from '../../wire/constants.ts';
import type {Account} from '../budget.ts';
import type {StreamOwner, TunnelStream} from '../tunnel-stream.ts';
import {ReceiveBuffer} from './receive-buffer.ts';
import {SendBuffer} from './send-buffer.ts';

/** Bytes that a peer may send before anything was taken from this end. */
export const FIRST_WINDOW = 262_144;
/** Windows double up to this while the reader keeps pace. */
const LARGEST_WINDOW = 8 * 1024 * 1024;
/**
 * A reader that takes one of so many parts of the window in a round trip may soon need a larger
 * one.
 */
const WINDOW_PARTS = 8;
/** The systems at both ends are no faster than this, however short the path. */
const SHORTEST_PACE: Millis = 10;
/** The credit that a stream always has. */
export const LEAST_WINDOW = 16_384;
/** Bytes that a writer may have waiting beyond what the peer takes. */
const WRITE_AHEAD = 262_144;
/**
 * Bytes that a writer may always have waiting, counted from the beginning: one read of a system's
 * socket, so that a stream goes on, if slowly, when its user has no memory left.
 */
export const SEND_RESERVE = 65_536;
/** A stream that sent less is young: its packets go before those of others. */
const YOUNG = 65_536;
/** So few bytes to send, and so few on their way, are no bulk. */
const FEW = 4096;
const SMALL = 16_384;

/** Control frames that a stream has to send, as bits. */
export const Pending = {OPEN: 1, ACCEPT: 2, REJECT: 4, RESET: 8, WINDOW: 16, STOP: 32} as const;

/** Counts of streams that never go back. */
export interface StreamTraffic {
	opened: number;
	sent: number;
	received: number;
}

/** The parts of its carrier that a stream uses. */
export interface StreamHost {
	/** Memory of the user: credit given to peers, and bytes that wait to be acknowledged by them. */
	readonly memory: Account;
	/** The time of the last input, and the round trip time of the best path. */
	readonly now: Millis;
	readonly roundTrip: Millis;
	/** Bytes that all its streams took and gave out. */
	readonly traffic: StreamTraffic;
	/** Queues a stream that may have something to send. */
	queue(stream: Stream): void;
	/** Reports a change of a stream to its owner. */
	changed(stream: Stream): void;
	/** Removes a stream that is over and of which nothing is on its way any more. */
	remove(stream: Stream): void;
	/** Counts a rejection by this end, with one of RefusalCode. */
	rejected(code: number): void;
}

/** Origin of a stream. */
export interface StreamInit {
	readonly id: number;
	/** Target, encoded as on the wire. */
	readonly target: Uint8Array;
	/** Name of the user who opened it; empty at a client. */
	readonly user: string;
	/** True at the end that opened it. */
	readonly opener: boolean;
	/** Offset up to which this end may send at first. */
	readonly sendLimit: number;
}

/**
 * One stream at one end: buffers, windows, and the frames that still have to be sent to the peer.
 */
export class Stream implements TunnelStream {
	readonly id: number;
	readonly target: Uint8Array;
	readonly user: string;
	owner: StreamOwner | undefined = undefined;
	state: 'opening' | 'open' | 'closed' = 'opening';
	bound: Uint8Array = NONE;
	rejection = 0;
	resetCode: number | undefined = undefined;
	/** Bits of Pending. */
	pending = 0;
	/** True when this end opened it. */
	readonly opener: boolean;
	/** True once the peer surely has this end's STREAM_OPEN or STREAM_ACCEPT. */
	known = false;
	/** Set when its beginning was, or will be, sent a second time although it may arrive. */
	repeated = false;
	/** True once the peer may have its beginning. */
	announced: boolean;
	/** Set when the set of streams has let go of it. */
	removed = false;
	/** Code with which this end rejects or resets. */
	code = 0;
	readonly out: SendBuffer = new SendBuffer();
	readonly in: ReceiveBuffer = new ReceiveBuffer();
	/** Bytes below this offset may be sent. */
	sendLimit: number;
	/** Bytes below this offset the peer may send; the same when the stream began. */
	receiveLimit: number;
	readonly firstLimit: number;
	finQueued = false;
	finSent = false;
	finAcknowledged = false;
	stopped = false;
	/** True while it waits in the scheduler; below, among those whose owners are to be called. */
	queued = false;
	changed = false;
	readonly #host: StreamHost;
	readonly opened: Millis;
	#window = FIRST_WINDOW;
	#consumed = 0;
	/** Start of a measurement of the reader's pace; below, the bytes that it had taken then. */
	#markAt: Millis = 0;
	#markConsumed = 0;
	/** Time at which bytes last had waited too long for the reader. */
	#slowAt: Millis = Number.NEGATIVE_INFINITY;
	/** Time since which bytes wait that the reader did not take. `NEVER`: none do. */
	#waitingSince: Millis = NEVER;
	#blocked = false;
	/** Set when the memory of the peer's credit was given back. */
	#released = false;
	/** Memory that is counted for bytes that wait to be acknowledged. */
	#sending = 0;
	/** Set when bytes of the peer are thrown away; below, when the peer surely has been informed. */
	#discarding = false;
	#stopAcknowledged = false;

	/** With `opener`, `sendLimit` covers the bytes that may go early. */
	constructor(host: StreamHost, {id, target, user, opener, sendLimit}: StreamInit) {
		this.#host = host;
		this.opened = host.now;
		this.id = id;
		this.target = target;
		this.user = user;
		this.opener = opener;
		this.announced = !opener;
		this.sendLimit = sendLimit;
		this.receiveLimit = opener
			? host.memory.takeUpTo(FIRST_WINDOW, LEAST_WINDOW)
			: host.memory.takeUpTo(EARLY_WINDOW, EARLY_WINDOW);
		this.#countSending();
		this.firstLimit = this.receiveLimit;
		if (opener) this.pending = Pending.OPEN;
	}

	/**
	 * True while its next packet goes before those of others: it has just begun, or has so little to
	 * send that an answer is probably awaited.
	 */
	get urgent(): boolean {
		const {next, base, end} = this.out;
		return next < YOUNG || (end - next <= FEW && next - base <= SMALL);
	}

	/** Bytes that its owner has put in, and those that it has taken out. */
	get sent(): number {
		return this.out.end;
	}
	get received(): number {
		return this.#consumed;
	}

	/** Bytes that may go into packets now. */
	get backlog(): number {
		const {out} = this;
		return this.state === 'closed' ? 0 : Math.max(0, Math.min(out.end, this.sendLimit) - out.next);
	}

	/** True while something of it could go into a packet now. */
	get hasWork(): boolean {
		if (this.pending !== 0) return true;
		if (this.state === 'closed') return false;
		const {out} = this;
		if (out.lost.size > 0 || out.next < Math.min(out.end, this.sendLimit)) return true;
		return this.finQueued && !this.finSent && out.next === out.end;
	}

	// --- for its owner ---

	get writable(): boolean {
		return this.state !== 'closed' && !this.finQueued && this.#room > 0;
	}

	get #room(): number {
		const {base, memory} = this.out;
		if (memory > 0 && !this.#host.memory.roomToGrow(1)) return 0;
		const inFlight = Math.min(LARGEST_WINDOW, this.sendLimit - base);
		return Math.max(0, inFlight) + WRITE_AHEAD - memory;
	}

	/** Counts the memory of bytes that wait to be acknowledged. */
	#countSending(): void {
		const reserve = this.state === 'closed' || this.finAcknowledged ? 0 : SEND_RESERVE;
		const needed = Math.max(reserve, this.out.memory);
		if (needed === this.#sending) return;
		this.#host.memory.add(needed - this.#sending);
		this.#sending = needed;
	}

	write(bytes: Uint8Array): boolean {
		if (this.state === 'closed' || this.finQueued) return false;
		this.out.append(bytes);
		this.#host.traffic.sent += bytes.length;
		this.#countSending();
		this.#host.queue(this);
		this.#blocked = this.#room <= 0;
		return !this.#blocked;
	}

	end(): void {
		if (this.state === 'closed' || this.finQueued) return;
		this.finQueued = true;
		this.#host.queue(this);
	}

	reset(code: number): void {
		if (this.state === 'closed') return;
		this.#close();
		if (!this.announced) {
			this.#host.remove(this);
			return;
		}
		this.code = code;
		this.pending = Pending.RESET;
		this.#host.queue(this);
	}

	stop(): void {
		if (this.state === 'closed' || this.in.finished || this.#discarding) return;
		this.#discarding = true;
		this.#release();
		this.in.clear();
		this.pending = (this.pending & ~Pending.WINDOW) | Pending.STOP;
		this.#host.queue(this);
	}

	accept(bound: Uint8Array): void {
		if (this.state !== 'opening') return;
		this.state = 'open';
		this.bound = bound;
		if (!this.#released) {
			this.receiveLimit += this.#host.memory.takeUpTo(FIRST_WINDOW - EARLY_WINDOW, 0);
		}
		this.pending |= Pending.ACCEPT;
		this.#host.queue(this);
	}

	reject(code: number): void {
		if (this.state !== 'opening') return;
		this.#close();
		this.#host.rejected(code);
		this.code = code;
		this.pending = Pending.REJECT;
		this.#host.queue(this);
	}

	read(): Uint8Array | undefined {
		if (this.state === 'closed') return undefined;
		const bytes = this.in.read();
		if (bytes === undefined) return undefined;
		this.#host.traffic.received += bytes.length;
		if (this.in.finished) this.settle();
		return bytes;
	}

	get finished(): boolean {
		return this.in.finished;
	}

	consumed(count: number): void {
		if (this.#released) return;
		this.#consumed += count;
		this.#host.memory.give(count);
		if (this.in.finalSize !== Number.POSITIVE_INFINITY) return;
		const {now} = this.#host;
		const drained = this.#waitingSince === NEVER ? 0 : now - this.#waitingSince;
		const allTaken = this.#consumed === this.in.position && this.in.available === 0;
		this.#waitingSince = allTaken ? NEVER : now;
		this.#adapt(now, drained);
		if (this.receiveLimit - this.#consumed > (3 / 4) * this.#window) return;
		const missing = Math.max(0, this.#consumed + this.#window - this.receiveLimit);
		const least = Math.max(0, this.#consumed + LEAST_WINDOW - this.receiveLimit);
		this.receiveLimit += this.#host.memory.takeUpTo(missing, least);
		this.pending |= Pending.WINDOW;
		this.#host.queue(this);
	}

	/**
	 * Fits the window to the bytes taken in a round trip.
	 * @param drained time for which bytes waited for the reader
	 */
	#adapt(now: Millis, drained: Millis): void {
		const roundTrip = Math.max(SHORTEST_PACE, this.#host.roundTrip);
		if (drained > 4 * roundTrip + 1000) this.#window = FIRST_WINDOW;
		if (drained >= 2 * roundTrip) this.#slowAt = now;
		const isFast = this.#consumed - this.#markConsumed >= this.#window / WINDOW_PARTS;
		if (isFast && now - this.#slowAt >= 2 * roundTrip) this.#grow();
		if (!isFast && now - this.#markAt < roundTrip) return;
		this.#markAt = now;
		this.#markConsumed = this.#consumed;
	}

	#grow(): void {
		if (this.#window >= LARGEST_WINDOW || !this.#host.memory.roomToGrow(this.#window)) return;
		this.#window *= 2;
	}

	// --- for its carrier ---

	#close(): void {
		this.state = 'closed';
		this.#release();
		this.out.clear();
		this.in.clear();
		this.#countSending();
	}

	#release(): void {
		if (this.#released) return;
		this.#released = true;
		this.#host.memory.give(this.receiveLimit - this.#consumed);
	}

	/** Takes STREAM_ACCEPT: the peer takes bytes below `window`, and `bound` is its address. */
	accepted(window: number, bound: Uint8Array): void {
		this.known = true;
		this.pending &= ~Pending.OPEN;
		this.allow(window);
		if (this.state !== 'opening') return;
		this.state = 'open';
		this.bound = bound;
		this.#host.changed(this);
	}

	/** Ends it: the peer rejected or reset it, or its session is over. */
	ended(rejection: number, resetCode: number | undefined): void {
		if (this.state === 'closed') return;
		this.#close();
		this.rejection = rejection;
		this.resetCode = resetCode;
		this.pending = 0;
		this.#host.changed(this);
		this.#host.remove(this);
	}

	/** Takes STREAM_STOP: the peer takes no more bytes. */
	stopRequested(): void {
		if (this.state === 'closed' || this.finAcknowledged) return;
		this.stopped = true;
		this.finQueued = true;
		this.finSent = true;
		this.finAcknowledged = true;
		this.out.clear();
		this.#countSending();
		this.#host.changed(this);
		this.settle();
	}

	/** Notes that the peer has this end's STREAM_STOP. */
	stopAcknowledged(): void {
		this.#stopAcknowledged = true;
		this.settle();
	}

	/** Raises the limit: the peer takes bytes below `offset`. */
	allow(offset: number): void {
		if (this.state === 'closed' || offset <= this.sendLimit) return;
		this.sendLimit = offset;
		this.#host.queue(this);
		this.#wake();
	}

	#wake(): void {
		if (!this.#blocked || this.#room <= 0) return;
		this.#blocked = false;
		this.#host.changed(this);
	}

	/** Takes bytes of the peer. False: they break the rules. */
	arrived(offset: number, bytes: Uint8Array, start: number, end: number, fin: boolean): boolean {
		if (offset + (end - start) > this.receiveLimit) return false;
		if (this.#discarding) return true;
		const before = this.in.available;
		if (!this.in.insert(offset, bytes, start, end, fin)) return false;
		if (this.#waitingSince === NEVER && this.in.available > 0) this.#waitingSince = this.#host.now;
		if (this.in.available > before || this.in.finished) this.#host.changed(this);
		if (this.in.finished) this.settle();
		return true;
	}

	/** Notes that the peer has these bytes, and with `fin` the end of the stream, too. */
	acknowledged(offset: number, length: number, fin: boolean): void {
		if (this.state === 'closed') return;
		if (length > 0) this.out.acknowledge(offset, length);
		if (fin) this.finAcknowledged = true;
		this.#countSending();
		this.#wake();
		this.settle();
	}

	/** Takes the loss of these bytes: they are sent again. */
	lost(offset: number, length: number, fin: boolean): void {
		if (this.state === 'closed') return;
		this.out.lose(offset, length);
		if (fin && !this.finAcknowledged) this.finSent = false;
		this.#host.queue(this);
	}

	/** Sends a frame of that kind (Pending) again, if it still matters. */
	resend(kind: number): void {
		const useless =
			this.state === 'closed'
				? kind !== Pending.REJECT && kind !== Pending.RESET
				: kind !== Pending.WINDOW && kind !== Pending.STOP && this.known;
		if (useless) return;
		this.pending |= kind;
		this.#host.queue(this);
	}

	/** Ends it when both directions have ended. */
	settle(): void {
		const isInputOver = this.#discarding ? this.#stopAcknowledged : this.in.finished;
		if (!this.finAcknowledged || !isInputOver || this.out.buffered > 0) return;
		if (this.state === 'closed' || !this.known) return;
		this.#close();
		this.pending = 0;
		this.#host.changed(this);
		this.#host.remove(this);
	}
}

const NONE: Uint8Array = new Uint8Array(0);
