import {NativeMemory} from '../../../native/native-memory.ts';
import type {Kernel} from './kernel.ts';
import {ADDRESS_LENGTH, ADDRESS_WORDS, type BatchRemote} from './socket-address.ts';

/*
 * The structures of recvmmsg and sendmmsg on 64-bit Linux, in bytes:
 *
 *     struct mmsghdr (64)                struct iovec (16)     struct cmsghdr (16, then data)
 *      0 msg_name        8  pointer       0 iov_base 8          0 cmsg_len   8  with these 16
 *      8 msg_namelen     4                8 iov_len  8          8 cmsg_level 4
 *     16 msg_iov         8  pointer                            12 cmsg_type  4
 *     24 msg_iovlen      8                                     16 data, padded to 8
 *     32 msg_control     8  pointer
 *     40 msg_controllen  8
 *     48 msg_flags       4
 *     56 msg_len         4  what was sent or received
 */
export const HEADER = 64;
const HEADER_WORDS = HEADER / 4;
const NAME = 0;
const NAME_LENGTH = 2;
const SPANS = 4;
const SPAN_COUNT = 6;
const CONTROL = 8;
const CONTROL_LENGTH = 10;
const FLAGS = 12;
const LENGTH = 14;

const SPAN_WORDS = 4;
const CONTROL_HEADER = 16;

/** Room for an address of either family. */
const NAME_ROOM = 32;

const SOL_SOCKET = 1;
const SOL_UDP = 17;
const SO_RXQ_OVFL = 40;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

/** The datagram was longer than its room. */
export const MSG_TRUNC = 0x20;
/** Set when there was more control data than room for it. */
export const MSG_CTRUNC = 0x08;

/** Control data of a message to send: one cmsghdr with the 16-bit length of a segment. */
const SEND_CONTROL = 24;

/**
 * Messages for sendmmsg. A message is one datagram, or one run of them: spans of equal length,
 * of which the kernel makes a datagram each (UDP_SEGMENT).
 */
export class SendMessages {
	/** Messages in use. */
	count = 0;
	readonly capacity: number;
	/** The most spans that a message takes. */
	readonly spanCapacity: number;
	readonly #memory: NativeMemory;
	readonly #spans: number;
	readonly #names: number;
	readonly #controls: number;

