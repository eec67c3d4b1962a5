import {getSystemErrorName} from 'node:util';
import {NativeMemory} from '../../../native/native-memory.ts';
import {familyOf, type IpFamily} from '../../../text/ip.ts';
import {bindError, type UdpBinding} from '../udp.ts';
import {EADDRNOTAVAIL, ENODEV, type Kernel} from './kernel.ts';
import {
	ADDRESS_LENGTH,
	AF_INET,
	AF_INET6,
	type BatchRemote,
	encodeSocketAddress,
	hostAt,
	portAt,
} from './socket-address.ts';

const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0x80000 | 0x800;

const SOL_IP = 0;
const SOL_SOCKET = 1;
const SOL_UDP = 17;
const SOL_IPV6 = 41;

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_MARK = 36;
const SO_RXQ_OVFL = 40;
const IPV6_V6ONLY = 26;
const UDP_GRO = 104;

/** Never a fragment: what the path does not take is refused or lost (RFC 8899, section 3). */
const PMTUDISC_PROBE = 3;

/** IP_MTU_DISCOVER and IPV6_MTU_DISCOVER. */
const MTU_DISCOVER = {
	4: {level: SOL_IP, option: 10},
	6: {level: SOL_IPV6, option: 23},
} as const;

/** Requested size of the system's queues, in bytes. */
const BUFFER_SIZE = 4 * 1024 * 1024;

/** IFNAMSIZ, the final zero included. */
const INTERFACE_NAME = 16;

/** The name of an errno, as Node has it in `code`. */
export function errorName(errno: number): string {
	return getSystemErrorName(-errno);
}

