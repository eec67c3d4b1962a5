import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import type {StreamOwner, TunnelStream} from '../../core/tunnel-stream.ts';
import {StreamCode} from '../../wire/constants.ts';
import {PeerWatch} from './peer-watch.ts';
import {SYSTEM_TCP_TABLE, type TcpAttempts} from './tcp-table.ts';

/** Bytes of the stream that the system has not taken yet; above it the stream is not read. */
const UNWRITTEN_LIMIT = 256 * 1024;

/** Most bytes from an application before its target has been reached. */
const EARLY_LIMIT = 16 * 1024;

/** Interval at which a socket that is not read is checked for its connection. */
const PROBE_INTERVAL: Millis = 15_000;

/**
 * After so long without a sign of the other host the system asks for one, then ten times a second
 * apart: a host that vanished is noticed within a minute, even while nothing is read or written.
 * Linux takes up to an eighth more, as with all long timers: 45 s were measured to become 51. While
 * bytes are under way it asks nothing: see {@link PeerWatch}.
 */
const KEEP_ALIVE: Millis = 35_000;

/** Without any byte either way a connection ends after this. */
const IDLE_LIMIT: Millis = 24 * 3_600_000;
/** The same while bytes wait and one end takes none of them. */
const STALL_LIMIT: Millis = 3_600_000;
/** The same once one direction has ended. */
const HALF_CLOSED_LIMIT: Millis = 600_000;

const NOTHING = new Uint8Array(0);

/** Ends of a pipe. */
export interface StreamPipeInit {
	/** With allowHalfOpen, and without other listeners of its data and its end. */
	readonly socket: Socket;
	readonly stream: TunnelStream;
	/** Called when streams were changed. */
	readonly changed: () => void;
	/** The socket is closed, however that came. */
	readonly closed: () => void;
	/** Bytes that came before; they are kept. */
	readonly early?: Uint8Array;
	/** The system's figures of its connections. */
	readonly attempts?: TcpAttempts;
}

/**
 * Joins a TCP connection and a stream, in both directions until each has ended: FIN becomes FIN,
 * RST becomes RST. Bytes written before the socket closed are still delivered. The
 * buffered bytes are bounded: a socket whose stream is full is paused, and a stream whose socket is
 * full is not read.
 *
 * Its stream calls {@link streamChanged} from the start; the socket gets nothing before
 * {@link begin}.
 */
export class StreamPipe implements StreamOwner {
	readonly #init: StreamPipeInit;
	readonly #watch: PeerWatch;
	/** Bytes of each write under way, oldest first. */
	readonly #writes: number[] = [];
	#unwritten = 0;
	/** Bytes taken while the stream was not open yet, and those above the limit. */
	#early = 0;
	readonly #held: Uint8Array[] = [];
	#begun = false;
	#paused = false;
	/** Set when the socket has ended; below, when its end was sent to it. */
	#inputEnded = false;
	#outputEnded = false;
	#done = false;
	#immediate: NodeJS.Immediate | undefined;
	/** True when bytes moved since the last look at the clock. */
	#moved = true;
	#movedAt: Millis = 0;
	#probedAt: Millis = Number.NEGATIVE_INFINITY;

