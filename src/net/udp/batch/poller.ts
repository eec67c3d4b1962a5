import {NativeMemory} from '../../../native/native-memory.ts';
import type {Kernel} from './kernel.ts';

/** Something with a descriptor to be read from. */
export interface Pollable {
	readonly descriptor: number;
	/** Read before those for which this is false. */
	readonly isPath: boolean;
	/** Called when the descriptor can be read from, or has an error to report. */
	onReadable(): void;
}

const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;

/** Descriptors reported in one look. */
const EVENTS = 64;

/** Mark of a descriptor that is watched, but not read here. */
const FOREIGN = 0xffff_ffff;

/** One epoll for all sockets. */
export class Poller {
	readonly #kernel: Kernel;
	readonly #descriptor: number;
	readonly #memory: NativeMemory;
	/** struct epoll_event is packed on x64 only: events 4, data 8; on arm64 data begins at 8. */
	readonly #stride: number;
	readonly #dataAt: number;
	readonly #pollables: (Pollable | undefined)[] = [];
	readonly #places = new Map<Pollable, number>();
	readonly #free: number[] = [];

	/** Throws when the system has no descriptor left. */
	constructor(kernel: Kernel, packed: boolean) {
		this.#kernel = kernel;
		this.#stride = packed ? 3 : 4;
		this.#dataAt = packed ? 1 : 2;
		this.#memory = new NativeMemory(kernel, (EVENTS + 1) * this.#stride * 4);
		this.#descriptor = kernel.call(kernel.calls.epollCreate1, EPOLL_CLOEXEC, 0, 0, 0, 0);
		if (this.#descriptor < 0) throw new Error(`epoll_create1: error ${-this.#descriptor}`);
	}

	/** Descriptors watched and read. */
	get size(): number {
		return this.#places.size;
	}

	/** Begins to watch; the result is negative when the system refuses, minus the errno. */
	add(pollable: Pollable): number {
		const place = this.#free.pop() ?? this.#pollables.length;
		const result = this.#control(EPOLL_CTL_ADD, pollable.descriptor, place);
		if (result < 0) {
			this.#free.push(place);
			return result;
		}
		this.#pollables[place] = pollable;
		this.#places.set(pollable, place);
		return 0;
	}

	/** Watches a descriptor that is read elsewhere: `wait` only returns when it can be read. */
	watch(descriptor: number): void {
		this.#control(EPOLL_CTL_ADD, descriptor, FOREIGN);
	}

	/** Ends it; before the descriptor is closed. */
	remove(pollable: Pollable): void {
		const place = this.#places.get(pollable);
		if (place === undefined) return;
		this.#control(EPOLL_CTL_DEL, pollable.descriptor, place);
		this.#places.delete(pollable);
		this.#pollables[place] = undefined;
		this.#free.push(place);
	}

	/** Waits for at most `timeout` ms (-1 = for ever); the result is for `dispatch`. */
	wait(timeout: number): number {
		const kernel = this.#kernel;
		const {address} = this.#memory;
		return kernel.call(kernel.calls.epollPwait, this.#descriptor, address, EVENTS, timeout, 0);
	}

	/** Lets those read that can be, the paths first; true = a watched one is among them. */
	dispatch(count: number): boolean {
		const {words} = this.#memory;
		let foreign = false;
		for (let i = 0; i < count; i++) {
			const place = words[i * this.#stride + this.#dataAt]!;
			if (place === FOREIGN) foreign = true;
			else if (this.#pollables[place]?.isPath) this.#pollables[place].onReadable();
		}
		for (let i = 0; i < count; i++) {
			const pollable = this.#pollables[words[i * this.#stride + this.#dataAt]!];
			if (pollable !== undefined && !pollable.isPath) pollable.onReadable();
		}
		return foreign;
	}

	/** No look is under way and none follows. */
	close(): void {
		this.#kernel.call(this.#kernel.calls.close, this.#descriptor, 0, 0, 0, 0);
	}

	#control(operation: number, descriptor: number, place: number): number {
		const at = EVENTS * this.#stride;
		const {words, address} = this.#memory;
		words[at] = EPOLLIN;
		words[at + this.#dataAt] = place;
		words[at + this.#dataAt + 1] = 0;
		const {calls} = this.#kernel;
		return this.#kernel.call(
			calls.epollCtl,
			this.#descriptor,
			operation,
			descriptor,
			address + at * 4,
			0,
		);
	}
}
