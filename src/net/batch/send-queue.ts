import {
	EAGAIN,
	ECONNREFUSED,
	EINVAL,
	EIO,
	EMSGSIZE,
	ENOBUFS,
	type Kernel,
	KernelMemory,
} from './kernel.ts';
import {SendMessages} from './messages.ts';
import type {BatchRemote} from './socket-address.ts';

/** Messages and datagrams that one queue takes before it has to be flushed. */
const MESSAGES = 64;
const DATAGRAMS = 256;

/** UDP_MAX_SEGMENTS of kernels before 6.9. */
const MAX_SEGMENTS = 64;

/** Below the longest IP packet, with room for every header. */
const MAX_RUN = 65_000;

/** Memory below this size is copied first: small arrays lie inside the heap that moves. */
const SMALL_MEMORY = 4096;

const COPIES = 16 * 1024;

/** What becomes of the datagrams of a queue. */
export interface SendOutcome {
	/** Whether runs of datagrams of this size may be tried. */
	mayRun(size: number): boolean;
	/** The system refused a run of datagrams of this size, which are sent one by one now. */
	runFailed(errno: number, size: number): void;
	/** Datagrams were dropped because a queue of the system is full. */
	queueFull(datagrams: number): void;
	/** The system refused datagrams of this size, for another reason. */
	sendFailed(errno: number, size: number, to: BatchRemote | undefined): void;
}

/**
 * Datagrams of one socket until its next flush, without a copy: those to the same destination that
 * are equally long (the last may be shorter) become runs. The bytes must not change until then.
 */
