import {ArrayAddresses, NativeMemory} from '../../../native/native-memory.ts';
import {EAGAIN, ECONNREFUSED, EINVAL, EIO, EMSGSIZE, ENOBUFS, type Kernel} from './kernel.ts';
import {SendMessages} from './messages.ts';
import type {BatchRemote} from './socket-address.ts';

/** Messages and datagrams that one queue takes before it has to be flushed. */
const MESSAGES = 64;
const DATAGRAMS = 256;

/** UDP_MAX_SEGMENTS of kernels before 6.9. */
const MAX_SEGMENTS = 64;

/** Below the longest IP packet, with room for every header. */
const MAX_RUN = 65_000;

/** Messages back from the last one in which a run to the same destination is looked for. */
const RUNS_AT_ONCE = 8;

const COPIES = 16 * 1024;

/** Outcomes for the datagrams of a queue. */
export interface SendOutcome {
	/** Returns true when runs of datagrams of this size may be tried. */
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
 * are equally long (the last may be shorter) become runs, also when others lie between them, as
 * with packets that go to several addresses each. What goes to one destination stays in order. The
 * bytes must not change until the flush.
 */
export class SendQueue {
	readonly #kernel: Kernel;
	readonly #arrays: ArrayAddresses;
	readonly #messages: SendMessages;
	readonly #single: SendMessages;
	// What the kernel will read must stay reachable.
	readonly #held: (Uint8Array | undefined)[] = new Array(DATAGRAMS).fill(undefined);
	/** Of each datagram, by its message and its place there. */
	readonly #addresses = new Float64Array(MESSAGES * MAX_SEGMENTS);
	readonly #lengths = new Uint32Array(MESSAGES * MAX_SEGMENTS);
	readonly #remotes: (BatchRemote | undefined)[] = new Array(MESSAGES).fill(undefined);
	/** Of each message: the length of its datagrams (0 = the run has ended), and of all together. */
	readonly #runSizes = new Uint32Array(MESSAGES);
	readonly #runTotals = new Uint32Array(MESSAGES);
	#datagrams = 0;
	#copies: NativeMemory | undefined;
	#copied = 0;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
		this.#arrays = new ArrayAddresses(kernel);
		this.#messages = new SendMessages(kernel, MESSAGES, MAX_SEGMENTS);
		this.#single = new SendMessages(kernel, MAX_SEGMENTS, 1);
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
		const length = end - start;
		if (this.#datagrams === DATAGRAMS) return false;
		let i = this.#runFor(length, to, outcome);
		if (i < 0 && messages.count === MESSAGES) return false;
		const address = this.#place(bytes, start, end);
		if (address === 0) return false;
		if (i < 0) {
			i = messages.count;
			this.#remotes[i] = to;
			this.#runSizes[i] = length;
			this.#runTotals[i] = 0;
			messages.add(to);
		}
		const index = i * MAX_SEGMENTS + messages.spanCountOf(i);
		this.#addresses[index] = address;
		this.#lengths[index] = length;
		this.#held[this.#datagrams++] = bytes;
		messages.addSpan(i, address, length);
		this.#runTotals[i]! += length;
		if (length < this.#runSizes[i]!) this.#runSizes[i] = 0;
		return true;
	}

	// The message whose run a datagram of that length joins; -1 = none.
	#runFor(length: number, to: BatchRemote | undefined, outcome: SendOutcome): number {
		const last = this.#messages.count - 1;
		for (let i = last; i >= 0 && i > last - RUNS_AT_ONCE; i--) {
			if (this.#remotes[i] !== to) continue;
			// An older one must not be joined: this datagram would overtake what is in this one.
			const size = this.#runSizes[i]!;
			const joins =
				length > 0 &&
				length <= size &&
				this.#runTotals[i]! + length <= MAX_RUN &&
				this.#messages.spanCountOf(i) < MAX_SEGMENTS &&
				outcome.mayRun(size);
			return joins ? i : -1;
		}
		return -1;
	}

	// The address of the bytes, or of their copy; 0 = there is no room for one.
	#place(bytes: Uint8Array, start: number, end: number): number {
		const address = this.#arrays.of(bytes);
		if (address !== 0) return address + start;
		this.#copies ??= new NativeMemory(this.#kernel, COPIES);
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
		for (let i = 0; i < count; i++) {
			if (messages.spanCountOf(i) > 1) {
				messages.setSegments(i, this.#lengths[i * MAX_SEGMENTS]!);
			}
		}
		let refused = false;
		/** The message that EMSGSIZE came for once. */
		let doubted = -1;
		for (let i = 0; i < count; ) {
			const sent = this.#send(descriptor, messages, i);
			if (sent > 0) {
				if (doubted === i) outcome.sendFailed(EMSGSIZE, 0, undefined);
				i += sent;
			} else if (sent === -EMSGSIZE && doubted !== i) {
				// On a connected socket it may be the network's error for an earlier datagram.
				doubted = i;
			} else if (sent === -ECONNREFUSED && !refused) {
				// That was about an earlier datagram; this one was not even looked at.
				refused = true;
				outcome.sendFailed(ECONNREFUSED, 0, undefined);
			} else if (sent === -EAGAIN) {
				// What follows would find no room either.
				let left = 0;
				for (; i < count; i++) left += messages.spanCountOf(i);
				outcome.queueFull(left);
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
		const datagrams = this.#messages.spanCountOf(i);
		const size = this.#lengths[i * MAX_SEGMENTS]!;
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
		const first = i * MAX_SEGMENTS;
		const count = this.#messages.spanCountOf(i);
		for (let k = 0; k < count; k++) {
			single.add(to);
			single.addSpan(k, this.#addresses[first + k]!, this.#lengths[first + k]!);
		}
		for (let k = 0; k < count; ) {
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
		for (let i = 0; i < this.#datagrams; i++) this.#held[i] = undefined;
		for (let i = 0; i < this.#messages.count; i++) this.#remotes[i] = undefined;
		this.#messages.clear();
		this.#datagrams = 0;
		this.#copied = 0;
	}
}
