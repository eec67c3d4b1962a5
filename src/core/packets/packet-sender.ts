import type {Slot} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {BASE_PACKET_SIZE, HEADER_LENGTH} from '../../wire/constants.ts';
import {associatedData, encodeHeader} from '../../wire/header.ts';
import type {EndpointContext} from '../context.ts';
import type {PathAddress} from '../path/address.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import {Sent} from '../sent.ts';
import type {Transmit} from '../transmit.ts';
import type {KeySchedule} from './key-schedule.ts';
import {SentTimes} from './sent-times.ts';

const TAG = 16;

/**
 * Numbers, seals and queues the packets of one session. A packet is sealed once, whatever the
 * number of paths; the packet number has this one owner, so no two plaintexts share a nonce.
 */
export class PacketSender {
	readonly #context: EndpointContext;
	readonly #keys: KeySchedule;
	readonly #paths: PathSet;
	/** The peer's id of the session. */
	readonly #peerId: number;
	/** Which numbers went out when. */
	readonly sentTimes: SentTimes = new SentTimes();
	/** The number of the next packet. */
	nextPacketNumber = 0;
	/** True when the session is over: there are no slots for it any more, so it sends nothing. */
	ended = false;
	/** When the first packet since the last sign of life went out that should draw one; else NEVER. */
	unheardSince: Millis = NEVER;

	constructor(context: EndpointContext, keys: KeySchedule, paths: PathSet, peerId: number) {
		this.#context = context;
		this.#keys = keys;
		this.#paths = paths;
		this.#peerId = peerId;
	}

	/** A slot to write frames into, from HEAD_ROOM on; undefined (counted) when there is none. */
	take(): Slot | undefined {
		return this.ended ? undefined : this.#context.outbox.take();
	}

	/** Takes a slot back that was not used. */
	giveBack(slot: Slot): void {
		this.#context.outbox.pool.release(slot);
	}

	/** Writes the header in front of slot.bytes[start, end), which are frames, and seals in place; its number. */
	#seal(slot: Slot, start: number, end: number, now: Millis): number {
		const header = start - HEADER_LENGTH;
		const packetNumber = this.nextPacketNumber++;
		this.sentTimes.note(packetNumber, now);
		encodeHeader(slot.bytes, header, this.#keys.epoch, this.#peerId, packetNumber);
		const {encrypt} = this.#context;
		const ad = associatedData(slot.bytes, header, end, encrypt);
		this.#keys.sealing.seal(packetNumber, ad, slot.bytes, encrypt ? start : end, end);
		slot.start = header;
		slot.end = end + TAG;
		return packetNumber;
	}

	/** Sends frames on all chosen paths; false (counted) when none would take them. */
	sendCopies(slot: Slot, start: number, end: number, now: Millis, what: Sent): boolean {
		const number = this.#seal(slot, start, end, now);
		const length = slot.end - slot.start;
		const transmit = this.#context.outbox.queue(slot);
		for (const path of this.#paths.chosen) {
			if (!path.admits(length, now)) continue;
			if (path.send(transmit, length, now, what)) path.sentNumbers?.accept(number);
		}
		if (transmit.count === 0) this.#sendLast(transmit, number, length, now, what);
		if (what === Sent.DATA && this.#paths.sampled.length > 0) {
			this.#sendSamples(transmit, number, length, now);
		}
		return this.#finish(transmit, now, what);
	}

	/** Every path refused its copy: the best one takes it all the same, the rest is the network's. */
	#sendLast(transmit: Transmit, number: number, length: number, now: Millis, what: Sent): void {
		for (const path of this.#paths.chosen) {
			if (length > path.mtu.confirmed || !path.saturation.allowLast()) continue;
			if (!path.send(transmit, length, now, what)) continue;
			path.sentNumbers?.accept(number);
			return;
		}
	}

	/** A copy now and then where data was lost shows whether it arrives again. */
	#sendSamples(transmit: Transmit, number: number, length: number, now: Millis): void {
		if (transmit.count === 0) return;
		for (const path of this.#paths.sampled) {
			if (!path.delivery.sample(now, path.settings.metered) || !path.admits(length, now)) continue;
			if (path.send(transmit, length, now, Sent.DATA)) path.sentNumbers?.accept(number);
		}
	}

	/** Sends frames on one path only, whatever its judgement, to all its addresses or to one. */
	sendOn(
		path: Path,
		address: PathAddress | undefined,
		slot: Slot,
		start: number,
		end: number,
		now: Millis,
		what: Sent,
	): boolean {
		const number = this.#seal(slot, start, end, now);
		const length = slot.end - slot.start;
		const transmit = this.#context.outbox.queue(slot);
		transmit.alone = what !== Sent.DATA && length > BASE_PACKET_SIZE;
		path.saturation.charge(length);
		const sent =
			address === undefined
				? path.send(transmit, length, now, what)
				: path.sendTo(address, transmit, length, now, what);
		if (sent) path.sentNumbers?.accept(number);
		// A probe of a dead path draws nothing, which says nothing of the peer while another path is up.
		const hopeless = path.state !== 'up' && this.#paths.all.some(({state}) => state === 'up');
		return this.#finish(transmit, now, hopeless ? Sent.ANSWER : what);
	}

	/**
	 * Sends frames on some paths, whatever their judgement; those that cannot take them are removed
	 * from `paths`. The packet's number.
	 */
	sendSelected(slot: Slot, start: number, end: number, now: Millis, paths: Path[]): number {
		const number = this.#seal(slot, start, end, now);
		const length = slot.end - slot.start;
		const transmit = this.#context.outbox.queue(slot);
		let taken = 0;
		for (const path of paths) {
			if (length > path.mtu.confirmed) continue;
			if (!path.send(transmit, length, now, Sent.DATA)) continue;
			path.saturation.charge(length);
			path.sentNumbers?.accept(number);
			paths[taken++] = path;
		}
		paths.length = taken;
		if (this.#paths.sampled.length > 0) this.#sendSamples(transmit, number, length, now);
		this.#finish(transmit, now, Sent.DATA);
		return number;
	}

	/** Sends frames on one path and, in the same packet, on a second. */
	sendOnBoth(
		first: Path,
		second: Path | undefined,
		slot: Slot,
		start: number,
		end: number,
		now: Millis,
		what: Sent,
	): void {
		const number = this.#seal(slot, start, end, now);
		const length = slot.end - slot.start;
		const transmit = this.#context.outbox.queue(slot);
		if (first.send(transmit, length, now, what)) first.sentNumbers?.accept(number);
		if (second?.send(transmit, length, now, what)) second.sentNumbers?.accept(number);
		this.#finish(transmit, now, what);
	}

	#finish(transmit: Transmit, now: Millis, what: Sent): boolean {
		if (transmit.count === 0) {
			this.#context.outbox.unqueue(transmit);
			this.#context.drops.count('saturated');
			return false;
		}
		if (what !== Sent.ANSWER && this.unheardSince === NEVER) this.unheardSince = now;
		return true;
	}
}
