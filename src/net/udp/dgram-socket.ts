import {createSocket, type RemoteInfo, type Socket} from 'node:dgram';
import type {RemoteAddress} from '../../core/remote-address.ts';
import {familyOf} from '../../text/ip.ts';
import {plainRemote, RemoteTable} from './remote-table.ts';
import {
	bindError,
	type DatagramBatch,
	nextSocketIndex,
	type UdpBackEnd,
	type UdpBinding,
	type UdpHandlers,
	type UdpSocket,
} from './udp.ts';

/** Above this many bytes in the socket's own queue datagrams are dropped. */
const QUEUE_LIMIT = 256 * 1024;

/** Requested sizes of the system's buffers; the system may give less. */
const BUFFER_SIZES = [4 * 1024 * 1024, 1024 * 1024, 256 * 1024] as const;

/** Sources remembered by port in front of the interning table; a power of two. */
const RECENT = 16;

/** Lengths of sent datagrams whose outcome is not known yet; a power of two. */
const SENT = 1024;

type MutableBatch = {-readonly [Name in keyof DatagramBatch]: DatagramBatch[Name]} & {
	sources: (RemoteAddress | undefined)[];
};

/**
 * The view of what was sent last. Node makes a view of its own for every send with an offset; the
 * copies of one packet differ in nothing but their socket, and slots are used again and again.
 */
class LastView {
	#bytes: Uint8Array | undefined;
	#start = 0;
	#end = 0;
	#view: Uint8Array = new Uint8Array(0);

	of(bytes: Uint8Array, start: number, end: number): Uint8Array {
		if (bytes !== this.#bytes || start !== this.#start || end !== this.#end) {
			this.#bytes = bytes;
			this.#start = start;
			this.#end = end;
			this.#view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
		}
		return this.#view;
	}
}

/**
 * The portable back end: `node:dgram`, one datagram a batch. It sends at once, so that `flush` has
 * nothing to do: libuv tries the system call first and queues only what the system does not take.
 */
export class DgramBackEnd implements UdpBackEnd {
	readonly name = 'dgram';
	readonly bindsInterfaces = false;
	readonly #remotes = new RemoteTable(plainRemote);
	readonly #views = new LastView();

	open(binding: UdpBinding, handlers: UdpHandlers): UdpSocket {
		return new DgramSocket(binding, handlers, this.#remotes, this.#views);
	}
}

// An unconnected socket looks its destination up on every send, through the thread pool even for a
// literal; with this both send and bind are synchronous. The family argument is 4 or 6 here.
function lookupLiteral(
	host: string,
	_family: unknown,
	callback: (error: null, address: string, family: number) => void,
): void {
	callback(null, host, familyOf(host));
}

class DgramSocket implements UdpSocket {
	readonly index: number = nextSocketIndex();
	readonly localAddress: string;
	readonly localPort: number;
	dropped = 0;
	readonly missed = 0;
	readonly #socket: Socket;
	readonly #handlers: UdpHandlers;
	readonly #remotes: RemoteTable;
	readonly #views: LastView;
	readonly #recent = new Array<RemoteAddress | undefined>(RECENT).fill(undefined);
	readonly #batch: MutableBatch = {
		arena: new Uint8Array(0),
		count: 1,
		offsets: new Uint32Array(1),
		lengths: new Uint32Array(1),
		sources: new Array<RemoteAddress | undefined>(1).fill(undefined),
	};
	// The outcomes come back in the order of the sends, without the length of the datagram.
	readonly #sentLengths = new Uint32Array(SENT);
	#sent = 0;
	#reported = 0;
	#opening = true;
	#connected = false;
	#closed: Promise<void> | undefined;

