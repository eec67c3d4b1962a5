import type {Slot} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {TAG_LENGTH} from '../../crypto/aead.ts';
import {BASE_PACKET_SIZE, DATA_OVERHEAD, HEADER_LENGTH} from '../../wire/constants.ts';
import {associatedData, encodeHeader} from '../../wire/header.ts';
import type {EndpointContext} from '../context.ts';
import type {PathAddress} from '../path/address.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import {Sent} from '../sent.ts';
import type {Transmit} from '../transmit.ts';
import type {KeySchedule} from './key-schedule.ts';
import type {Route} from './route.ts';
import {SentTimes} from './sent-times.ts';

/** In place of a packet number: no path took the packet. */
export const NOT_SENT = -1;

/**
 * Numbers, seals and queues the packets of one session. A packet is sealed once for all its paths;
 * the packet number has this one owner, so no two plaintexts share a nonce.
 */
export class PacketSender {
	readonly #context: EndpointContext;
	readonly #keys: KeySchedule;
	readonly #paths: PathSet;
	/** The peer's id of the session. */
	readonly #peerId: number;
	/** Times at which packet numbers went out. */
	readonly sentTimes: SentTimes = new SentTimes();
	/** The number of the next packet. */
	nextPacketNumber = 0;
	/** Set when the session is over: there are no slots for it any more, so it sends nothing. */
	ended = false;
	/** Time since which a packet is out that should draw a sign of life. `NEVER`: none is. */
	unansweredSince: Millis = NEVER;

	constructor(context: EndpointContext, keys: KeySchedule, paths: PathSet, peerId: number) {
		this.#context = context;
		this.#keys = keys;
		this.#paths = paths;
		this.#peerId = peerId;
	}

	/** Returns the bytes of UDP payload that the frames in a slot make. */
	lengthOf({start, end}: Slot): number {
		return DATA_OVERHEAD + end - start;
	}

	/**
	 * Returns a slot to write frames into, from HEAD_ROOM on. `undefined` (counted): there is none.
	 */
	take(): Slot | undefined {
		return this.ended ? undefined : this.#context.outbox.take();
	}

	/** Takes a slot back that was not used. */
	giveBack(slot: Slot): void {
		this.#context.outbox.pool.release(slot);
	}

	/**
	 * Writes the header in front of the frames in a slot and seals them in place. Returns the
	 * packet's number.
	 */
	#seal(slot: Slot, now: Millis): number {
		const {start, end} = slot;
		const header = start - HEADER_LENGTH;
		const packetNumber = this.nextPacketNumber++;
		this.sentTimes.note(packetNumber, now);
		encodeHeader(slot.bytes, header, this.#keys.epoch, this.#peerId, packetNumber);
		const {encrypt} = this.#context;
		const ad = associatedData(slot.bytes, header, end, encrypt);
		this.#keys.sealing.seal(packetNumber, ad, slot.bytes, encrypt ? start : end, end);
		slot.start = header;
		slot.end = end + TAG_LENGTH;
		return packetNumber;
	}

	/**
	 * Sends the frames in a slot on each path of a route, which admitted a packet of that size.
	 * Returns the packet's number, or NOT_SENT (counted) when no path took it. The slot is gone
	 * either way.
	 */
	send(slot: Slot, {paths, count}: Route, now: Millis, kind: Sent): number {
		const number = this.#seal(slot, now);
		const length = slot.end - slot.start;
		const transmit = this.#context.outbox.queue(slot);
		for (let i = 0; i < count; i++) {
			const path = paths[i]!;
			if (path.send(transmit, length, now, kind)) path.sentNumbers?.accept(number);
		}
		return this.#finish(transmit, now, kind) ? number : NOT_SENT;
	}

	/**
	 * Sends the frames in a slot on one path, which may be down, to all its addresses or to one.
	 * False (counted): none took them.
	 */
	sendOn(
		slot: Slot,
		path: Path,
		address: PathAddress | undefined,
		now: Millis,
		kind: Sent,
	): boolean {
		const number = this.#seal(slot, now);
		const length = slot.end - slot.start;
		const transmit = this.#context.outbox.queue(slot);
		transmit.alone = kind !== Sent.DATA && length > BASE_PACKET_SIZE;
		path.load.charge(length, now);
		const sent =
			address === undefined
				? path.send(transmit, length, now, kind)
				: path.sendTo(address, transmit, length, now, kind);
		if (sent) path.sentNumbers?.accept(number);
		// A path that is not up may draw no answer; while another is up, this is no sign of the peer.
		const hopeless = path.state !== 'up' && this.#paths.all.some(({state}) => state === 'up');
		return this.#finish(transmit, now, hopeless ? Sent.ANSWER : kind);
	}

	#finish(transmit: Transmit, now: Millis, kind: Sent): boolean {
		if (transmit.count === 0) {
			this.#context.outbox.unqueue(transmit);
			this.#context.drops.count('saturated');
			return false;
		}
		if (kind !== Sent.ANSWER && this.unansweredSince === NEVER) this.unansweredSince = now;
		return true;
	}
}
