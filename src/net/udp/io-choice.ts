import {BatchBackEnd, type BatchOptions} from './batch/batch-back-end.ts';
import {DgramBackEnd} from './dgram-socket.ts';
import type {UdpBackEnd} from './udp.ts';

/** A back end for sockets, and why it is not the faster one. */
export interface IoChoice {
	readonly backEnd: UdpBackEnd;
	/** One line. `undefined`: it is the one that was asked for. */
	readonly rejected: string | undefined;
}

const MAX_REASON_LENGTH = 200;

/**
 * The fastest back end that works on this machine, or exactly the `forced` one; throws when that
 * one does not, with a message for the user.
 */
export function chooseIo(
	forced: UdpBackEnd['name'] | undefined,
	options: BatchOptions = {},
): IoChoice {
	if (forced === 'dgram') return {backEnd: new DgramBackEnd(), rejected: undefined};
	try {
		return {backEnd: new BatchBackEnd(options), rejected: undefined};
	} catch (error) {
		const reason = reasonOf(error);
		if (forced === undefined) return {backEnd: new DgramBackEnd(), rejected: `batch: ${reason}`};
		throw new Error(
			`the socket back end "batch" cannot be used: ${reason} ` +
				'(npm install koffi@2.16.3 where it is missing, or --io dgram)',
		);
	}
}

function reasonOf(error: unknown): string {
	const message = error instanceof Error ? error.message : String(error);
	// Of the stack of requires behind the first line the user has no use.
	return message.trim().split('\n')[0]!.slice(0, MAX_REASON_LENGTH);
}