	constructor(init: StreamPipeInit) {
		this.#init = init;
		const {socket, early, attempts = SYSTEM_TCP_TABLE} = init;
		this.#watch = new PeerWatch(socket, attempts);
		socket.setKeepAlive(true, KEEP_ALIVE);
		if (early !== undefined && early.length > 0) this.#take(early);
		socket.on('data', this.#take);
		socket.on('end', this.#end);
		socket.on('error', this.#fail);
		socket.on('close', this.#close);
	}

	/** From now on the socket gets what comes out of the stream. */
	begin(): void {
		this.#begun = true;
		this.streamChanged();
	}

	/** Gives the socket up to the caller, which must handle its errors. */
	detach(): void {
		const {socket} = this.#init;
		this.#stop();
		socket.off('data', this.#take);
		socket.off('end', this.#end);
		socket.off('error', this.#fail);
		socket.off('close', this.#close);
	}

	/** Cuts the connection off at both ends, at the far one with a code of StreamCode. */
	abort(code: number): void {
		if (this.#done) return;
		const {stream, changed, socket} = this.#init;
		if (stream.state !== 'closed') {
			stream.reset(code);
			changed();
		}
		this.#stop();
		resetSocket(socket);
	}

	streamChanged(): void {
		if (this.#done) return;
		const {stream, socket} = this.#init;
		if (stream.resetCode !== undefined || stream.rejection !== 0) {
			this.#stop();
			resetSocket(socket);
			return;
		}
		if (stream.stopped) this.#drain();
		this.#resume();
		if (this.#begun) this.#immediate ??= setImmediate(this.#pull);
	}

	/** Lets time pass; harmless when early. */
	handleTimeout(now: Millis): void {
		if (this.#done) return;
		if (this.#moved) {
			this.#moved = false;
			this.#movedAt = now;
		}
		if (now - this.#movedAt >= this.#patience || this.#watch.isGone(now)) {
			this.abort(StreamCode.TIMED_OUT);
			return;
		}
		if (!this.#paused) this.#probedAt = now;
		else if (now - this.#probedAt >= PROBE_INTERVAL) this.#probe(now);
	}

	get #patience(): Millis {
		if (this.#inputEnded !== this.#outputEnded) return HALF_CLOSED_LIMIT;
		return this.#paused || this.#unwritten > 0 ? STALL_LIMIT : IDLE_LIMIT;
	}

	// The system reports a reset only when it is asked for something. A write of nothing does that
	// and leaves the bytes that wait where they are; where no write is possible any more it is a
	// read.
	#probe(now: Millis): void {
		const {socket} = this.#init;
		this.#probedAt = now;
		if (socket.writable) socket.write(NOTHING);
		else if (this.#held.length === 0) socket.resume();
	}

	readonly #take = (bytes: Uint8Array): void => {
		const {stream, changed} = this.#init;
		this.#watch.received();
		if (this.#done || stream.stopped) return;
		this.#moved = true;
		let taken = bytes;
		if (stream.state === 'opening') {
			const room = EARLY_LIMIT - this.#early;
			taken = bytes.subarray(0, room);
			this.#early += taken.length;
			if (bytes.length > room) this.#held.push(bytes.subarray(room));
		}
		const full = taken.length > 0 && !stream.write(taken);
		if (full || this.#held.length > 0) this.#pause();
		changed();
	};

	#pause(): void {
		this.#paused = true;
		this.#init.socket.pause();
	}

	/** Reads and discards the rest of the socket: the other end takes no more bytes. */
	#drain(): void {
		this.#held.length = 0;
		if (!this.#paused) return;
		this.#paused = false;
		this.#init.socket.resume();
	}

	#resume(): void {
		const {stream, socket, changed} = this.#init;
		if (!this.#paused || stream.state === 'opening' || !stream.writable) return;
		while (this.#held.length > 0 && stream.writable) stream.write(this.#held.shift() ?? NOTHING);
		this.#paused = !stream.writable || this.#held.length > 0;
		changed();
		if (!this.#paused) socket.resume();
	}

	// Where a reset comes right behind bytes, libuv reports an end. A write of nothing finds the
	// reset.
	readonly #end = (): void => {
		const {socket} = this.#init;
		if (this.#done || !socket.writable || socket.writableLength > 0) this.#endInput();
		else {
			socket.write(NOTHING, (error) => {
				if (error === null || error === undefined) this.#endInput();
			});
		}
	};

	#endInput(): void {
		const {stream, changed} = this.#init;
		this.#inputEnded = true;
		this.#moved = true;
		if (this.#done) return;
		stream.end();
		changed();
	}

	// All that the stream has goes out with one call of the system.
	readonly #pull = (): void => {
		this.#immediate = undefined;
		if (this.#done) return;
		const {stream, socket} = this.#init;
		let total = 0;
		let next = this.#unwritten < UNWRITTEN_LIMIT ? stream.read() : undefined;
		if (next !== undefined) socket.cork();
		while (next !== undefined) {
			const bytes = next;
			total += bytes.length;
			next = this.#unwritten + total < UNWRITTEN_LIMIT ? stream.read() : undefined;
			if (next === undefined) socket.write(bytes, this.#written);
			else socket.write(bytes);
		}
		if (total > 0) {
			this.#watch.wrote();
			this.#writes.push(total);
			this.#unwritten += total;
			socket.uncork();
		}
		this.#finish();
	};

	readonly #written = (): void => {
		const count = this.#writes.shift() ?? 0;
		this.#unwritten -= count;
		this.#moved = true;
		if (this.#done) return;
		const {stream, changed} = this.#init;
		stream.consumed(count);
		changed();
		this.#pull();
	};

	// Not before everything is written: a shutdown that waits cannot be turned into a reset any more.
	#finish(): void {
		const {stream, socket} = this.#init;
		if (!stream.finished || this.#unwritten > 0 || this.#outputEnded) return;
		this.#outputEnded = true;
		this.#moved = true;
		this.#watch.wrote();
		// The rest from the socket's peer has no reader: it gets a reset when it sends more.
		if (stream.stopped) socket.end(() => socket.destroy());
		else socket.end();
	}

	readonly #fail = (error: NodeJS.ErrnoException): void => {
		const timedOut = error.code === 'ETIMEDOUT';
		this.#reset(timedOut ? StreamCode.TIMED_OUT : StreamCode.CONNECTION_RESET);
	};

	readonly #close = (): void => {
		const isOver = this.#inputEnded || this.#init.stream.stopped;
		if (!isOver || !this.#outputEnded) this.#reset(StreamCode.CONNECTION_RESET);
		this.#stop();
		this.#init.closed();
	};

	#reset(code: number): void {
		const {stream, changed} = this.#init;
		if (this.#done || stream.state === 'closed') return;
		this.#stop();
		// What was sent before its end is complete, and the far end is not to lose it.
		if (this.#inputEnded) stream.stop();
		else stream.reset(code);
		changed();
	}

	#stop(): void {
		this.#done = true;
		this.#held.length = 0;
		if (this.#immediate !== undefined) clearImmediate(this.#immediate);
	}
}

/** Closes a connection so that its peer sees a reset. */
export function resetSocket(socket: Socket): void {
	// A shutdown under way cannot be turned into a reset: libuv refuses, and nothing would be closed.
	const shutting = socket.writableEnded && !socket.writableFinished;
	if (socket.connecting || shutting) socket.destroy();
	else socket.resetAndDestroy();
}
