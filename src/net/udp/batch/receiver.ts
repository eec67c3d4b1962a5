import type {DatagramBatch} from '../udp.ts';
import type {Kernel} from './kernel.ts';
import {MSG_CTRUNC, MSG_TRUNC, ReceiveMessages} from './messages.ts';
import type {BatchRemote} from './socket-address.ts';

/** Messages of one call. */
const MESSAGES = 32;

/** Datagrams that the kernel puts together in one message at most: UDP_MAX_SEGMENTS since 6.9. */
const SEGMENTS = 128;

const CAPACITY = MESSAGES * SEGMENTS;

/** Sources of datagrams, as the socket that received them interns them. */
export interface SourceBook {
	/** The source at words[at...]. */
	sourceAt(words: Uint32Array, at: number): BatchRemote | undefined;
}

/** Receives for all sockets, one after the other: each batch is overwritten by the next. */
export class Receiver {
	readonly batch: DatagramBatch & {count: number; sources: (BatchRemote | undefined)[]};
	/** Messages of the last call that did not fit, and are not in the batch. */
	truncated = 0;
	/** The socket's losses, as the last message counted them; 0: none did. */
	lost = 0;
	readonly #kernel: Kernel;
	readonly #messages: ReceiveMessages;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
		this.#messages = new ReceiveMessages(kernel, MESSAGES);
		this.batch = {
			arena: this.#messages.arena,
			count: 0,
			offsets: new Uint32Array(CAPACITY),
			lengths: new Uint32Array(CAPACITY),
			sources: new Array<BatchRemote | undefined>(CAPACITY).fill(undefined),
		};
	}

	/** The most messages that one call takes. */
	get capacity(): number {
		return MESSAGES;
	}

	/** Receives up to `limit` messages. Returns their number, or the negated errno. */
	receive(descriptor: number, limit: number, book: SourceBook): number {
		const {calls} = this.#kernel;
		const messages = this.#messages;
		messages.reset(limit);
		const {address} = messages;
		const count = this.#kernel.call(calls.recvmmsg, descriptor, address, limit, 0, 0);
		this.batch.count = 0;
		this.truncated = 0;
		this.lost = 0;
		for (let i = 0; i < count; i++) this.#read(i, book);
		return count;
	}

	#read(i: number, book: SourceBook): void {
		const messages = this.#messages;
		this.lost = messages.lostBefore(i) || this.lost;
		if ((messages.flagsOf(i) & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
			this.truncated++;
			return;
		}
		const {batch} = this;
		const source = book.sourceAt(messages.words, messages.sourceOf(i));
		const length = messages.lengthOf(i);
		const size = messages.segmentSizeOf(i) || length;
		let offset = messages.offsetOf(i);
		const end = offset + length;
		// Once for an empty datagram as well.
		do {
			const at = batch.count++;
			batch.offsets[at] = offset;
			batch.lengths[at] = Math.min(size, end - offset);
			batch.sources[at] = source;
			offset += size;
		} while (offset < end && batch.count < CAPACITY);
	}
}
