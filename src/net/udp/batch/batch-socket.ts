import type {RemoteAddress} from '../../../core/remote-address.ts';
import {familyOf, type IpFamily} from '../../../text/ip.ts';
import type {RemoteTable} from '../remote-table.ts';
import {
	bindError,
	nextSocketIndex,
	type UdpBinding,
	type UdpHandlers,
	type UdpSocket,
} from '../udp.ts';
import {type Descriptors, errorName} from './descriptor.ts';
import {EAGAIN, type Kernel} from './kernel.ts';
import type {Pollable, Poller} from './poller.ts';
import type {QueuePool} from './queue-pool.ts';
import type {Receiver, SourceBook} from './receiver.ts';
import {RunPolicy} from './run-policy.ts';
import type {SendOutcome, SendQueue} from './send-queue.ts';
import {ADDRESS_LENGTH, BatchRemote, familyAt, hostAt, portAt} from './socket-address.ts';

/** Resources that all sockets of a back end share. */
export interface BatchResources {
	readonly kernel: Kernel;
	readonly descriptors: Descriptors;
	readonly poller: Poller;
	readonly receiver: Receiver;
	readonly queues: QueuePool;
	readonly remotes: RemoteTable<BatchRemote>;
	/** The last socket may have been closed. */
	closed(): void;
}

const now = () => performance.now();

/** Datagrams that one socket may hand over before the others have their turn. */
const DATAGRAMS_PER_TURN = 64;

/**
 * Sources remembered by port in front of the interning table, powers of two: few at a socket of one
 * flow, of which there may be thousands, many where clients come from many ports.
 */
const RECENT = 16;
const RECENT_OF_PATHS = 256;

/** Limit of errors that wait to be reported; more of them in one turn are no news. */
const ERRORS = 16;

interface SendError {
	readonly code: string;
	readonly size: number;
	readonly to: RemoteAddress | undefined;
}

/** A socket that sends and receives many datagrams with one system call. */
export class BatchSocket implements UdpSocket, Pollable, SourceBook, SendOutcome {
	readonly index: number = nextSocketIndex();
	readonly localAddress: string;
	readonly localPort: number;
	readonly descriptor: number;
	readonly isPath: boolean;
	dropped = 0;
	missed = 0;
	readonly #resources: BatchResources;
	readonly #handlers: UdpHandlers;
	readonly #binding: UdpBinding;
	readonly #family: IpFamily;
	/** Of a path: the options that it had when it was opened. */
	readonly #options: string;
	readonly #recent: (BatchRemote | undefined)[];
	#queue: SendQueue | undefined;
	#connected = false;
	#closed = false;
	/** Datagrams in a message as they came in lately: the kernel may put many together. */
	#perMessage = 1;
	#lost = 0;
	readonly #runs = new RunPolicy(now);
	#errors: SendError[] = [];

