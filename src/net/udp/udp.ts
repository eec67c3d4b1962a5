import type {RemoteAddress} from '../../core/remote-address.ts';
import {formatAddress} from '../../text/ip.ts';

/**
 * Datagrams that came in together, at most 64 where a back end has the choice: datagram i is
 * arena[offsets[i], offsets[i] + lengths[i]) and came from sources[i]. Everything in it is the back
 * end's and is overwritten after the callback.
 */
export interface DatagramBatch {
	readonly arena: Uint8Array;
	readonly count: number;
	readonly offsets: Uint32Array;
	readonly lengths: Uint32Array;
	/** `undefined`: the address is unknown. */
	readonly sources: readonly (RemoteAddress | undefined)[];
}

/**
 * Events of a socket, for its owner; passed at construction and called from the event loop only,
 * never from inside a call of the socket.
 */
export interface UdpHandlers {
	onBatch(socket: UdpSocket, batch: DatagramBatch): void;
	/**
	 * Something failed; the socket goes on. `size` is the length of the datagram that could not be
	 * sent (0 = not known) and `to` where it should have gone (undefined on a connected socket).
	 */
	onError(socket: UdpSocket, code: string, size: number, to: RemoteAddress | undefined): void;
}

/** Binding of a socket. */
export interface UdpBinding {
	/** An IP literal, `0.0.0.0` or `::`; a socket carries IPv4 or IPv6, never both. */
	readonly address: string;
	/** 0 = any. Never shared with another socket. */
	readonly port: number;
	/** The other end of the tunnel is there: it comes first, and never sends fragments. */
	readonly isPath?: boolean;
	/** The network interface that everything goes through; only where `bindsInterfaces`. */
	readonly device?: string | undefined;
	/** SO_MARK of its packets; the same. */
	readonly mark?: number | undefined;
}

/**
 * A bound UDP socket of either back end. Bytes given to `send` must not be overwritten before the
 * next `flush` returned.
 */
export interface UdpSocket {
	/** Unique in the process, never reused: `RemoteAddress.socket` of what is received here. */
	readonly index: number;
	readonly localAddress: string;
	readonly localPort: number;
	/** Datagrams that were not sent because the system's queue was full. */
	readonly dropped: number;
	/** Datagrams that came in and were lost here; only counted by a back end that gets the figure. */
	readonly missed: number;
	/**
	 * Sends bytes[start, end) to `to`. `undefined`: to the connected address. Returns true when the
	 * socket still refers to these bytes after `flush`: never write to them again. Never throws;
	 * failures are dropped, counted and reported to `onError`.
	 */
	send(bytes: Uint8Array, start: number, end: number, to: RemoteAddress | undefined): boolean;
	/** Hands everything sent so far to the system. */
	flush(): void;
	/** Only datagrams from and to this address from now on; false = the system refused. */
	connect(to: RemoteAddress): boolean;
	/**
	 * Undoes `connect`. False = the system refused, or the local port or an option of the socket was
	 * lost: close it and open another one.
	 */
	disconnect(): boolean;
	/** The local address that it sends from: of a connected socket the one that its route has. */
	source(): string;
	/** The same address is the same object, see RemoteAddress. */
	remote(host: string, port: number): RemoteAddress;
	/** Closes it once; the local port is free when `close` returned, the promise follows. */
	close(): Promise<void>;
}

/** Opens sockets of one back end. */
export interface UdpBackEnd {
	readonly name: 'dgram' | 'batch';
	/** True when a binding may name a network interface. */
	readonly bindsInterfaces: boolean;
	/** Opens and binds a socket at once; throws a SocketError when that is impossible. */
	open(binding: UdpBinding, handlers: UdpHandlers): UdpSocket;
	/**
	 * Calls back soon after links, addresses or routes of this machine have changed, until it is
	 * closed. `undefined`: the system reports no changes.
	 */
	watchNetwork?(changed: () => void): {close(): void} | undefined;
}

/** A socket that could not be opened; `code` is the system's (`EADDRINUSE`). */
export class SocketError extends Error {
	override readonly name = 'SocketError';
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

/** The error of a socket that could not be opened, from the system's code. */
export function bindError(code: string, {address, port, device}: UdpBinding): SocketError {
	const place = formatAddress(address, port);
	const where = device === undefined ? place : `${place} on ${device}`;
	return new SocketError(code, `cannot open UDP ${where}: ${describe(code)}`);
}

function describe(code: string): string {
	switch (code) {
		case 'EADDRINUSE':
			return 'the port is in use';
		case 'EADDRNOTAVAIL':
			return 'this machine does not have the address';
		case 'EACCES':
			return 'not permitted (ports below 1024 need privileges)';
		case 'ENODEV':
			return 'this machine does not have the network interface';
		default:
			return code;
	}
}

let nextIndex = 0;

/** An index for a new socket. */
export function nextSocketIndex(): number {
	return nextIndex++;
}
