/*
 * The answer to a request (RFC 1928 6):
 *
 *   05 | code 1 | 00 | ATYP 1 | BND.ADDR 4 or 16 | BND.PORT 2
 */
import {writeUint16} from '../bytes/cursor.ts';
import {parseIp, unmap} from './address.ts';

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

/** Why a request is refused, when no system error says it. */
export type RefusalCause =
	| 'denied'
	| 'no-exit'
	| 'limit'
	| 'no-session'
	| 'unresolvable'
	| 'unknown-command'
	| 'unknown-address-type';

const CODE_OF_CAUSE: Readonly<Record<RefusalCause, ReplyCode>> = {
	denied: ReplyCode.NOT_ALLOWED,
	'no-exit': ReplyCode.NOT_ALLOWED,
	limit: ReplyCode.GENERAL_FAILURE,
	'no-session': ReplyCode.GENERAL_FAILURE,
	unresolvable: ReplyCode.HOST_UNREACHABLE,
	'unknown-command': ReplyCode.COMMAND_NOT_SUPPORTED,
	'unknown-address-type': ReplyCode.ADDRESS_TYPE_NOT_SUPPORTED,
};

const CODE_OF_ERROR: ReadonlyMap<unknown, ReplyCode> = new Map([
	['ECONNREFUSED', ReplyCode.CONNECTION_REFUSED],
	['ENETUNREACH', ReplyCode.NETWORK_UNREACHABLE],
	['ENETDOWN', ReplyCode.NETWORK_UNREACHABLE],
	['EADDRNOTAVAIL', ReplyCode.NETWORK_UNREACHABLE],
	['EHOSTUNREACH', ReplyCode.HOST_UNREACHABLE],
	['EHOSTDOWN', ReplyCode.HOST_UNREACHABLE],
	['ETIMEDOUT', ReplyCode.HOST_UNREACHABLE],
	// Those of a resolver: whatever went wrong there, the host could not be found.
	['ENOTFOUND', ReplyCode.HOST_UNREACHABLE],
	['ENODATA', ReplyCode.HOST_UNREACHABLE],
	['ESERVFAIL', ReplyCode.HOST_UNREACHABLE],
	['EREFUSED', ReplyCode.HOST_UNREACHABLE],
	['ETIMEOUT', ReplyCode.HOST_UNREACHABLE],
	['EACCES', ReplyCode.NOT_ALLOWED],
	['EPERM', ReplyCode.NOT_ALLOWED],
]);

/** Of several failed attempts the most telling one is reported: the first of these to be found. */
const MOST_SPECIFIC: readonly ReplyCode[] = [
	ReplyCode.CONNECTION_REFUSED,
	ReplyCode.NETWORK_UNREACHABLE,
	ReplyCode.HOST_UNREACHABLE,
	ReplyCode.NOT_ALLOWED,
];

/** The code for a refusal of our own. */
export function replyCodeFor(cause: RefusalCause): ReplyCode {
	return CODE_OF_CAUSE[cause];
}

/**
 * The code for an error of the system or of the resolver; of an AggregateError the most specific
 * one inside. Anything that says nothing is a general failure.
 */
export function replyCodeOfError(error: unknown): ReplyCode {
	if (typeof error !== 'object' || error === null) return ReplyCode.GENERAL_FAILURE;
	if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) {
		const codes = new Set(error.errors.map(codeOf));
		return MOST_SPECIFIC.find((code) => codes.has(code)) ?? ReplyCode.GENERAL_FAILURE;
	}
	return codeOf(error);
}

function codeOf(error: unknown): ReplyCode {
	if (typeof error !== 'object' || error === null || !('code' in error)) {
		return ReplyCode.GENERAL_FAILURE;
	}
	const {code} = error;
	if (typeof code === 'string' && code.startsWith('EAI_')) return ReplyCode.HOST_UNREACHABLE;
	return CODE_OF_ERROR.get(code) ?? ReplyCode.GENERAL_FAILURE;
}

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
