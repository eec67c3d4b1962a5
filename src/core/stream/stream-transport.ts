import type {Cursor} from '../../bytes/cursor.ts';
import type {Random} from '../../bytes/random.ts';
import {HEAD_ROOM} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {HEADER_LENGTH} from '../../wire/constants.ts';
import {decodeFeedbackHead, decodePathReport, PathReport} from '../../wire/feedback.ts';
import type {Dispatch} from '../lane/dispatch/dispatch.ts';
import type {RateModel} from '../load/rate-model.ts';
import {Carrier, type CarrierEvents} from '../packets/carrier.ts';
import {Lateness} from '../packets/lateness.ts';
import type {PacketSender} from '../packets/packet-sender.ts';
import {type SentPacket, SentPackets} from '../packets/sent-packet.ts';
import type {Path} from '../path/path.ts';
import {Sent} from '../sent.ts';
import {Beginnings} from './beginnings.ts';
import type {PacketFiller} from './packet-filler.ts';

/** Packets that one call makes at most: as many fit the outbox beside everything else. */
const BURST = 256;
/**
 * Packets of which one FEEDBACK settles the fate at most. Each receipt is in several reports, and a
 * report that is read seldom has more than some tens of new ones, so nothing is missed.
 */
const SETTLED = 512;
/** Bytes of IPv4 and UDP headers, for rates. */
const HEADERS = 28;
const TAG = 16;
/** A number is left out about once in so many packets: whoever acknowledges it lies. */
const SKIP_EVERY = 1024;
const SKIPPED = 8;
/** By how much copies of urgent packets may run ahead of what the path's model allows. */
const URGENT_LEAD: Millis = 10;

/** What makes a transport. */
export interface StreamTransportInit {
	readonly sender: PacketSender;
	/** Chooses the paths that packets may take. */
	readonly dispatch: Dispatch;
	readonly random: Random;
	readonly filler: PacketFiller;
	/** A model for a path. */
	readonly model: (path: Path) => RateModel;
}

/**
 * Sends packets of stream frames over the paths and learns from reports what arrived. The best path
 * that has room gets a packet, the others a copy as far as their own models allow. What a packet
 * told is told again, in another packet, when no copy of it can be hoped for any more.
 */
export class StreamTransport implements CarrierEvents {
	readonly #init: StreamTransportInit;
	readonly #carriers: (Carrier | undefined)[] = [];
	/** Those of the chosen paths, the best first. */
	readonly #order: Carrier[] = [];
	readonly #destinations: Path[] = [];
	readonly #packets = new SentPackets();
	readonly #report = new PathReport();
	readonly #skipped: number[] = [];
	readonly #beginnings = new Beginnings();
	/** Bits of paths that may carry the only copy of something, and of those that soon deliver it. */
	#trusted = 0;
	#timely = 0;
	readonly #lateness = new Lateness();
	#nextSend: Millis = NEVER;

	constructor(init: StreamTransportInit) {
		this.#init = init;
	}

	/** The path's list of packets, made when it is wanted. */
	carrier(path: Path): Carrier {
		const carrier = this.#carriers[path.id] ?? new Carrier(path, this.#init.model(path), this);
		this.#carriers[path.id] = carrier;
		return carrier;
	}

