import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {plainRemote, RemoteTable} from '../../../src/net/udp/remote-table.ts';
import {
	bindError,
	nextSocketIndex,
	type UdpBackEnd,
	type UdpBinding,
	type UdpHandlers,
	type UdpSocket,
} from '../../../src/net/udp/udp.ts';

/** What a socket was told to send, and where. */
interface FakeSend {
	readonly port: number;
	readonly text: string;
}

/** A socket of {@link FakeUdp}. */
export class FakeSocket implements UdpSocket {
	readonly index: number = nextSocketIndex();
	readonly localAddress: string;
	readonly localPort: number;
	readonly dropped = 0;
	readonly missed = 0;
	readonly binding: UdpBinding;
	readonly handlers: UdpHandlers;
	/** How often it was connected. */
	connections = 0;
	closed = false;
	/** The datagram sent last. */
	last: Uint8Array | undefined;
	readonly #system: FakeUdp;
	#source: string;

	constructor(system: FakeUdp, binding: UdpBinding, handlers: UdpHandlers, port: number) {
		this.#system = system;
		this.binding = binding;
		this.handlers = handlers;
		this.localAddress = binding.address;
		this.#source = binding.address;
		this.localPort = port;
	}

	send(bytes: Uint8Array, start: number, end: number): boolean {
		this.last = bytes.slice(start, end);
		const text = Buffer.from(this.last).toString();
		this.#system.sent.push({port: this.localPort, text});
		return false;
	}

	flush(): void {}

	connect(): boolean {
		const {source} = this.#system;
		if (source === undefined) return false;
		this.connections++;
		this.#source = source;
		return true;
	}

	disconnect(): boolean {
		return this.#system.keeps;
	}

	source(): string {
		return this.#source;
	}

	remote(host: string, port: number): RemoteAddress {
		return this.#system.remotes.intern(this.index, host, port);
	}

	/** A datagram comes in. */
	receive(bytes: Uint8Array, host = '192.0.2.2', port = 9): void {
		this.handlers.onBatch(this, {
			...{arena: bytes.slice(), count: 1, sources: [this.remote(host, port)]},
			...{offsets: Uint32Array.of(0), lengths: Uint32Array.of(bytes.length)},
		});
	}

	close(): Promise<void> {
		this.closed = true;
		return Promise.resolve();
	}
}

/** A machine whose network a test decides on. */
export class FakeUdp implements UdpBackEnd {
	readonly name = 'batch';
	readonly bindsInterfaces = true;
	readonly remotes: RemoteTable = new RemoteTable(plainRemote);
	readonly opened: FakeSocket[] = [];
	/** Everything sent, in order. */
	readonly sent: FakeSend[] = [];
	/** The address that its route leaves from; undefined = there is no route. */
	source: string | undefined = '192.0.2.1';
	/** Whether sockets keep their options when they are disconnected. */
	keeps = true;
	/** The error that opening a socket ends with. */
	failure: string | undefined;
	#nextPort = 40_000;

	open(binding: UdpBinding, handlers: UdpHandlers): UdpSocket {
		if (this.failure !== undefined) throw bindError(this.failure, binding);
		const taken = this.live.some(({localPort}) => localPort === binding.port);
		if (taken) throw bindError('EADDRINUSE', binding);
		const socket = new FakeSocket(this, binding, handlers, binding.port || this.#nextPort++);
		this.opened.push(socket);
		return socket;
	}

	/** The sockets that are open. */
	get live(): readonly FakeSocket[] {
		return this.opened.filter(({closed}) => !closed);
	}
}