	constructor(binding: UdpBinding, handlers: UdpHandlers, remotes: RemoteTable, views: LastView) {
		this.#handlers = handlers;
		this.#remotes = remotes;
		this.#views = views;
		this.#socket = createSocket(
			familyOf(binding.address) === 4
				? {type: 'udp4', lookup: lookupLiteral}
				: {type: 'udp6', ipv6Only: true, lookup: lookupLiteral},
		);
		let failure: NodeJS.ErrnoException | undefined;
		this.#socket.on('error', (error: NodeJS.ErrnoException) => {
			if (this.#opening) failure = error;
			else this.#fail(error, 0);
		});
		this.#socket.bind({address: binding.address, port: binding.port, exclusive: true});
		this.#opening = false;
		if (failure !== undefined) {
			this.#socket.close();
			throw bindError(failure.code ?? 'UNKNOWN', binding);
		}
		const {address, port} = this.#socket.address();
		this.localAddress = address;
		this.localPort = port;
		this.#enlargeBuffers();
		this.#socket.on('message', (bytes, info) => this.#receive(bytes, info));
	}

	send(bytes: Uint8Array, start: number, end: number, to: RemoteAddress | undefined): boolean {
		if (this.#closed !== undefined || (to === undefined && !this.#connected)) {
			this.dropped++;
			return false;
		}
		const queued = this.#socket.getSendQueueSize();
		if (queued > QUEUE_LIMIT) {
			this.dropped++;
			return false;
		}
		const length = end - start;
		this.#sentLengths[this.#sent++ & (SENT - 1)] = length;
		try {
			// What waits behind other datagrams is copied here, so that one full socket does not take a
			// slot out of use for every packet.
			this.#send(queued > 0 ? bytes.slice(start, end) : this.#views.of(bytes, start, end), to);
		} catch {
			// Node refuses port 0, which any stranger can put into a datagram as its source.
			this.#sent--;
			this.dropped++;
			return false;
		}
		return queued === 0 && this.#socket.getSendQueueSize() > 0;
	}

	flush(): void {}

	connect(to: RemoteAddress): boolean {
		if (this.#closed !== undefined) return false;
		try {
			this.#socket.connect(to.port, to.host);
			this.#socket.remoteAddress();
			this.#connected = true;
		} catch {
			this.#connected = false;
		}
		return this.#connected;
	}

	disconnect(): boolean {
		if (this.#closed !== undefined) return false;
		if (!this.#connected) return true;
		this.#connected = false;
		try {
			this.#socket.disconnect();
			const {address, port} = this.#socket.address();
			return address === this.localAddress && port === this.localPort;
		} catch {
			return false;
		}
	}

	source(): string {
		return this.#closed === undefined ? this.#socket.address().address : this.localAddress;
	}

	remote(host: string, port: number): RemoteAddress {
		const slot = port & (RECENT - 1);
		let remote = this.#recent[slot];
		if (remote === undefined || remote.port !== port || remote.host !== host) {
			remote = this.#remotes.intern(this.index, host, port);
			this.#recent[slot] = remote;
		}
		return remote;
	}

	close(): Promise<void> {
		this.#closed ??= new Promise((resolve) => {
			this.#socket.close(resolve);
		});
		return this.#closed;
	}

	#send(bytes: Uint8Array, to: RemoteAddress | undefined): void {
		if (to === undefined) this.#socket.send(bytes, this.#outcome);
		else this.#socket.send(bytes, to.port, to.host, this.#outcome);
	}

	// One function for all sends: an immediate error of the system is reported nowhere else.
	readonly #outcome = (
		error: (NodeJS.ErrnoException & {address?: string; port?: number}) | null,
	) => {
		const length = this.#sentLengths[this.#reported++ & (SENT - 1)]!;
		if (error !== null) this.#fail(error, length);
	};

	#receive(bytes: Buffer, info: RemoteInfo): void {
		if (this.#closed !== undefined) return;
		const batch = this.#batch;
		batch.arena = bytes;
		batch.lengths[0] = bytes.length;
		batch.sources[0] = this.remote(info.address, info.port);
		this.#handlers.onBatch(this, batch);
	}

	#fail(error: NodeJS.ErrnoException & {address?: string; port?: number}, size: number): void {
		if (this.#closed !== undefined) return;
		const {address, port} = error;
		const unconnected = address !== undefined && port !== undefined && error.syscall === 'send';
		const to = unconnected && !this.#connected ? this.remote(address, port) : undefined;
		this.#handlers.onError(this, error.code ?? 'UNKNOWN', size, to);
	}

	#enlargeBuffers(): void {
		attempt((size) => this.#socket.setRecvBufferSize(size));
		attempt((size) => this.#socket.setSendBufferSize(size));
	}
}

// Linux cuts the size to its limit, others refuse it; no size is worth failing for.
function attempt(set: (size: number) => void): void {
	for (const size of BUFFER_SIZES) {
		try {
			set(size);
			return;
		} catch {}
	}
}
