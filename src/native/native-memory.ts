/** Arrays below this size may lie inside the heap, which moves. */
export const SMALLEST_FIXED = 4096;

/** Gives the addresses of memory. */
export interface Addresses {
	/** See `Native.addressOf`. */
	addressOf(memory: ArrayBufferLike): number;
}

/**
 * Addresses of the first bytes of arrays, for many calls with the same array in a row, as packets
 * make them. The last one is cached, since asking an array for its buffer is a call out of compiled
 * code.
 */
export class ArrayAddresses {
	readonly #addresses: Addresses;
	#last: Uint8Array | undefined;
	#lastAddress = 0;

	constructor(addresses: Addresses) {
		this.#addresses = addresses;
	}

	/** The address of bytes[0]; 0 = it may lie in memory that moves, and has none that lasts. */
	of(bytes: Uint8Array): number {
		if (bytes === this.#last) return this.#lastAddress;
		const {buffer, byteOffset} = bytes;
		if (buffer.byteLength < SMALLEST_FIXED) return 0;
		this.#last = bytes;
		this.#lastAddress = this.#addresses.addressOf(buffer) + byteOffset;
		return this.#lastAddress;
	}
}

/**
 * Memory that native code reads and writes: allocated once, never below 4 KiB (small typed arrays
 * lie inside the heap that moves), its address taken once. Hold it as long as the address is in
 * use.
 */
export class NativeMemory {
	readonly bytes: Uint8Array;
	readonly words: Uint32Array;
	readonly address: number;

	constructor(addresses: Addresses, size: number) {
		const buffer = new ArrayBuffer(Math.max(SMALLEST_FIXED, Math.ceil(size / 4) * 4));
		this.bytes = new Uint8Array(buffer);
		this.words = new Uint32Array(buffer);
		this.address = addresses.addressOf(buffer);
	}

	/** Writes a pointer to `address` at words[at] and words[at + 1]. */
	setPointer(at: number, address: number): void {
		this.words[at] = address >>> 0;
		this.words[at + 1] = Math.floor(address / 0x1_0000_0000);
	}
}
