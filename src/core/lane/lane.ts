import type {Millis} from '../../bytes/time.ts';
import type {SenderCounts} from '../../fec/sender-counts.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {OpenPacket} from '../open-packets.ts';
import type {PacketSender} from '../packets/packet-sender.ts';
import type {Path} from '../path/path.ts';
import {DatagramWriter} from './datagram-writer.ts';
import type {LaneOutput} from './lane-output.ts';
import type {Outgoing} from './outgoing.ts';

/** The parts of the session that lanes use. */
export interface LaneOwner {
	/** Notes that a datagram goes into a lane now. */
	sending(now: Millis): void;
	/** Ends the session, which cannot go on after an exception. Throws nothing. */
	fail(error: unknown, now: Millis): void;
	/** Sends control frames on all chosen paths, or on every open one when none is chosen. */
	sendControl(frames: Uint8Array, now: Millis): void;
}

/** Inputs of a lane. */
export interface LaneInit {
	readonly context: EndpointContext;
	readonly owner: LaneOwner;
	readonly sender: PacketSender;
	/** True when the peer understands DATAGRAM_LEN. */
	readonly joining: boolean;
	/** Number of the session, for events, and its local id. */
	readonly number: number;
	readonly localId: number;
}

/**
 * A policy at work in a session: the flows that have it share packets, which its output sends. The
 * open packet of one lane waits while others send theirs.
 */
export class Lane implements OpenPacket {
	readonly session: number;
	/** Number by which the peer knows it. 0: lane 0, or the peer knows of none. */
	readonly id: number;
	/** Datagrams that went in. */
	datagrams = 0;
	readonly #context: EndpointContext;
	readonly #owner: LaneOwner;
	readonly #output: LaneOutput;
	readonly #writer: DatagramWriter;

	constructor(init: LaneInit, id: number, output: LaneOutput) {
		this.session = init.localId;
		this.id = id;
		this.#context = init.context;
		this.#owner = init.owner;
		this.#output = output;
		this.#writer = new DatagramWriter(init.context, output, init.joining, init.number);
	}

	/** True while a path takes packets of the lane. */
	get isUsable(): boolean {
		return this.#output.isUsable;
	}

	/** True when its packets carry datagrams and their announcements, and no other frames. */
	get isCoded(): boolean {
		return this.#output.isCoded;
	}

	get counts(): SenderCounts {
		return this.#output.counts;
	}

	/** Datagrams that went out in parts, because no packet held them. */
	get split(): number {
		return this.#writer.split;
	}

	/** Sends a datagram, or keeps it in the open packet until `flush`. */
	write(datagram: Outgoing, now: Millis): DropReason | undefined {
		const context = this.#context;
		if (this.#output.ended) return context.drops.count('no-session');
		this.datagrams++;
		context.open.add(this, now);
		this.#owner.sending(now);
		return this.#writer.write(datagram, now);
	}

	/** True while packets of the lane go out on the path. */
	carries(path: Path): boolean {
		return this.#output.carries(path);
	}

	/**
	 * Sends the open packet. Inputs of other sessions end here, too, so an exception ends this
	 * session alone.
	 */
	flush(now: Millis): void {
		try {
			this.#writer.flush(now);
			this.#output.endTurn(now);
		} catch (error) {
			this.#owner.fail(error, now);
		}
	}

	/** Drops the open packet: the session is over. */
	end(): void {
		this.#writer.abandon();
		this.#output.end();
	}
}
