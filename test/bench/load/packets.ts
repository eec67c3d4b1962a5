import {HEADER_LENGTH, type Kind, viewOf, writeHeader} from './datagram.ts';

/** Datagrams that may wait for one flush: more than a socket takes without flushing by itself. */
const SLOTS = 512;

/** Memory for datagrams on their way to the kernel, whose lengths take turns. */
export class Packets {
	readonly bytes: Uint8Array;
	/** Where the last one lies. */
	start = 0;
	end = 0;
	readonly #view: DataView;
	readonly #sizes: readonly number[];
	readonly #stride: number;
	#slot = 0;
	#turn = 0;

	constructor(sizes: readonly number[]) {
		if (sizes.some((size) => size < HEADER_LENGTH)) throw new RangeError('too short');
		this.#sizes = sizes;
		this.#stride = Math.ceil(Math.max(...sizes) / 64) * 64;
		// Not zeros: nothing on the way shall have it easier than with real data.
		this.bytes = new Uint8Array(SLOTS * this.#stride);
		for (let i = 0, x = 1; i < this.bytes.length; i++) {
			x = (x * 1103515245 + 12345) & 0x7fffffff;
			this.bytes[i] = x >>> 16;
		}
		this.#view = viewOf(this.bytes);
	}

	/** Makes the next one, at `start` to `end` of the bytes; it stays for a while. */
	make(run: number, sequence: number, sentAt: number, kind: Kind): void {
		this.start = this.#slot * this.#stride;
		this.end = this.start + this.#sizes[this.#turn]!;
		this.#slot = (this.#slot + 1) % SLOTS;
		this.#turn = (this.#turn + 1) % this.#sizes.length;
		writeHeader(this.#view, this.start, run, sequence, sentAt, kind);
	}
}
