import {type Millis, NEVER} from '../bytes/time.ts';
import type {SocksDropCounters, SocksDropReason} from './drop-reason.ts';
import type {SocksTarget} from './target.ts';

/** RFC 1928 7: not less than 5 seconds. */
const TIMEOUT: Millis = 5000;
/** Nothing longer can be sent as a datagram. */
const MAX_BYTES = 65_507;
const LAST = 0x80;
const POSITION = 0x7f;

/** Memory for pieces that wait, shared by all associations of a listener. */
export class FragmentBudget {
	readonly #limit: number;
	#used = 0;

	/** Up to `limit` bytes at once. */
	constructor(limit: number) {
		this.#limit = limit;
	}

	/** Takes so many bytes; false when they are not there. */
	take(length: number): boolean {
		if (this.#used + length > this.#limit) return false;
		this.#used += length;
		return true;
	}

	/** Gives so many bytes back. */
	release(length: number): void {
		this.#used -= length;
	}
}

/** One datagram with a FRAG other than 0. */
export interface Piece {
	/** FRAG: position 1 to 127, plus 128 on the last one. */
	readonly fragment: number;
	readonly sourcePort: number;
	/** Compared by identity. */
	readonly target: SocksTarget;
	readonly bytes: Uint8Array;
	readonly start: number;
	readonly end: number;
}

/**
 * Joins the pieces of a datagram that an application split (RFC 1928 7). There is one queue for an
 * association. Only its position identifies a piece, so a lower position discards the queue, as the
 * RFC requires, and so does a gap: the missing piece would come with a lower position. Pieces of
 * another port or for another target never join the queue.
 */
export class FragmentQueue {
	readonly #budget: FragmentBudget;
	readonly #drops: SocksDropCounters;
	#pieces: Uint8Array[] = [];
	#length = 0;
	#sourcePort = 0;
	#target: SocksTarget | undefined;
	#since: Millis = NEVER;

	/** Counts what it drops in `drops` and takes its memory from `budget`. */
	constructor(budget: FragmentBudget, drops: SocksDropCounters) {
		this.#budget = budget;
		this.#drops = drops;
	}

	/** Returns the time at which the waiting pieces are discarded. */
	nextTimeout(): Millis {
		return this.#since + TIMEOUT;
	}

	/** Gives up what has waited too long. */
	handleTimeout(now: Millis): void {
		if (now >= this.nextTimeout()) this.abandon();
	}

	/**
	 * Takes a copy of a piece. Returns the whole payload (for the target of the piece) with the last
	 * one, undefined before, and the reason when the piece is dropped.
	 */
	add(piece: Piece, now: Millis): Uint8Array | SocksDropReason | undefined {
		this.handleTimeout(now);
		const position = piece.fragment & POSITION;
		if (position === 0) return this.#drops.count('bad-fragment');
		if (position === 1) this.#begin(piece, now);
		else if (!this.#continues(piece)) return this.#drops.count('bad-fragment');
		else if (position === this.#pieces.length && this.#repeats(piece)) return undefined;
		else if (position !== this.#pieces.length + 1) {
			this.abandon();
			return this.#drops.count('bad-fragment');
		}
		const length = piece.end - piece.start;
		if (this.#length + length > MAX_BYTES || !this.#budget.take(length)) {
			this.abandon();
			return this.#drops.count('fragment-limit');
		}
		this.#pieces.push(piece.bytes.slice(piece.start, piece.end));
		this.#length += length;
		return (piece.fragment & LAST) === 0 ? undefined : this.#join();
	}

	/** A datagram with FRAG 0 came from `sourcePort`: its pieces there will not be completed. */
	interrupt(sourcePort: number): void {
		if (sourcePort === this.#sourcePort) this.abandon();
	}

	/** Gives up what waits, and counts its pieces. */
	abandon(): void {
		if (this.#pieces.length > 0) this.#drops.count('fragment-abandoned', this.#pieces.length);
		this.#clear();
	}

	#begin(piece: Piece, now: Millis): void {
		this.abandon();
		this.#sourcePort = piece.sourcePort;
		this.#target = piece.target;
		this.#since = now;
	}

	#continues(piece: Piece): boolean {
		return piece.sourcePort === this.#sourcePort && piece.target === this.#target;
	}

	/** True when the piece is a duplicate of the newest one. */
	#repeats(piece: Piece): boolean {
		const newest = this.#pieces.at(-1);
		if (newest === undefined || newest.length !== piece.end - piece.start) return false;
		// The end of another datagram may look the same; what it would complete is not that one.
		if ((piece.fragment & LAST) !== 0) return false;
		return newest.every((byte, i) => byte === piece.bytes[piece.start + i]);
	}

	#join(): Uint8Array {
		const whole = new Uint8Array(this.#length);
		let at = 0;
		for (const piece of this.#pieces) {
			whole.set(piece, at);
			at += piece.length;
		}
		this.#clear();
		return whole;
	}

	#clear(): void {
		this.#budget.release(this.#length);
		this.#pieces = [];
		this.#length = 0;
		this.#target = undefined;
		this.#since = NEVER;
	}
}
