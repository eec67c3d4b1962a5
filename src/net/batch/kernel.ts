import {createRequire} from 'node:module';
import {endianness} from 'node:os';
import process from 'node:process';

/**
 * The numbers of the system calls in use: arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h of Linux; fixed for ever.
 */
const NUMBERS = {
	x64: {
		close: 3,
		socket: 41,
		connect: 42,
		bind: 49,
		getsockname: 51,
		setsockopt: 54,
		epollCtl: 233,
		epollPwait: 281,
		epollCreate1: 291,
		recvmmsg: 299,
		sendmmsg: 307,
	},
	arm64: {
		close: 57,
		socket: 198,
		connect: 203,
		bind: 200,
		getsockname: 204,
		setsockopt: 208,
		epollCtl: 21,
		epollPwait: 22,
		epollCreate1: 20,
		recvmmsg: 243,
		sendmmsg: 269,
	},
} as const;

/** The system calls in use, by name. */
export type SystemCalls = Readonly<Record<keyof typeof NUMBERS.x64, number>>;

/** Errors with a meaning of their own here; the numbers are the same on x64 and arm64. */
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const EINVAL = 22;
export const EMSGSIZE = 90;
export const EADDRNOTAVAIL = 99;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;

/** The system calls of Linux; tests replace it. Addresses are numbers: user space ends at 2^47. */
export interface Kernel {
	readonly calls: SystemCalls;
	/** Makes a system call, again when a signal came in between. Negative = minus the errno. */
	call(number: number, a: number, b: number, c: number, d: number, e: number): number;
	/**
	 * Where the bytes of this buffer lie. They never move, and stay as long as the buffer is
	 * reachable: whoever gives the address to the kernel has to hold the buffer until it is done.
	 */
	addressOf(memory: ArrayBufferLike): number;
}

/** A function of the process with whole numbers as parameters, the pointers among them. */
export type NativeFunction = (...parameters: number[]) => number;

/** The part of koffi 2.16 that is used. */
interface Koffi {
	readonly version: string;
	load(path: null): {func(name: string, result: string, parameters: string[]): NativeFunction};
	errno(): number;
	address(memory: ArrayBufferLike): bigint;
	view(address: unknown, length: number): ArrayBuffer;
}

/** Newer ones crash Node within a second of load (architecture.md 2). */
const KOFFI_VERSION = '2.16.';

/** The real system calls, through koffi. */
export class LinuxKernel implements Kernel {
	readonly calls: SystemCalls;
	readonly #koffi: Koffi;
	readonly #library: ReturnType<Koffi['load']>;
	readonly #syscall: NativeFunction;
	readonly #addresses = new WeakMap<ArrayBufferLike, number>();
	#lastMemory: ArrayBufferLike | undefined;
	#lastAddress = 0;

	/** Throws where this machine has no such thing, with a reason for the user. */
	constructor() {
		const {platform, arch} = process;
		const known = platform === 'linux' && (arch === 'x64' || arch === 'arm64');
		if (!known || endianness() !== 'LE') throw new Error(`not made for ${platform} on ${arch}`);
		this.calls = NUMBERS[arch];
		this.#koffi = createRequire(import.meta.url)('koffi') as Koffi;
		const {version} = this.#koffi;
		if (!version.startsWith(KOFFI_VERSION)) {
			throw new Error(`koffi ${version} is not koffi ${KOFFI_VERSION}x`);
		}
		this.#library = this.#koffi.load(null);
		// Not the wrappers of libc: those of musl make one system call per datagram.
		this.#syscall = this.function('syscall', 6, 'long');
	}

	/** A function of the process with whole numbers as parameters; throws when there is none. */
	function(name: string, parameters: number, result: string): NativeFunction {
		return this.#library.func(name, result, new Array<string>(parameters).fill('intptr_t'));
	}

	/** Memory that is not ours, as words; it must stay where it is for ever. */
	view(name: string, bytes: number): Uint32Array {
		const pointer: unknown = this.#library.func(name, 'void *', [])();
		return new Uint32Array(this.#koffi.view(pointer, bytes));
	}

	call(number: number, a: number, b: number, c: number, d: number, e: number): number {
		for (;;) {
			const result = this.#syscall(number, a, b, c, d, e);
			if (result >= 0) return result;
			const errno = this.#koffi.errno();
			if (errno !== EINTR) return -errno;
		}
	}

	addressOf(memory: ArrayBufferLike): number {
		if (memory === this.#lastMemory) return this.#lastAddress;
		let address = this.#addresses.get(memory);
		if (address === undefined) {
			address = Number(this.#koffi.address(memory));
			this.#addresses.set(memory, address);
		}
		this.#lastMemory = memory;
		this.#lastAddress = address;
		return address;
	}
}

/**
 * Memory that the kernel reads and writes: allocated once, never below 4 KiB (small typed arrays
 * lie inside the heap that moves), its address taken once. Hold it as long as the kernel knows it.
 */
export class KernelMemory {
	readonly bytes: Uint8Array;
	readonly words: Uint32Array;
	readonly address: number;

	constructor(kernel: Kernel, size: number) {
		const buffer = new ArrayBuffer(Math.max(4096, Math.ceil(size / 4) * 4));
		this.bytes = new Uint8Array(buffer);
		this.words = new Uint32Array(buffer);
		this.address = kernel.addressOf(buffer);
	}

	/** Writes a pointer to `address` at words[at] and words[at + 1]. */
	setPointer(at: number, address: number): void {
		this.words[at] = address >>> 0;
		this.words[at + 1] = Math.floor(address / 0x1_0000_0000);
	}
}