	constructor(kernel: Kernel, capacity: number, spanCapacity: number) {
		this.capacity = capacity;
		this.spanCapacity = spanCapacity;
		this.#spans = capacity * HEADER;
		this.#names = this.#spans + capacity * spanCapacity * SPAN_WORDS * 4;
		this.#controls = this.#names + capacity * NAME_ROOM;
		const memory = new NativeMemory(kernel, this.#controls + capacity * SEND_CONTROL);
		this.#memory = memory;
		for (let i = 0; i < capacity; i++) {
			const header = i * HEADER_WORDS;
			const spans = this.#spans + i * spanCapacity * SPAN_WORDS * 4;
			const control = (this.#controls + i * SEND_CONTROL) / 4;
			memory.words[control] = CONTROL_HEADER + 2;
			memory.words[control + 2] = SOL_UDP;
			memory.words[control + 3] = UDP_SEGMENT;
			memory.setPointer(header + SPANS, memory.address + spans);
			memory.setPointer(header + CONTROL, memory.address + control * 4);
		}
	}

	/** Returns the address of message i, for the kernel. */
	addressOf(i: number): number {
		return this.#memory.address + i * HEADER;
	}

	/** Adds a message without spans. `undefined`: to where the socket is connected to. */
	add(to: BatchRemote | undefined): void {
		const {words, address} = this.#memory;
		const i = this.count++;
		const at = i * HEADER_WORDS;
		words[at + SPAN_COUNT] = 0;
		words[at + CONTROL_LENGTH] = 0;
		if (to === undefined) {
			this.#memory.setPointer(at + NAME, 0);
			words[at + NAME_LENGTH] = 0;
			return;
		}
		const name = this.#names / 4 + i * (NAME_ROOM / 4);
		const from = to.words;
		if (from !== undefined) for (let k = 0; k < ADDRESS_WORDS; k++) words[name + k] = from[k]!;
		this.#memory.setPointer(at + NAME, address + name * 4);
		words[at + NAME_LENGTH] = to.length;
	}

	/** Returns the spans of message i. */
	spanCountOf(i: number): number {
		return this.#memory.words[i * HEADER_WORDS + SPAN_COUNT]!;
	}

	/** Adds a span to message i, which has room for it. */
	addSpan(i: number, address: number, length: number): void {
		const {words} = this.#memory;
		const header = i * HEADER_WORDS;
		const span = words[header + SPAN_COUNT]!++;
		const at = this.#spans / 4 + (i * this.spanCapacity + span) * SPAN_WORDS;
		this.#memory.setPointer(at, address);
		words[at + 2] = length;
	}

	/** Makes a run of message i: every `size` bytes are a datagram. */
	setSegments(i: number, size: number): void {
		const {words} = this.#memory;
		words[i * HEADER_WORDS + CONTROL_LENGTH] = SEND_CONTROL;
		words[(this.#controls + i * SEND_CONTROL) / 4 + 4] = size;
	}

	clear(): void {
		this.count = 0;
	}
}

/** Bytes that a received message has room for. */
const MESSAGE_ROOM = 65_535;

/**
 * From one message to the next; not a power of two, so that they use different lines of the cache.
 */
const MESSAGE_STRIDE = 65_536 + 1280;

/**
 * Control data of a received message: UDP_GRO and SO_RXQ_OVFL, 24 bytes each, and room to spare.
 */
const RECEIVE_CONTROL = 64;

/** Messages for recvmmsg, with the memory that datagrams are received into. */
export class ReceiveMessages {
	readonly capacity: number;
	readonly arena: Uint8Array;
	readonly #memory: NativeMemory;
	readonly #names: number;
	readonly #controls: number;

	constructor(kernel: Kernel, capacity: number) {
		this.capacity = capacity;
		const spans = capacity * HEADER;
		this.#names = spans + capacity * SPAN_WORDS * 4;
		this.#controls = this.#names + capacity * NAME_ROOM;
		const memory = new NativeMemory(kernel, this.#controls + capacity * RECEIVE_CONTROL);
		const arena = new NativeMemory(kernel, capacity * MESSAGE_STRIDE);
		this.#memory = memory;
		this.arena = arena.bytes;
		for (let i = 0; i < capacity; i++) {
			const at = i * HEADER_WORDS;
			const span = spans + i * SPAN_WORDS * 4;
			memory.setPointer(at + NAME, memory.address + this.#names + i * NAME_ROOM);
			memory.setPointer(at + SPANS, memory.address + span);
			memory.words[at + SPAN_COUNT] = 1;
			memory.setPointer(at + CONTROL, memory.address + this.#controls + i * RECEIVE_CONTROL);
			memory.setPointer(span / 4, arena.address + i * MESSAGE_STRIDE);
			memory.words[span / 4 + 2] = MESSAGE_ROOM;
		}
	}

	/** Address of the first message, for the kernel. */
	get address(): number {
		return this.#memory.address;
	}

	/** The words in which the addresses lie. */
	get words(): Uint32Array {
		return this.#memory.words;
	}

	/** Makes the first `count` messages ready: the kernel overwrites the room with what it used. */
	reset(count: number): void {
		const {words} = this.#memory;
		for (let i = 0; i < count; i++) {
			const at = i * HEADER_WORDS;
			words[at + NAME_LENGTH] = ADDRESS_LENGTH[6];
			words[at + CONTROL_LENGTH] = RECEIVE_CONTROL;
			words[at + FLAGS] = 0;
		}
	}

	/** Returns the offset of the bytes of message i in the arena. */
	offsetOf(i: number): number {
		return i * MESSAGE_STRIDE;
	}

	/** Returns its length in bytes. */
	lengthOf(i: number): number {
		return this.#memory.words[i * HEADER_WORDS + LENGTH]!;
	}

	/** MSG_TRUNC and MSG_CTRUNC, with others. */
	flagsOf(i: number): number {
		return this.#memory.words[i * HEADER_WORDS + FLAGS]!;
	}

	/** The word at which its source begins, when it has one: see `socket-address.ts`. */
	sourceOf(i: number): number {
		return (this.#names + i * NAME_ROOM) / 4;
	}

	/** Bytes of each datagram that the kernel put together in message i; 0 = it is only one. */
	segmentSizeOf(i: number): number {
		return this.#control(i, SOL_UDP, UDP_GRO, 0);
	}

	/** Returns the datagrams that the socket had lost before message i because its queue was full. */
	lostBefore(i: number): number {
		return this.#control(i, SOL_SOCKET, SO_RXQ_OVFL, 0);
	}

	// The first word of data of a control message; `missing` when there is none.
	#control(i: number, level: number, type: number, missing: number): number {
		const {words} = this.#memory;
		const end = Math.min(words[i * HEADER_WORDS + CONTROL_LENGTH]!, RECEIVE_CONTROL);
		const start = this.#controls + i * RECEIVE_CONTROL;
		for (let at = 0; at + CONTROL_HEADER + 4 <= end; ) {
			const word = (start + at) / 4;
			const length = words[word]!;
			if (words[word + 2] === level && words[word + 3] === type) return words[word + 4]!;
			if (length < CONTROL_HEADER) break;
			at += (length + 7) & ~7;
		}
		return missing;
	}
}
