/*
 * The answer to a request (RFC 1928 6):
 *
 *   05 | code 1 | 00 | ATYP 1 | BND.ADDR 4 or 16 | BND.PORT 2
 */
import {writeUint16} from '../bytes/cursor.ts';
import {parseIp, unmap} from '../text/ip.ts';

/** Codes of an answer to a request. */
export const ReplyCode = {
	SUCCEEDED: 0,
	GENERAL_FAILURE: 1,
	NOT_ALLOWED: 2,
	NETWORK_UNREACHABLE: 3,
	HOST_UNREACHABLE: 4,
	CONNECTION_REFUSED: 5,
	TTL_EXPIRED: 6,
	COMMAND_NOT_SUPPORTED: 7,
	ADDRESS_TYPE_NOT_SUPPORTED: 8,
} as const;

/** One of {@link ReplyCode}. */
export type ReplyCode = (typeof ReplyCode)[keyof typeof ReplyCode];

/** An address and a port as the system names its own end. */
export interface BoundAddress {
	readonly address: string;
	readonly port: number;
}

/**
 * A whole reply, never less than 10 bytes, to be sent with one write. The bound address is
 * unmapped, its zone left out; without one, or with text that is no address, it is 0.0.0.0:0.
 */
export function encodeReply(code: ReplyCode, bound?: BoundAddress): Uint8Array {
	const [plain = ''] = bound?.address.split('%') ?? [];
	const parsed = parseIp(plain);
	const address = parsed === undefined ? new Uint8Array(4) : unmap(parsed);
	const reply = new Uint8Array(6 + address.length);
	reply[0] = 5;
	reply[1] = code;
	reply[3] = address.length === 4 ? 1 : 4;
	reply.set(address, 4);
	writeUint16(reply, 4 + address.length, parsed === undefined ? 0 : (bound?.port ?? 0));
	return reply;
}

/**
 * The reply of success to CONNECT. `bound` is an IPv4 or IPv6 address and port as frames carry it,
 * which is how a reply does; anything else gives 0.0.0.0:0.
 */
export function encodeConnected(bound: Uint8Array): Uint8Array {
	const length = bound[0] === 1 ? 7 : bound[0] === 4 ? 19 : 0;
	if (length === 0 || bound.length !== length) return encodeReply(ReplyCode.SUCCEEDED);
	const reply = new Uint8Array(3 + length);
	reply[0] = 5;
	reply[1] = ReplyCode.SUCCEEDED;
	reply.set(bound, 3);
	return reply;
}
