import type {Native, NativeFunction} from '../../../native/native.ts';

/**
 * The beginning of uv_loop_t, the same in every libuv 1.x on 64-bit Linux because programs have it
 * as a part of theirs: data 8, active_handles 4 + 4, handle_queue 16, active_reqs 8,
 * internal_fields 8, stop_flag 4 + 4, flags 8, backend_fd 4 + 4, pending_queue 16, watcher_queue
 * 16.
 */
const BYTES = 104;
const BACKEND_FD = 64 / 4;
const WATCHER_QUEUE = 88;

/** The event loop of the main thread, as far as one has to know it to wait in its place. */
export class EventLoop {
	/** Its epoll: readable when it has something to do, besides timers. */
	readonly descriptor: number;
	readonly #words: Uint32Array;
	readonly #address: number;
	readonly #timeout: NativeFunction;
	readonly #updateTime: NativeFunction;

	/** Throws where it cannot be looked into. */
	constructor(native: Native) {
		this.#address = native.function('uv_default_loop', 0, 'intptr_t')();
		this.#words = native.view('uv_default_loop', BYTES);
		this.#timeout = native.function('uv_backend_timeout', 1, 'int');
		this.#updateTime = native.function('uv_update_time', 1, 'void');
		this.descriptor = native.function('uv_backend_fd', 1, 'int')(this.#address);
		const known = this.descriptor > 0 && this.#words[BACKEND_FD] === this.descriptor;
		if (!known) throw new Error('the event loop of this Node.js is not the one of libuv 1');
	}

	/** True when descriptors have been opened or changed that its epoll does not have yet. */
	get hasNews(): boolean {
		return this.#words[WATCHER_QUEUE / 4] !== (this.#address + WATCHER_QUEUE) >>> 0;
	}

	/** Returns the longest wait, in ms; 0: not at all, -1: for ever. */
	timeout(): number {
		return this.#timeout(this.#address);
	}

	/** Reads the clock; without it `timeout` counts from the loop's last look at its descriptors. */
	updateTime(): void {
		this.#updateTime(this.#address);
	}
}
