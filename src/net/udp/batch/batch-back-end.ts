import process from 'node:process';
import {isMainThread} from 'node:worker_threads';
import {native} from '../../../native/native.ts';
import {RemoteTable} from '../remote-table.ts';
import type {UdpBackEnd, UdpBinding, UdpHandlers, UdpSocket} from '../udp.ts';
import {type BatchResources, BatchSocket} from './batch-socket.ts';
import {Descriptors} from './descriptor.ts';
import {EventLoop} from './event-loop.ts';
import {LinuxKernel} from './kernel.ts';
import {NetworkWatch} from './network-watch.ts';
import {Poller} from './poller.ts';
import {QueuePool} from './queue-pool.ts';
import {Receiver} from './receiver.ts';
import {selfTest} from './self-test.ts';
import {BatchRemote} from './socket-address.ts';
import {LoopWakeUp, TimerWakeUp, type WakeUp} from './wake-up.ts';

/** Settings of a batch back end. */
export interface BatchOptions {
	/** Never waits for a datagram: a core for the lowest latency. */
	readonly busyPoll?: boolean;
}

/** Shared by all batch sockets of this thread: only one can wait in place of the event loop. */
let shared: {readonly resources: BatchResources; readonly wakeUp: WakeUp} | undefined;

function share(): NonNullable<typeof shared> {
	const kernel = new LinuxKernel();
	// The only structure in use that differs between the architectures.
	const packed = process.arch === 'x64';
	const receiver = new Receiver(kernel);
	selfTest(kernel, packed, receiver);
	const poller = new Poller(kernel, packed);
	const wakeUp = isMainThread
		? new LoopWakeUp(poller, new EventLoop(native()))
		: new TimerWakeUp(poller);
	const resources = {
		kernel,
		descriptors: new Descriptors(kernel),
		poller,
		receiver,
		queues: new QueuePool(kernel),
		remotes: new RemoteTable((...parts) => new BatchRemote(...parts)),
		closed: () => {
			if (poller.size === 0) wakeUp.stop();
		},
	};
	return {resources, wakeUp};
}

/**
 * The back end of Linux: many datagrams in one system call, runs of them through the network stack
 * as one, all sockets in one epoll.
 */
export class BatchBackEnd implements UdpBackEnd {
	readonly name = 'batch';
	readonly bindsInterfaces = true;
	readonly #resources: BatchResources;
	readonly #wakeUp: WakeUp;

	/** Throws where this machine has no such thing, with a reason for the user. */
	constructor({busyPoll = false}: BatchOptions = {}) {
		shared ??= share();
		this.#resources = shared.resources;
		this.#wakeUp = shared.wakeUp;
		if (busyPoll) this.#wakeUp.neverWait();
	}

	open(binding: UdpBinding, handlers: UdpHandlers): UdpSocket {
		const socket = new BatchSocket(this.#resources, binding, handlers);
		this.#wakeUp.start();
		return socket;
	}

	watchNetwork(changed: () => void): {close(): void} | undefined {
		const {kernel, poller, closed} = this.#resources;
		try {
			const watch = new NetworkWatch(kernel, poller, changed);
			this.#wakeUp.start();
			return {
				close: () => {
					watch.close();
					closed();
				},
			};
		} catch {
			return undefined;
		}
	}
}