	constructor(resources: BatchResources, binding: UdpBinding, handlers: UdpHandlers) {
		const {descriptors, poller} = resources;
		this.#resources = resources;
		this.#handlers = handlers;
		this.#binding = binding;
		this.#family = familyOf(binding.address);
		this.isPath = binding.isPath === true;
		const recent = this.isPath ? RECENT_OF_PATHS : RECENT;
		this.#recent = new Array<BatchRemote | undefined>(recent).fill(undefined);
		this.descriptor = descriptors.open(binding);
		const {host, port} = descriptors.nameOf(this.descriptor, this.#family);
		this.localAddress = host;
		this.localPort = port;
		this.#options = this.#readOptions();
		const added = poller.add(this);
		if (added >= 0) return;
		descriptors.close(this.descriptor);
		throw bindError(errorName(-added), binding);
	}

	send(bytes: Uint8Array, start: number, end: number, to: RemoteAddress | undefined): boolean {
		const remote = to === undefined || to instanceof BatchRemote ? to : this.#own(to);
		if (this.#closed || !this.#mayReach(remote)) {
			this.dropped++;
			return false;
		}
		this.#queue ??= this.#resources.queues.take(this);
		// An empty queue takes everything.
		while (!this.#queue.push(bytes, start, end, remote, this)) this.#flushQueue(this.#queue);
		return false;
	}

	flush(): void {
		const queue = this.#queue;
		if (queue === undefined) return;
		this.#queue = undefined;
		this.#flushQueue(queue);
		this.#resources.queues.release(queue);
	}

	connect(to: RemoteAddress): boolean {
		if (this.#closed) return false;
		const remote = this.#own(to);
		const result = this.#resources.descriptors.connect(this.descriptor, remote);
		this.#connected = result >= 0;
		return this.#connected;
	}

	disconnect(): boolean {
		if (this.#closed) return false;
		if (!this.#connected) return true;
		this.#connected = false;
		const {descriptors} = this.#resources;
		if (descriptors.disconnect(this.descriptor, this.#binding) < 0) return false;
		const {host, port} = descriptors.nameOf(this.descriptor, this.#family);
		if (host !== this.localAddress || port !== this.localPort) return false;
		return this.#readOptions() === this.#options;
	}

	source(): string {
		return this.#resources.descriptors.nameOf(this.descriptor, this.#family).host;
	}

	remote(host: string, port: number): RemoteAddress {
		return this.#resources.remotes.intern(this.index, host, port);
	}

	close(): Promise<void> {
		if (!this.#closed) {
			this.flush();
			this.#closed = true;
			this.#errors.length = 0;
			const {poller, descriptors} = this.#resources;
			poller.remove(this);
			descriptors.close(this.descriptor);
			this.#resources.closed();
		}
		return Promise.resolve();
	}

	onReadable(): void {
		const {receiver} = this.#resources;
		let errors = 0;
		for (let left = DATAGRAMS_PER_TURN; left > 0 && !this.#closed; ) {
			const limit = Math.min(Math.ceil(left / this.#perMessage), receiver.capacity);
			const count = receiver.receive(this.descriptor, limit, this);
			if (count === -EAGAIN) return;
			if (count < 0) {
				// Reading the error has cleared it; there may be datagrams behind it.
				this.#handlers.onError(this, errorName(-count), 0, undefined);
				if (++errors > ERRORS) return;
				continue;
			}
			this.#note(count);
			left -= Math.max(receiver.batch.count, 1);
			if (receiver.batch.count > 0) this.#handlers.onBatch(this, receiver.batch);
			if (count < limit) return;
		}
	}

	#note(messages: number): void {
		const {batch, truncated, lost} = this.#resources.receiver;
		this.missed += truncated;
		if (lost !== 0) {
			this.missed += (lost - this.#lost) >>> 0;
			this.#lost = lost;
		}
		this.#perMessage = Math.max(batch.count / messages, 1);
	}

	sourceAt(words: Uint32Array, at: number): BatchRemote | undefined {
		const slot = (words[at]! >>> 24) & (this.#recent.length - 1);
		const recent = this.#recent[slot];
		if (recent?.isAt(words, at)) return recent;
		const family = familyAt(words, at);
		if (family === undefined) return undefined;
		const host = hostAt(words, at, family);
		const remote = this.#resources.remotes.intern(this.index, host, portAt(words, at));
		this.#recent[slot] = remote;
		return remote;
	}

	mayRun(size: number): boolean {
		return this.#runs.allows(size);
	}

	runFailed(errno: number, size: number): void {
		this.#runs.refused(errno, size);
	}

	queueFull(datagrams: number): void {
		this.dropped += datagrams;
	}

	sendFailed(errno: number, size: number, to: BatchRemote | undefined): void {
		if (this.#errors.length >= ERRORS) return;
		if (this.#errors.length === 0) setImmediate(this.#tellErrors);
		this.#errors.push({code: errorName(errno), size, to});
	}

	// Never from inside a call of the socket.
	readonly #tellErrors = (): void => {
		const errors = this.#errors;
		this.#errors = [];
		for (const {code, size, to} of errors) {
			if (!this.#closed) this.#handlers.onError(this, code, size, to);
		}
	};

	#flushQueue(queue: SendQueue): void {
		queue.flush(this.descriptor, this);
	}

	#readOptions(): string {
		if (!this.isPath) return '';
		return this.#resources.descriptors.optionsOf(this.descriptor, this.#family);
	}

	#own(to: RemoteAddress): BatchRemote {
		return to instanceof BatchRemote
			? to
			: this.#resources.remotes.intern(this.index, to.host, to.port);
	}

	#mayReach(remote: BatchRemote | undefined): boolean {
		if (remote === undefined) return this.#connected;
		const {words, length, port} = remote;
		if (this.#connected || words === undefined || port === 0) return false;
		return length === ADDRESS_LENGTH[this.#family];
	}
}
