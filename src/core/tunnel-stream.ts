/** User of a stream; called after something about it changed. */
export interface StreamOwner {
	streamChanged(): void;
}

/**
 * One reliable stream as its user sees it. Its methods do no I/O: after calling any of them the
 * user has the endpoint's `pumpStreams` called.
 */
export interface TunnelStream {
	/** For logs. */
	readonly id: number;
	/** Free for the user of the stream. */
	owner: StreamOwner | undefined;
	/** Target to connect to, encoded as on the wire (SOCKS5 form: kind, address, port). */
	readonly target: Uint8Array;
	/** Server: the user whose stream it is; '' at a client. */
	readonly user: string;
	/** 'closed' after a rejection, a reset, or when both directions have ended. */
	readonly state: 'opening' | 'open' | 'closed';
	/** Client, once open: the server's own address of the connection (SOCKS5 form). */
	readonly bound: Uint8Array;
	/** Reason of its rejection, one of RefusalCode; 0: not rejected. */
	readonly rejection: number;
	/**
	 * Reason of a reset by the other end or the tunnel, one of StreamCode. `undefined`: not reset.
	 */
	readonly resetCode: number | undefined;
	/** Takes bytes for the peer, which must not change any more. False = stop until `writable`. */
	write(bytes: Uint8Array): boolean;
	/** True while more bytes are taken. */
	readonly writable: boolean;
	/** No more bytes follow those written. */
	end(): void;
	/**
	 * Takes no more bytes of the peer and throws away those that come; this end's direction goes on.
	 */
	stop(): void;
	/** True once the peer takes no more bytes: this end's direction is over, the other goes on. */
	readonly stopped: boolean;
	/** Ends both directions at once with one of StreamCode; the owner is not called any more. */
	reset(code: number): void;
	/** Server: the connection is made; `bound` is its local address (SOCKS5 form). */
	accept(bound: Uint8Array): void;
	/** Server: the connection cannot be made, one of RefusalCode. */
	reject(code: number): void;
	/** The next bytes in order, the caller's from now on; undefined when none are there yet. */
	read(): Uint8Array | undefined;
	/** `count` bytes of those read have left: the peer may send as many more. */
	consumed(count: number): void;
	/** True once the peer has ended its direction and everything of it was read. */
	readonly finished: boolean;
}
