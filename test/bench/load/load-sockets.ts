import {DgramSockets} from './dgram-sockets.ts';
import {KernelSockets} from './kernel-sockets.ts';

/** Where a datagram came from; only for the socket that it came in on. */
export type Source = object | undefined;

/** What happens with what comes in: `bytes` is a whole buffer, valid until it returns. */
export interface Reception {
	onDatagram(bytes: Uint8Array, start: number, end: number, from: Source): void;
	/** Some have come in together, and these were all. */
	onEnd(): void;
}

/** A UDP socket of the load. */
export interface LoadSocket {
	readonly port: number;
	/** Datagrams that the system did not take. */
	readonly dropped: number;
	/** Datagrams that came in and found the queue full. */
	readonly missed: number;
	/** Sends to a source, or to where it is connected; the bytes must not change until `flush`. */
	send(bytes: Uint8Array, start: number, end: number, to?: Source): void;
	flush(): void;
	close(): void;
}

/** Where a socket is bound, and what it is connected to. */
export interface LoadBinding {
	readonly address: string;
	readonly to?: {readonly host: string; readonly port: number};
}

/** A way to open sockets and to wait for all of them. */
export interface LoadSockets {
	/** For the reader of the results. */
	readonly description: string;
	open(binding: LoadBinding, reception: Reception): Promise<LoadSocket>;
	/** Waits so long at most, and hands over what came in until then. */
	wait(micros: number): Promise<void> | undefined;
}

/** How the load is sent and received. */
export interface LoadStyle {
	/** Equal datagrams leave in runs that the kernel takes apart (UDP_SEGMENT). */
	readonly sendsRuns: boolean;
	/** Runs are received as such (UDP_GRO). */
	readonly receivesRuns: boolean;
}

/** The fastest sockets that work on this machine. */
export function loadSockets(style: LoadStyle): LoadSockets {
	try {
		return new KernelSockets(style);
	} catch {
		return new DgramSockets();
	}
}
