import {NativeMemory} from '../../../native/native-memory.ts';
import {EAGAIN, type Kernel} from './kernel.ts';
import type {Pollable, Poller} from './poller.ts';

const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800;

/** Links, addresses and routes of both families: include/uapi/linux/rtnetlink.h. */
const RTMGRP = {link: 0x1, address4: 0x10, route4: 0x40, address6: 0x100, route6: 0x400};
const GROUPS = Object.values(RTMGRP).reduce((all, group) => all | group, 0);

/** struct sockaddr_nl: family 2 + 2, process 4, groups 4. */
const NETLINK_ADDRESS = 12;

/** Changes come in groups; a router's own may come by the thousand. */
const SETTLE_MILLIS = 50;
const PAUSE_MILLIS = 250;

/** More messages than this may wait: the rest of a flood is read the next time. */
const READS = 256;

/** Calls back when the kernel (rtnetlink) reports that links, addresses or routes have changed. */
export class NetworkWatch implements Pollable {
	readonly descriptor: number;
	readonly isPath = false;
	readonly #kernel: Kernel;
	readonly #poller: Poller;
	readonly #memory: NativeMemory;
	readonly #changed: () => void;
	#timer: NodeJS.Timeout | undefined;

	/** Throws where the system reports no changes. */
	constructor(kernel: Kernel, poller: Poller, changed: () => void) {
		this.#kernel = kernel;
		this.#poller = poller;
		this.#changed = changed;
		this.#memory = new NativeMemory(kernel, 65_536);
		const {socket, bind} = kernel.calls;
		const kind = SOCK_RAW_CLOEXEC_NONBLOCK;
		this.descriptor = kernel.call(socket, AF_NETLINK, kind, NETLINK_ROUTE, 0, 0);
		if (this.descriptor < 0) throw new Error('no netlink socket');
		const {words, address} = this.#memory;
		words.set([AF_NETLINK, 0, GROUPS]);
		const bound = kernel.call(bind, this.descriptor, address, NETLINK_ADDRESS, 0, 0);
		if (bound >= 0 && poller.add(this) >= 0) return;
		this.#shut();
		throw new Error('no netlink events');
	}

	// Neither the messages' content matters nor whether some were lost: there was a change. Between
	// two looks nothing is watched, so that a flood costs no more than four wake-ups a second.
	onReadable(): void {
		this.#drain();
		this.#poller.remove(this);
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => {
			this.#timer = setTimeout(() => {
				this.#timer = undefined;
				this.#poller.add(this);
			}, PAUSE_MILLIS - SETTLE_MILLIS);
			this.#drain();
			this.#changed();
		}, SETTLE_MILLIS);
	}

	close(): void {
		clearTimeout(this.#timer);
		this.#poller.remove(this);
		this.#shut();
	}

	#drain(): void {
		const {read} = this.#kernel.calls;
		const {address, bytes} = this.#memory;
		for (let i = 0; i < READS; i++) {
			if (this.#kernel.call(read, this.descriptor, address, bytes.length, 0, 0) === -EAGAIN) return;
		}
	}

	#shut(): void {
		this.#kernel.call(this.#kernel.calls.close, this.descriptor, 0, 0, 0, 0);
	}
}
