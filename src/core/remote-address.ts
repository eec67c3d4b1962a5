/**
 * Source or destination of a datagram, as `net/` interns it: the same address on the same local
 * socket is the same object as long as the interning table is not overrun; `key` is equal always.
 */
export interface RemoteAddress {
	/** Unique text of (socket, host, port). */
	readonly key: string;
	/** Local socket of its packets: an index that `net/` gives, never reused. */
	readonly socket: number;
	/** IP address as text. */
	readonly host: string;
	readonly port: number;
}