	/** Smoothed round trip time of the best path. */
	get roundTrip(): Millis {
		let best = NEVER;
		for (const {rtt} of this.#init.dispatch.paths) best = Math.min(best, rtt.smoothed);
		return best === NEVER ? 100 : best;
	}

	/** Sends what may go now. */
	send(now: Millis): void {
		const {filler, dispatch} = this.#init;
		this.#nextSend = NEVER;
		this.#arrange(now);
		let overtaken = false;
		for (let i = 0; i < BURST; i++) {
			const size = dispatch.packetSize + HEADERS;
			if (!filler.hasWork) {
				// Once a call: each look costs as many packets as are late.
				if (overtaken || !this.#overtake(now, size)) {
					this.#applicationLimited(now);
					return;
				}
				overtaken = true;
			}
			const lead = this.#lead(now, size);
			if (lead === undefined || !this.#sendPacket(lead, now, size)) return;
		}
		this.#nextSend = now + 1;
	}

	#applicationLimited(now: Millis): void {
		for (const carrier of this.#order) {
			if (carrier.trusted) carrier.model.setApplicationLimited(now);
		}
	}

	/** Orders the paths anew, and takes back what only paths in doubt carry. */
	#arrange(now: Millis): void {
		const order = this.#order;
		order.length = 0;
		let trusted = 0;
		for (const path of this.#init.dispatch.paths) {
			const carrier = this.carrier(path);
			carrier.observe(now);
			// What packets are not made to fit carries none of them.
			if (path.mtu.confirmed < this.#init.dispatch.packetSize) continue;
			if (carrier.trusted) trusted |= carrier.bit;
			let at = order.length;
			carrier.expected = carrier.delay(now);
			while (at > 0 && order[at - 1]!.expected > carrier.expected) at--;
			order.splice(at, 0, carrier);
		}
		this.#timely = this.#lateness.arrange(order) & trusted;
		const doubted = this.#trusted & ~trusted;
		this.#trusted = trusted;
		if (doubted === 0) return;
		for (const carrier of this.#carriers) {
			if (carrier !== undefined && carrier.bit & doubted) carrier.eachOut(this.#recheck);
		}
	}

	readonly #recheck = (packet: SentPacket): void => {
		if (!packet.settled && (packet.paths & this.#trusted) === 0) this.#lost(packet);
	};

	/** The best path that takes a packet of that size now, unless waiting for a better one is quicker. */
	#lead(now: Millis, size: number): Carrier | undefined {
		const trustedOnly = this.#trusted !== 0;
		const lateness = this.#lateness;
		lateness.start();
		for (const carrier of this.#order) {
			if (trustedOnly && !carrier.trusted) continue;
			if (lateness.isTooLate(carrier, this.#init.filler)) return undefined;
			const delay = carrier.delayUntilSend(now, size);
			if (delay <= 0) return carrier;
			this.#nextSend = Math.min(this.#nextSend, now + delay);
			lateness.passed(carrier);
		}
		return undefined;
	}

	/**
	 * Nothing new may be sent, and a path has room: what is still out on later paths, and would come
	 * sooner over this one, goes again (Raiciu et al., NSDI 2012: opportunistic retransmission). False
	 * when there is nothing.
	 */
	#overtake(now: Millis, size: number): boolean {
		let hasRoom = false;
		for (const carrier of this.#order) {
			if (carrier.bit & this.#timely) hasRoom ||= carrier.delayUntilSend(now, size) <= 0;
			// What was sent before this arrives sooner.
			else if (hasRoom)
				carrier.eachLate(this.#again, now - carrier.expected + this.#lateness.limit);
		}
		return this.#init.filler.hasWork;
	}

	readonly #again = (packet: SentPacket): void => {
		if (!packet.settled && (packet.paths & this.#timely) === 0) this.#lost(packet);
	};

	#sendPacket(lead: Carrier, now: Millis, size: number): boolean {
		const {sender, filler, dispatch} = this.#init;
		const slot = sender.take();
		if (slot === undefined) return false;
		const packet = this.#packets.take();
		const room = HEAD_ROOM + dispatch.packetSize - HEADER_LENGTH - TAG;
		const end = filler.fill(packet, slot.bytes, HEAD_ROOM, room);
		if (end === HEAD_ROOM) {
			sender.giveBack(slot);
			this.#packets.give(packet);
			return false;
		}
		this.#choose(lead, now, size);
		const destinations = this.#destinations;
		this.#maybeSkip();
		slot.start = HEAD_ROOM;
		slot.end = end;
		const length = sender.lengthOf(slot);
		const bytes = length + HEADERS;
		const taken = this.#admit(length);
		if (taken > 0) dispatch.sample(length, now, destinations);
		const number = sender.send(slot, destinations, now, Sent.DATA);
		// Copies that only measure are no concern of the models.
		destinations.length = taken;
		// What was not sent anywhere is lost at once, and tried again when a path is open.
		if (destinations.length === 0) {
			this.#lost(packet);
			this.#packets.give(packet);
		}
		for (const path of destinations) {
			path.streamBytesSent += bytes;
			this.carrier(path).sent(packet, number, bytes, now);
		}
		if (destinations.length === 1) this.#beginnings.told(filler.begun, this.roundTrip, now);
		return destinations.length > 0;
	}

	/** Where the packet filled last goes: to `lead`, and copies as far as the models of the others allow. */
	#choose(lead: Carrier, now: Millis, size: number): void {
		const {filler} = this.#init;
		this.#destinations.length = 0;
		this.#destinations.push(lead.path);
		// What the other paths have room for belongs to bytes that were never sent, while there are some.
		if (filler.hasWork && !filler.urgent) {
			this.#sample(lead, now, size);
			return;
		}
		// Copies of what has just begun are worth going ahead of time: it is small, and waited for.
		const patience = filler.urgent ? URGENT_LEAD : 0;
		for (const carrier of this.#order) {
			if (carrier === lead || carrier.delayUntilSend(now, size) > patience) continue;
			this.#destinations.push(carrier.path);
		}
	}

	/** Leaves of the destinations those that take a packet of that size, and charges them; how many. */
	#admit(length: number): number {
		const destinations = this.#destinations;
		let taken = 0;
		for (const path of destinations) {
			if (length > path.mtu.confirmed || !path.reaches(length)) continue;
			path.saturation.charge(length);
			destinations[taken++] = path;
		}
		destinations.length = taken;
		return taken;
	}

	/** A copy on a path that nothing is sent on shows when it is better than it was. */
	#sample(lead: Carrier, now: Millis, size: number): void {
		for (const carrier of this.#order) {
			if (carrier === lead || carrier.bit & this.#timely || !carrier.isResting(now)) continue;
			if (carrier.delayUntilSend(now, size) > 0) continue;
			// It could carry more: how fast it delivers this says nothing of its rate.
			carrier.model.setApplicationLimited(now);
			this.#destinations.push(carrier.path);
		}
	}

	#maybeSkip(): void {
		const {random, sender} = this.#init;
		if (random.uint32() % SKIP_EVERY !== 0) return;
		if (this.#skipped.length >= SKIPPED) this.#skipped.shift();
		this.#skipped.push(sender.nextPacketNumber++);
	}

	packetReceived(packet: SentPacket): void {
		if (!packet.received) {
			packet.received = true;
			packet.settled = true;
			this.#init.filler.received(packet);
		}
		if (packet.paths === 0) this.#packets.give(packet);
	}

	packetLost(packet: SentPacket): void {
		// A copy on a path that is much later is not waited for.
		if (!packet.settled && (packet.paths & this.#timely) === 0) this.#lost(packet);
		if (packet.paths === 0) this.#packets.give(packet);
	}

	#lost(packet: SentPacket): void {
		packet.settled = true;
		this.#init.filler.lost(packet);
	}

	/** Reads FEEDBACK behind its type byte; false when it is malformed or tells of what never was. */
	feedback(cursor: Cursor, now: Millis): boolean {
		const count = decodeFeedbackHead(cursor);
		const report = this.#report;
		let told = 0;
		let left = SETTLED;
		for (let i = 0; i < count; i++) {
			if (!decodePathReport(cursor, report) || !this.#plausible(report)) return false;
			if ((told >> report.pathId) & 1) return false;
			told |= 1 << report.pathId;
			const carrier = this.#carriers[report.pathId];
			if (carrier !== undefined) left -= carrier.reported(report, report.arrival / 1000, now, left);
		}
		return !cursor.failed;
	}

	#plausible(report: PathReport): boolean {
		if (report.largest >= this.#init.sender.nextPacketNumber) return false;
		for (const number of this.#skipped) if (report.covers(number)) return false;
		return true;
	}

	/** When handleTimeout wants to be called. */
	nextTimeout(): Millis {
		let next = Math.min(this.#nextSend, this.#beginnings.nextTimeout());
		for (const carrier of this.#carriers) {
			if (carrier !== undefined) next = Math.min(next, carrier.nextTimeout());
		}
		return next;
	}

	/** Judges what is overdue; the caller sends afterwards. */
	handleTimeout(now: Millis): void {
		this.#beginnings.tellAgain(now);
		for (const carrier of this.#carriers) {
			if (carrier !== undefined && now >= carrier.nextTimeout()) carrier.handleTimeout(now);
		}
	}
}
