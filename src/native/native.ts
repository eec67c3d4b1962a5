import {createRequire} from 'node:module';
import {endianness} from 'node:os';

/** A function of the process with whole numbers as parameters, the pointers among them. */
export type NativeFunction = (...parameters: number[]) => number;

/** The part of koffi 2.16 that is used. */
interface Koffi {
	readonly version: string;
	sizeof(type: string): number;
	load(path: null): {func(name: string, result: string, parameters: string[]): NativeFunction};
	errno(): number;
	address(memory: ArrayBufferLike): bigint;
	view(address: unknown, length: number): ArrayBuffer;
}

/** Newer ones crash Node within a second of load (architecture.md 2). */
const KOFFI_VERSION = '2.16.';

/**
 * The functions and the memory of this process, through koffi, an optional dependency. Addresses
 * are numbers: user space ends far below 2^53.
 */
export class Native {
	readonly #koffi: Koffi;
	readonly #process: ReturnType<Koffi['load']>;
	readonly #addresses = new WeakMap<ArrayBufferLike, number>();
	#lastMemory: ArrayBufferLike | undefined;
	#lastAddress = 0;

	/** Throws where there is no koffi of the version that works, with a reason for the user. */
	constructor() {
		this.#koffi = createRequire(import.meta.url)('koffi') as Koffi;
		const {version} = this.#koffi;
		if (!version.startsWith(KOFFI_VERSION)) {
			throw new Error(`koffi ${version} is not koffi ${KOFFI_VERSION}x`);
		}
		// Pointers in structures are written as two words, the lower one first.
		if (this.#koffi.sizeof('void *') !== 8 || endianness() !== 'LE') {
			throw new Error('only made for 64 bits, little-endian');
		}
		this.#process = this.#koffi.load(null);
	}

	/**
	 * A function with so many parameters, all whole numbers; throws when there is none of that name.
	 */
	function(name: string, parameters: number, result: string): NativeFunction {
		return this.#process.func(name, result, new Array<string>(parameters).fill('intptr_t'));
	}

	/** Returns the errno of the last call. */
	errno(): number {
		return this.#koffi.errno();
	}

	/** The memory that the function `name` points to, as words; it must stay where it is for ever. */
	view(name: string, bytes: number): Uint32Array {
		const pointer: unknown = this.#process.func(name, 'void *', [])();
		return new Uint32Array(this.#koffi.view(pointer, bytes));
	}

	/**
	 * Returns the address of a buffer's bytes. They never move and stay as long as the buffer is
	 * reachable: the caller holds the buffer until the address is no longer used.
	 */
	addressOf(memory: ArrayBufferLike): number {
		if (memory === this.#lastMemory) return this.#lastAddress;
		let address = this.#addresses.get(memory);
		if (address === undefined) {
			address = Number(this.#koffi.address(memory));
			if (!Number.isSafeInteger(address)) throw new Error('an address beyond 2^53');
			this.#addresses.set(memory, address);
		}
		this.#lastMemory = memory;
		this.#lastAddress = address;
		return address;
	}
}

let shared: Native | undefined;

/** The one of this thread: ciphers and sockets ask for the addresses of the same memory. */
export function native(): Native {
	shared ??= new Native();
	return shared;
}