export class SendQueue {
	readonly #kernel: Kernel;
	readonly #messages: SendMessages;
	readonly #single: SendMessages;
	// What the kernel will read must stay reachable.
	readonly #held: (Uint8Array | undefined)[] = new Array(DATAGRAMS).fill(undefined);
	readonly #addresses = new Float64Array(DATAGRAMS);
	readonly #lengths = new Uint32Array(DATAGRAMS);
	readonly #firsts = new Uint32Array(MESSAGES + 1);
	readonly #remotes: (BatchRemote | undefined)[] = new Array(MESSAGES).fill(undefined);
	#copies: KernelMemory | undefined;
	#copied = 0;
	/** The run that may go on: the length of its datagrams (0 = none may), and of all together. */
	#runSize = 0;
	#runTotal = 0;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
		this.#messages = new SendMessages(kernel, MESSAGES, DATAGRAMS);
		this.#single = new SendMessages(kernel, MAX_SEGMENTS, MAX_SEGMENTS);
	}

	/** Adds bytes[start, end); false = there is no room, flush first. */
	push(
		bytes: Uint8Array,
		start: number,
		end: number,
		to: BatchRemote | undefined,
		outcome: SendOutcome,
	): boolean {
		const messages = this.#messages;
		const index = messages.spanCount;
		const length = end - start;
		if (index === DATAGRAMS) return false;
		const joins = this.#joins(length, to, outcome);
		if (!joins && messages.count === MESSAGES) return false;
		const address = this.#place(bytes, start, end);
		if (address === 0) return false;
		if (!joins) {
			this.#firsts[messages.count] = index;
			this.#remotes[messages.count] = to;
			messages.add(to);
			this.#runSize = length;
			this.#runTotal = 0;
		}
		this.#held[index] = bytes;
		this.#addresses[index] = address;
		this.#lengths[index] = length;
		messages.addSpan(address, length);
		this.#runTotal += length;
		if (length < this.#runSize) this.#runSize = 0;
		return true;
	}

	#joins(length: number, to: BatchRemote | undefined, outcome: SendOutcome): boolean {
		const messages = this.#messages;
		const last = messages.count - 1;
		const size = this.#runSize;
		return (
			last >= 0 &&
			length > 0 &&
			length <= size &&
			this.#remotes[last] === to &&
			this.#runTotal + length <= MAX_RUN &&
			messages.spanCount - this.#firsts[last]! < MAX_SEGMENTS &&
			outcome.mayRun(size)
		);
	}

	// The address of the bytes, or of their copy; 0 = there is no room for one.
	#place(bytes: Uint8Array, start: number, end: number): number {
		const {buffer, byteOffset} = bytes;
		if (buffer.byteLength >= SMALL_MEMORY) {
			return this.#kernel.addressOf(buffer) + byteOffset + start;
		}
		this.#copies ??= new KernelMemory(this.#kernel, COPIES);
		const at = this.#copied;
		if (at + end - start > COPIES) return 0;
		this.#copies.bytes.set(bytes.subarray(start, end), at);
		this.#copied = at + end - start;
		return this.#copies.address + at;
	}

	/** Hands everything to the system: one call, and one more for each message that it refuses. */
	flush(descriptor: number, outcome: SendOutcome): void {
		const messages = this.#messages;
		const {count} = messages;
		this.#firsts[count] = messages.spanCount;
		for (let i = 0; i < count; i++) {
			const first = this.#firsts[i]!;
			if (this.#firsts[i + 1]! - first > 1) messages.setSegments(i, this.#lengths[first]!);
		}
		let refused = false;
		for (let i = 0; i < count; ) {
			const sent = this.#send(descriptor, messages, i);
			if (sent > 0) {
				i += sent;
			} else if (sent === -ECONNREFUSED && !refused) {
				// That was about an earlier datagram; this one was not even looked at.
				refused = true;
				outcome.sendFailed(ECONNREFUSED, 0, undefined);
			} else if (sent === -EAGAIN) {
				// What follows would find no room either.
				outcome.queueFull(messages.spanCount - this.#firsts[i]!);
				break;
			} else {
				this.#refused(descriptor, i, -sent, outcome);
				i++;
			}
		}
		this.#clear();
	}

	#send(descriptor: number, messages: SendMessages, from: number): number {
		const kernel = this.#kernel;
		const count = messages.count - from;
		return kernel.call(kernel.calls.sendmmsg, descriptor, messages.addressOf(from), count, 0, 0);
	}

	// Message i was refused with this errno.
	#refused(descriptor: number, i: number, errno: number, outcome: SendOutcome): void {
		const first = this.#firsts[i]!;
		const datagrams = this.#firsts[i + 1]! - first;
		const size = this.#lengths[first]!;
		const isAboutRun = errno === EIO || errno === EINVAL || errno === EMSGSIZE;
		if (datagrams > 1 && isAboutRun) {
			outcome.runFailed(errno, size);
			this.#sendSingly(descriptor, i, outcome);
		} else if (errno === ENOBUFS) outcome.queueFull(datagrams);
		else outcome.sendFailed(errno, size, this.#remotes[i]);
	}

	#sendSingly(descriptor: number, i: number, outcome: SendOutcome): void {
		const single = this.#single;
		const to = this.#remotes[i];
		const first = this.#firsts[i]!;
		for (let k = first; k < this.#firsts[i + 1]!; k++) {
			single.add(to);
			single.addSpan(this.#addresses[k]!, this.#lengths[k]!);
		}
		for (let k = 0; k < single.count; ) {
			const sent = this.#send(descriptor, single, k);
			if (sent > 0) {
				k += sent;
				continue;
			}
			if (sent === -EAGAIN || sent === -ENOBUFS) outcome.queueFull(1);
			else outcome.sendFailed(-sent, this.#lengths[first + k]!, to);
			k++;
		}
		single.clear();
	}

	#clear(): void {
		for (let i = 0; i < this.#messages.spanCount; i++) this.#held[i] = undefined;
		for (let i = 0; i < this.#messages.count; i++) this.#remotes[i] = undefined;
		this.#messages.clear();
		this.#copied = 0;
		this.#runSize = 0;
		this.#runTotal = 0;
	}
}
