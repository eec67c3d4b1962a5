import type {Millis} from '../../bytes/time.ts';
import type {Target} from '../../wire/address.ts';
import type {DropReason} from '../drop-reason.ts';

/** What a session hands its flows: the frames that speak of them. Payloads are bytes[start, end). */
export interface FlowFrames {
	/** How many flows there are. */
	readonly size: number;
	/** DATAGRAM: to a target that was announced before. */
	datagram(
		flow: number,
		reference: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined;
	/** DATAGRAM_TO: with the target inline. */
	datagramTo(
		flow: number,
		reference: number,
		target: Target,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined;
	/** TARGET_KNOWN or TARGET_UNKNOWN. */
	target(flow: number, reference: number, known: boolean): void;
	/** TARGET_REFUSED with one of RefusalCode: one target of a flow cannot be had. */
	targetRefused(flow: number, reference: number, code: number): void;
	/** FLOW_CLOSE. */
	closed(flow: number, now: Millis): void;
	/** FLOW_REFUSED with one of RefusalCode. */
	refused(flow: number, code: number, now: Millis): void;
	/** CLIENT: the id of a client that has no key. */
	client(id: Uint8Array, now: Millis): void;
	/** CLOSE: the peer ends the session and asks for `quiet` ms of silence. */
	sessionClosed(code: number, quiet: Millis, now: Millis): void;
}
