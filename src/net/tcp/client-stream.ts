import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import type {StreamOwner, TunnelStream} from '../../core/tunnel-stream.ts';
import {RefusalCode, StreamCode} from '../../wire/constants.ts';
import {resetSocket, StreamPipe} from './stream-pipe.ts';

/** Longest wait of a connection while there is no session. */
const SESSION_PATIENCE: Millis = 5000;

/** Longest wait for the server's answer: the server's own 20 s, and the way there and back. */
const ANSWER_PATIENCE: Millis = 25_000;

/** After a refusal the connection is closed for good within this (RFC 1928, 6: at most 10 s). */
const CLOSING: Millis = 10_000;

/** The parts of the tunnel that streams of a client use. */
export interface StreamTunnel {
	/** The clock of every input, read anew. */
	now(): Millis;
	/** True while there is a session. */
	readonly hasSession: boolean;
	/** Opens a stream to an encoded target. `undefined`: there are too many. */
	openStream(target: Uint8Array): TunnelStream | undefined;
	/** Streams were written, read or ended. */
	streamsChanged(): void;
	/** A target could not be had, one of RefusalCode: for counters and the log. */
	streamRefused(code: number, target: Uint8Array): void;
}

/** Bytes that an application gets before the first byte of its target. `undefined`: none. */
export interface StreamAnswers {
	/**
	 * The target is reached; `bound` is the server's own address, encoded, or empty when not known.
	 */
	opened(bound: Uint8Array): Uint8Array | undefined;
	/** It cannot be, one of RefusalCode. Without an answer the connection is reset. */
	refused(code: number): Uint8Array | undefined;
}

/** A connection of an application that asks for a target. */
export interface StreamRequest {
	/** With allowHalfOpen, and without listeners of its data and its end. */
	readonly socket: Socket;
	/** Encoded as on the wire. */
	readonly target: Uint8Array;
	/** Bytes behind the request. */
	readonly early: Uint8Array;
	readonly answers: StreamAnswers;
}

/** Parts of a client's stream. */
export interface ClientStreamInit extends StreamRequest {
	readonly tunnel: StreamTunnel;
	/** True when the application gets its success at once. */
	readonly optimistic: boolean;
	/** Refuses it without asking. */
	readonly full: boolean;
	readonly closed: (stream: ClientStream) => void;
}

/**
 * A TCP connection of an application and its stream, from the request to the end of both. The
 * application gets success when the server has reached the target, else the reason.
 */
export class ClientStream implements StreamOwner {
	readonly #init: ClientStreamInit;
	readonly #openedAt: Millis;
	readonly #stream: TunnelStream | undefined;
	readonly #pipe: StreamPipe | undefined;
	#answered = false;
	#refused = false;
	#sessionAt: Millis;
	#deadline: Millis = Number.POSITIVE_INFINITY;

	constructor(init: ClientStreamInit) {
		this.#init = init;
		const {socket, target, early, tunnel, optimistic, full} = init;
		this.#openedAt = tunnel.now();
		this.#sessionAt = this.#openedAt;
		// The system closes a connection after every error; the pipe reports it to the other end.
		socket.on('error', () => {});
		const stream = full ? undefined : tunnel.openStream(target);
		this.#stream = stream;
		if (stream === undefined) {
			socket.on('close', () => init.closed(this));
			this.#refuse(RefusalCode.LIMIT);
			return;
		}
		stream.owner = this;
		const changed = () => tunnel.streamsChanged();
		this.#pipe = new StreamPipe({socket, stream, changed, closed: () => init.closed(this), early});
		if (optimistic) this.#open();
	}

	streamChanged(): void {
		const stream = this.#stream;
		if (stream === undefined || this.#refused) return;
		if (stream.rejection !== 0) this.#refuse(stream.rejection);
		else if (stream.resetCode !== undefined && !this.#answered) {
			this.#refuse(RefusalCode.NO_SESSION);
		} else {
			if (stream.state !== 'opening' && !this.#answered) this.#open();
			this.#pipe?.streamChanged();
		}
	}

	/** Lets time pass; harmless when early. */
	handleTimeout(now: Millis): void {
		const {socket, tunnel} = this.#init;
		if (now >= this.#deadline) socket.destroy();
		if (this.#refused) return;
		if (tunnel.hasSession) this.#sessionAt = now;
		if (this.#stream?.state === 'opening') {
			const lost = now - this.#sessionAt >= SESSION_PATIENCE;
			if (lost || now - this.#openedAt >= ANSWER_PATIENCE) this.#giveUp();
		} else this.#pipe?.handleTimeout(now);
	}

	/** Ends both at once; the application sees a reset. */
	abort(): void {
		if (this.#refused) this.#init.socket.destroy();
		else this.#pipe?.abort(StreamCode.STOPPED);
	}

	#open(): void {
		const {socket, answers} = this.#init;
		this.#answered = true;
		const answer = answers.opened(this.#stream?.bound ?? new Uint8Array(0));
		if (answer !== undefined) socket.write(answer);
		this.#pipe?.begin();
	}

	#giveUp(): void {
		this.#stream?.reset(StreamCode.TIMED_OUT);
		this.#refuse(RefusalCode.NO_SESSION);
		this.#init.tunnel.streamsChanged();
	}

	#refuse(code: number): void {
		const {socket, target, answers, tunnel, closed} = this.#init;
		this.#refused = true;
		tunnel.streamRefused(code, target);
		if (this.#pipe !== undefined) {
			this.#pipe.detach();
			socket.on('close', () => closed(this));
		}
		const answer = this.#answered ? undefined : answers.refused(code);
		if (answer === undefined) {
			resetSocket(socket);
			return;
		}
		this.#deadline = tunnel.now() + CLOSING;
		// Unread bytes would turn the end into a reset that may overtake the answer.
		socket.on('data', () => {});
		socket.resume();
		socket.end(answer);
	}
}