/** Opens and closes UDP sockets of the system, and asks it about them. */
export class Descriptors {
	readonly #kernel: Kernel;
	/** Memory of a call for everything besides datagrams. */
	readonly #memory: NativeMemory;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
		this.#memory = new NativeMemory(kernel, 4096);
	}

	/** Opens and binds a socket; throws a SocketError when that is impossible. */
	open(binding: UdpBinding): number {
		const {calls} = this.#kernel;
		const family = familyOf(binding.address);
		const domain = family === 4 ? AF_INET : AF_INET6;
		const descriptor = this.#call(calls.socket, domain, SOCK_DGRAM_CLOEXEC_NONBLOCK);
		if (descriptor < 0) throw bindError(errorName(-descriptor), binding);
		const failure = this.#prepare(descriptor, family, binding);
		if (failure >= 0) return descriptor;
		this.close(descriptor);
		throw bindError(errorName(-failure), binding);
	}

	#prepare(descriptor: number, family: IpFamily, binding: UdpBinding): number {
		if (family === 6) this.#set(descriptor, SOL_IPV6, IPV6_V6ONLY, 1);
		this.#enlarge(descriptor, SO_RCVBUFFORCE, SO_RCVBUF);
		this.#enlarge(descriptor, SO_SNDBUFFORCE, SO_SNDBUF);
		this.#set(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
		// An old kernel without it, or without the next, is no reason to fail.
		this.#set(descriptor, SOL_UDP, UDP_GRO, 1);
		const result = this.#bindFurther(descriptor, family, binding);
		if (result < 0) return result;
		const words = encodeSocketAddress(binding.address, binding.port);
		if (words === undefined) return -EADDRNOTAVAIL;
		return this.#withAddress(this.#kernel.calls.bind, descriptor, words, ADDRESS_LENGTH[family]);
	}

	/** Binds a socket to its device and mark, besides address and port. */
	#bindFurther(descriptor: number, family: IpFamily, binding: UdpBinding): number {
		if (binding.isPath === true) {
			const {level, option} = MTU_DISCOVER[family];
			this.#set(descriptor, level, option, PMTUDISC_PROBE);
		}
		const {device, mark} = binding;
		if (mark !== undefined) {
			const result = this.#set(descriptor, SOL_SOCKET, SO_MARK, mark);
			if (result < 0) return result;
		}
		if (device === undefined) return 0;
		const result = this.#bindToDevice(descriptor, device);
		if (result < 0) return result;
		return this.#deviceOf(descriptor) === device ? 0 : -ENODEV;
	}

	/** Connects a socket; negative = refused. */
	connect(descriptor: number, to: BatchRemote): number {
		const {words, length} = to;
		if (words === undefined) return -EADDRNOTAVAIL;
		return this.#withAddress(this.#kernel.calls.connect, descriptor, words, length);
	}

	/**
	 * Undoes it and makes the binding hold again, of which the kernel forgets a part (the interface,
	 * __udp_disconnect); negative = refused.
	 */
	disconnect(descriptor: number, binding: UdpBinding): number {
		// AF_UNSPEC is 0.
		const nowhere = new Uint32Array(ADDRESS_LENGTH[4] / 4);
		const {connect} = this.#kernel.calls;
		const result = this.#withAddress(connect, descriptor, nowhere, ADDRESS_LENGTH[4]);
		return result < 0 ? result : this.#bindFurther(descriptor, familyOf(binding.address), binding);
	}

	/** The options of a socket that have to stay as they are, read from the system, to compare. */
	optionsOf(descriptor: number, family: IpFamily): string {
		const {level, option} = MTU_DISCOVER[family];
		return [
			this.#deviceOf(descriptor),
			this.#get(descriptor, level, option),
			this.#get(descriptor, SOL_SOCKET, SO_MARK),
			this.#get(descriptor, SOL_SOCKET, SO_RCVBUF),
			this.#get(descriptor, SOL_SOCKET, SO_SNDBUF),
		].join();
	}

	/** Returns the address that a socket is bound to. */
	nameOf(descriptor: number, family: IpFamily): {readonly host: string; readonly port: number} {
		const {words, address} = this.#memory;
		words[8] = ADDRESS_LENGTH[6];
		const {getsockname} = this.#kernel.calls;
		if (this.#call(getsockname, descriptor, address, address + 32) < 0) {
			return {host: '', port: 0};
		}
		return {host: hostAt(words, 0, family), port: portAt(words, 0)};
	}

	/** Closes it; never call it twice: the number may belong to another socket then. */
	close(descriptor: number): void {
		this.#call(this.#kernel.calls.close, descriptor);
	}

	#enlarge(descriptor: number, forced: number, normal: number): void {
		if (this.#set(descriptor, SOL_SOCKET, forced, BUFFER_SIZE) >= 0) return;
		this.#set(descriptor, SOL_SOCKET, normal, BUFFER_SIZE);
	}

	#set(descriptor: number, level: number, option: number, value: number): number {
		this.#memory.words[0] = value;
		const {address} = this.#memory;
		return this.#call(this.#kernel.calls.setsockopt, descriptor, level, option, address, 4);
	}

	/** Returns an option that is a number; negative: the system does not give it. */
	#get(descriptor: number, level: number, option: number): number {
		const {words, address} = this.#memory;
		words[1] = 4;
		const {getsockopt} = this.#kernel.calls;
		const result = this.#call(getsockopt, descriptor, level, option, address, address + 4);
		return result < 0 ? result : words[0]!;
	}

	/** The interface that a socket is bound to; empty = none, or one that is gone. */
	#deviceOf(descriptor: number): string {
		const {bytes, words, address} = this.#memory;
		const lengthAt = INTERFACE_NAME / 4;
		words[lengthAt] = INTERFACE_NAME;
		const {getsockopt} = this.#kernel.calls;
		const at = address + INTERFACE_NAME;
		const result = this.#call(getsockopt, descriptor, SOL_SOCKET, SO_BINDTODEVICE, address, at);
		if (result < 0) return '';
		const name = bytes.subarray(0, words[lengthAt]);
		const end = name.indexOf(0);
		return Buffer.from(end < 0 ? name : name.subarray(0, end)).toString();
	}

	#bindToDevice(descriptor: number, device: string): number {
		const {bytes, address} = this.#memory;
		const name = Buffer.from(device).subarray(0, INTERFACE_NAME - 1);
		bytes.fill(0, 0, INTERFACE_NAME);
		bytes.set(name);
		const {setsockopt} = this.#kernel.calls;
		return this.#call(setsockopt, descriptor, SOL_SOCKET, SO_BINDTODEVICE, address, INTERFACE_NAME);
	}

	#withAddress(call: number, descriptor: number, words: Uint32Array, length: number): number {
		this.#memory.words.set(words);
		return this.#call(call, descriptor, this.#memory.address, length);
	}

	// biome-ignore lint/complexity/useMaxParams: the registers of a system call
	#call(number: number, a: number, b = 0, c = 0, d = 0, e = 0): number {
		return this.#kernel.call(number, a, b, c, d, e);
	}
}
