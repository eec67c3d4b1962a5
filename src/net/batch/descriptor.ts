import {getSystemErrorName} from 'node:util';
import {NativeMemory} from '../../native/native-memory.ts';
import {familyOf, type IpFamily} from '../ip.ts';
import {bindError, type UdpBinding} from '../udp.ts';
import {EADDRNOTAVAIL, type Kernel} from './kernel.ts';
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
const SO_RXQ_OVFL = 40;
const IP_MTU_DISCOVER = 10;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const UDP_GRO = 104;

/** Never a fragment: what the path does not take is refused or lost (RFC 8899, section 3). */
const PMTUDISC_PROBE = 3;

/** What is asked for as the size of the system's queues. */
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
	/** What a call reads or writes besides datagrams. */
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
		if (binding.isPath === true) {
			if (family === 4) this.#set(descriptor, SOL_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
			else this.#set(descriptor, SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
		}
		if (binding.device !== undefined) {
			const result = this.#bindToDevice(descriptor, binding.device);
			if (result < 0) return result;
		}
		const words = encodeSocketAddress(binding.address, binding.port);
		if (words === undefined) return -EADDRNOTAVAIL;
		return this.#withAddress(this.#kernel.calls.bind, descriptor, words, ADDRESS_LENGTH[family]);
	}

	/** Connects a socket; negative = refused. */
	connect(descriptor: number, to: BatchRemote): number {
		const {words, length} = to;
		if (words === undefined) return -EADDRNOTAVAIL;
		return this.#withAddress(this.#kernel.calls.connect, descriptor, words, length);
	}

	/** Undoes it; negative = refused. */
	disconnect(descriptor: number): number {
		// AF_UNSPEC is 0.
		const nowhere = new Uint32Array(ADDRESS_LENGTH[4] / 4);
		const {connect} = this.#kernel.calls;
		return this.#withAddress(connect, descriptor, nowhere, ADDRESS_LENGTH[4]);
	}

	/** Where a socket is bound. */
	nameOf(descriptor: number, family: IpFamily): {readonly host: string; readonly port: number} {
		const {words, address} = this.#memory;
		words[8] = ADDRESS_LENGTH[6];
		const {getsockname} = this.#kernel.calls;
		if (this.#call(getsockname, descriptor, address, address + 32) < 0) {
			return {host: '', port: 0};
		}
		return {host: hostAt(words, 0, family), port: portAt(words, 0)};
	}

	/** Closes it; never call it twice: the number may be somebody else's then. */
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

	#call(number: number, a: number, b = 0, c = 0, d = 0, e = 0): number {
		return this.#kernel.call(number, a, b, c, d, e);
	}
}
