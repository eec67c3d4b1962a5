import {endianness} from 'node:os';
import process from 'node:process';
import {type Native, type NativeFunction, native} from '../../../native/native.ts';
import type {Addresses} from '../../../native/native-memory.ts';

/**
 * The numbers of the system calls in use: arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h of Linux; fixed for ever.
 */
const NUMBERS = {
	x64: {
		read: 0,
		write: 1,
		close: 3,
		socket: 41,
		connect: 42,
		bind: 49,
		getsockname: 51,
		setsockopt: 54,
		getsockopt: 55,
		epollCtl: 233,
		epollPwait: 281,
		epollCreate1: 291,
		recvmmsg: 299,
		sendmmsg: 307,
	},
	arm64: {
		read: 63,
		write: 64,
		close: 57,
		socket: 198,
		connect: 203,
		bind: 200,
		getsockname: 204,
		setsockopt: 208,
		getsockopt: 209,
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
export const ENODEV = 19;
export const EINVAL = 22;
export const EMSGSIZE = 90;
export const EADDRNOTAVAIL = 99;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;

/** The system calls of Linux; tests replace it. */
export interface Kernel extends Addresses {
	readonly calls: SystemCalls;
	/** Makes a system call, again when a signal came in between. Negative = minus the errno. */
	call(number: number, a: number, b: number, c: number, d: number, e: number): number;
}

/** The real system calls, through koffi. */
export class LinuxKernel implements Kernel {
	readonly calls: SystemCalls;
	readonly #native: Native;
	readonly #syscall: NativeFunction;

	/** Throws where this machine has no such thing, with a reason for the user. */
	constructor() {
		const {platform, arch} = process;
		const known = platform === 'linux' && (arch === 'x64' || arch === 'arm64');
		if (!known || endianness() !== 'LE') throw new Error(`not made for ${platform} on ${arch}`);
		this.calls = NUMBERS[arch];
		this.#native = native();
		// Not the wrappers of libc: those of musl make one system call per datagram.
		this.#syscall = this.#native.function('syscall', 6, 'long');
	}

	// biome-ignore lint/complexity/useMaxParams: the registers of a system call
	call(number: number, a: number, b: number, c: number, d: number, e: number): number {
		for (;;) {
			const result = this.#syscall(number, a, b, c, d, e);
			if (result >= 0) return result;
			const errno = this.#native.errno();
			if (errno !== EINTR) return -errno;
		}
	}

	addressOf(memory: ArrayBufferLike): number {
		return this.#native.addressOf(memory);
	}
}
