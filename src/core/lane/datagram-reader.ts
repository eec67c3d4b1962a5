import type {Millis} from '../../bytes/time.ts';
import type {Target} from '../../wire/address.ts';
import {MAX_DATAGRAMS} from '../../wire/constants.ts';
import {
	type Datagram,
	type DatagramTo,
	datagramFrame,
	datagramLenFrame,
	datagramToFrame,
	type Fragment,
	fragmentFrame,
} from '../../wire/frames/datagram.ts';
import type {Account} from '../budget.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import {type FrameTable, MALFORMED} from '../packets/frame-table.ts';
import type {ReceivedPacket} from '../packets/received-packet.ts';
import {Reassembly} from './reassembly.ts';

/** Receives the datagrams of a session. Their payloads are spans of the packet being read. */
export interface DatagramSink {
	/**
	 * Takes a datagram for a target that was announced before. Returns the reason for which it is
	 * dropped.
	 */
	datagram(datagram: Datagram, now: Millis): DropReason | undefined;
	/** Takes a datagram with its target. Returns the reason for which it is dropped. */
	datagramTo(datagram: Datagram, target: Target, now: Millis): DropReason | undefined;
}

/** Takes datagrams out of packets: one or several of a packet, or one of several packets. */
export class DatagramReader {
	/** Datagrams that came. */
	received = 0;
	readonly #context: EndpointContext;
	readonly #reassembly: Reassembly;
	readonly #arrived: (now: Millis) => void;

	/**
	 * @param memory memory that the user may take; `undefined`: no limit beside the session's own
	 * @param arrived called before each datagram
	 */
	constructor(
		context: EndpointContext,
		memory: Account | undefined,
		arrived: (now: Millis) => void,
	) {
		this.#context = context;
		this.#reassembly = new Reassembly(memory);
		this.#arrived = arrived;
	}

	/** Registers the handlers of frames that carry datagrams. */
	register(frames: FrameTable, sink: DatagramSink): void {
		const {datagram, fragment} = this.#context.records;
		frames.onRead(datagramFrame.type, (packet, now) =>
			datagramFrame.decode(packet.cursor, datagram) && packet.datagrams < MAX_DATAGRAMS
				? this.#take(datagram, sink, now)
				: MALFORMED,
		);
		frames.onChecked(datagramToFrame, datagram, (frame, packet, now) =>
			packet.datagrams < MAX_DATAGRAMS ? this.#takeTo(frame, sink, now) : MALFORMED,
		);
		frames.onRead(datagramLenFrame.type, (packet, now) => {
			if (!datagramLenFrame.decode(packet.cursor, datagram)) return MALFORMED;
			if (++packet.datagrams > MAX_DATAGRAMS) return MALFORMED;
			const reason = this.#take(datagram, sink, now);
			// The others in the packet are not dropped with it.
			if (reason !== undefined) this.#context.drops.count(reason);
			return undefined;
		});
		frames.onChecked(fragmentFrame, fragment, (frame, packet, now) =>
			this.#join(frame, packet, sink, now),
		);
	}

	#take(frame: Datagram, sink: DatagramSink, now: Millis): DropReason | undefined {
		this.received++;
		this.#arrived(now);
		return sink.datagram(frame, now);
	}

	#takeTo(frame: DatagramTo, sink: DatagramSink, now: Millis): DropReason | undefined {
		const {decoded} = frame;
		if (decoded === undefined) return MALFORMED;
		this.received++;
		this.#arrived(now);
		return sink.datagramTo(frame, decoded, now);
	}

	/** Takes a piece. The last one of a whole makes it readable. */
	#join(
		piece: Fragment,
		packet: ReceivedPacket,
		sink: DatagramSink,
		now: Millis,
	): DropReason | undefined {
		const whole = this.#reassembly.add(packet.firstPiece(piece.index), piece, now);
		if (whole === undefined) return undefined;
		if (whole === 'malformed') return 'reassembly';
		const {cursor} = packet;
		const {datagram} = this.#context.records;
		cursor.reset(whole, 0, whole.length);
		switch (cursor.uint8()) {
			case datagramFrame.type:
				return datagramFrame.decode(cursor, datagram) ? this.#take(datagram, sink, now) : MALFORMED;
			case datagramToFrame.type:
				return datagramToFrame.decode(cursor, datagram)
					? this.#takeTo(datagram, sink, now)
					: MALFORMED;
			default:
				return MALFORMED;
		}
	}

	/** Gives up pieces that have waited too long. */
	expire(now: Millis): void {
		this.#reassembly.expire(now);
	}

	/** Gives up all pieces: the session is over. */
	clear(): void {
		this.#reassembly.clear();
	}
}
