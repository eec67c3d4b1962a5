/** Receives the changes of a stream: called after something about it changed. */
export interface StreamOwner {
	streamChanged(): void;
}

/**
 * One reliable stream, as its user handles it. Its methods do no I/O: after any of them the
 * endpoint's `pumpStreams` has to be called.
 */
export interface TunnelStream {
	/** Number for logs. */
	readonly id: number;
	/** Owner, set by the user of the stream. `undefined`: none. */
	owner: StreamOwner | undefined;
	/** Target to connect to, encoded as on the wire (SOCKS5 form: kind, address, port). */
	readonly target: Uint8Array;
	/** Server: name of the user whose stream it is; client: `''`. */
	readonly user: string;
	/** 'closed' after a rejection, a reset, or when both directions have ended. */
	readonly state: 'opening' | 'open' | 'closed';
	/** Client, once open: the server's own address of the connection (SOCKS5 form). */
	readonly bound: Uint8Array;
	/** Reason of its rejection, one of RefusalCode. `0`: not rejected. */
	readonly rejection: number;
	/**
	 * Reason of a reset by the other end or the tunnel, one of StreamCode. `undefined`: not reset.
	 */
	readonly resetCode: number | undefined;
	/** Takes bytes for the peer, which must not change any more. False: no more until `writable`. */
	write(bytes: Uint8Array): boolean;
	/** True while more bytes are taken. */
	readonly writable: boolean;
	/** Ends this end's direction behind the bytes written. */
	end(): void;
	/**
	 * Takes no more bytes of the peer and throws away those that come; this end's direction goes on.
	 */
	stop(): void;
	/** True once the peer takes no more bytes: this end's direction is over, the other goes on. */
	readonly stopped: boolean;
	/** Ends both directions at once with one of StreamCode; the owner is not called any more. */
	reset(code: number): void;
	/**
	 * Server: accepts the stream, whose connection is made; `bound` is its local address (SOCKS5
	 * form).
	 */
	accept(bound: Uint8Array): void;
	/** Server: rejects the stream, whose connection cannot be made, with one of RefusalCode. */
	reject(code: number): void;
	/** Returns the next bytes in order, the caller's from now on. `undefined`: none are there yet. */
	read(): Uint8Array | undefined;
	/** Lets the peer send `count` bytes more: as many of those read have left. */
	consumed(count: number): void;
	/** True once the peer has ended its direction and everything of it was read. */
	readonly finished: boolean;
}
