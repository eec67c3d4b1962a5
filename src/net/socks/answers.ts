import {encodeConnected, encodeReply, ReplyCode} from '../../socks/reply.ts';
import {RefusalCode} from '../../wire/constants.ts';
import type {StreamAnswers} from '../tcp/client-stream.ts';

/** The reply to CONNECT for one of RefusalCode. */
export function replyCodeOf(refusal: number): ReplyCode {
	switch (refusal) {
		case RefusalCode.DENIED:
		case RefusalCode.NO_TARGET:
			return ReplyCode.NOT_ALLOWED;
		case RefusalCode.NET_UNREACHABLE:
			return ReplyCode.NETWORK_UNREACHABLE;
		case RefusalCode.HOST_UNREACHABLE:
		case RefusalCode.UNRESOLVABLE:
		case RefusalCode.TIMED_OUT:
			return ReplyCode.HOST_UNREACHABLE;
		case RefusalCode.REFUSED:
			return ReplyCode.CONNECTION_REFUSED;
		default:
			return ReplyCode.GENERAL_FAILURE;
	}
}

/** Replies to a SOCKS5 client's CONNECT. */
export const SOCKS_ANSWERS: StreamAnswers = {
	opened: encodeConnected,
	refused: (code) => encodeReply(replyCodeOf(code)),
};
