import {NativeMemory} from '../../native/native-memory.ts';
import {type Kernel, LinuxKernel} from '../udp/batch/kernel.ts';

/*
 * rtnetlink, include/uapi/linux/{netlink,rtnetlink}.h: a header of 16 bytes, a route message of 12,
 * then attributes. Numbers are in the byte order of the machine, addresses as on the wire.
 */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800;
const NLMSG_ERROR = 2;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const NLM_F_REQUEST = 1;
const RTA_DST = 1;
const HEADER = 16;
const ROUTE = 12;
const ATTRIBUTE = 4;
/** Offset of the type in a route message. */
const ROUTE_TYPE = HEADER + 7;

const FAMILY_OF_LENGTH: Readonly<Record<number, number>> = {4: 2, 16: 10};

/** Types of routes that end in this machine: local, broadcast, anycast, multicast. */
const LOCAL_TYPES: readonly number[] = [2, 3, 4, 5];

/** Errors for an address without a route: EACCES, ENETUNREACH, EHOSTUNREACH. */
const NO_ROUTE: readonly number[] = [13, 101, 113];

/** Offset of requests; the answer to one begins at REPLY. */
const REPLY = 64;
const REPLY_SIZE = 4000;

/** Messages that are passed over until the answer is there. */
const STALE = 16;

/**
 * Asks the kernel of Linux how it would route to an address, and so whether packets to it stay in
 * this machine: what interfaces without a carrier hold and whole prefixes that are routed as local
 * (`ip route add local PREFIX dev lo`) are in no list of addresses. Two system calls a question.
 */
export class RouteQuery {
	readonly #kernel: Kernel;
	readonly #memory: NativeMemory;
	readonly #view: DataView;
	#descriptor: number;
	#sequence = 0;

	/** Throws where there is no rtnetlink, with a reason for the user. */
	constructor(kernel: Kernel = new LinuxKernel()) {
		this.#kernel = kernel;
		this.#memory = new NativeMemory(kernel, REPLY + REPLY_SIZE);
		const {buffer, byteOffset} = this.#memory.bytes;
		this.#view = new DataView(buffer, byteOffset);
		const {socket} = kernel.calls;
		this.#descriptor = kernel.call(socket, AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, 0, 0, 0);
		if (this.#descriptor < 0) throw new Error(`no netlink socket: errno ${-this.#descriptor}`);
	}

	/** True while packets to this address (4 or 16 bytes) stay here. `undefined`: no answer. */
	isLocal(address: Uint8Array): boolean | undefined {
		const family = FAMILY_OF_LENGTH[address.length];
		if (family === undefined) return undefined;
		const length = this.#write(address, family);
		const {calls} = this.#kernel;
		const place = this.#memory.address;
		if (this.#kernel.call(calls.write, this.#descriptor, place, length, 0, 0) < 0) return undefined;
		for (let i = 0; i < STALE; i++) {
			const size = this.#kernel.call(calls.read, this.#descriptor, place + REPLY, REPLY_SIZE, 0, 0);
			if (size < HEADER + 4) return undefined;
			if (this.#view.getUint32(REPLY + 8, true) === this.#sequence) return this.#answer();
		}
		return undefined;
	}

	close(): void {
		if (this.#descriptor < 0) return;
		this.#kernel.call(this.#kernel.calls.close, this.#descriptor, 0, 0, 0, 0);
		this.#descriptor = -1;
	}

	#write(address: Uint8Array, family: number): number {
		const view = this.#view;
		const length = HEADER + ROUTE + ATTRIBUTE + address.length;
		this.#sequence = (this.#sequence + 1) >>> 0;
		this.#memory.bytes.fill(0, 0, length);
		view.setUint32(0, length, true);
		view.setUint16(4, RTM_GETROUTE, true);
		view.setUint16(6, NLM_F_REQUEST, true);
		view.setUint32(8, this.#sequence, true);
		view.setUint8(HEADER, family);
		view.setUint8(HEADER + 1, address.length * 8);
		view.setUint16(HEADER + ROUTE, ATTRIBUTE + address.length, true);
		view.setUint16(HEADER + ROUTE + 2, RTA_DST, true);
		this.#memory.bytes.set(address, HEADER + ROUTE + ATTRIBUTE);
		return length;
	}

	#answer(): boolean | undefined {
		const type = this.#view.getUint16(REPLY + 4, true);
		if (type === RTM_NEWROUTE) {
			return LOCAL_TYPES.includes(this.#view.getUint8(REPLY + ROUTE_TYPE));
		}
		const errno = -this.#view.getInt32(REPLY + HEADER, true);
		return type === NLMSG_ERROR && NO_ROUTE.includes(errno) ? false : undefined;
	}
}
