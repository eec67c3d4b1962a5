import {IP_UDP_OVERHEAD} from '../../bytes/overhead.ts';
import {HEAD_ROOM, type Slot} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {TAG_LENGTH} from '../../crypto/aead.ts';
import {HEADER_LENGTH} from '../../wire/constants.ts';
import type {Dispatch} from '../lane/dispatch/dispatch.ts';
import type {Carrier} from '../packets/carrier.ts';
import type {CarrierSet} from '../packets/carrier-set.ts';
import {Lateness} from '../packets/lateness.ts';
import {Route} from '../packets/route.ts';
import type {PacketOwner} from '../packets/sent-packet.ts';
import {Sent} from '../sent.ts';
import {Beginnings} from './beginnings.ts';
import type {PacketFiller} from './packet-filler.ts';
import {type StreamPacket, StreamPackets} from './stream-packet.ts';

/** Packets that one call makes at most: as many fit the outbox beside everything else. */
const BURST = 256;
/** Time by which copies of urgent packets may run ahead of the path's model. */
const URGENT_LEAD: Millis = 10;

/** Sends packets of stream frames. */
export interface StreamSender {
	/** Returns a slot to write frames into, from HEAD_ROOM on. `undefined`: there is none. */
	take(): Slot | undefined;
	/** Takes a slot back that was not used. */
	giveBack(slot: Slot): void;
	/** Returns the bytes of UDP payload that the frames in a slot become. */
	lengthOf(slot: Slot): number;
	/**
	 * Sends the frames in a slot on each path of `route`, which admitted the packet. Returns its
	 * number.
	 */
	send(slot: Slot, route: Route, now: Millis, kind: Sent): number;
}

/** Parts of a transport. */
export interface StreamTransportInit {
	readonly sender: StreamSender;
	/** Chooses the paths that packets may take. */
	readonly dispatch: Dispatch;
	readonly carriers: CarrierSet;
	readonly filler: PacketFiller;
}

/**
 * Sends packets of stream frames over the paths and takes back their fate. The best path that has
 * room gets a packet, the others a copy as far as their own models allow. The frames of a packet
 * are sent again, in another one, when no copy of it is expected any more.
 */
export class StreamTransport implements PacketOwner {
	readonly #init: StreamTransportInit;
	/** Carriers of the chosen paths, the best first. */
	readonly #order: Carrier[] = [];
	/** Paths of the packet being sent. */
	readonly #route = new Route();
	readonly #packets: StreamPackets = new StreamPackets(this);
	readonly #beginnings = new Beginnings();
	/** Paths that may carry the only copy of something, as bits. */
	#trusted = 0;
	readonly #lateness = new Lateness();
	#nextSend: Millis = NEVER;

	constructor(init: StreamTransportInit) {
		this.#init = init;
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
			const size = dispatch.packetSize + IP_UDP_OVERHEAD;
			if (!filler.hasWork) {
				// Once a call: each search costs as many packets as are late.
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
		const {carriers} = this.#init;
		const order = this.#order;
		order.length = 0;
		let trusted = 0;
		for (const path of this.#init.dispatch.paths) {
			const carrier = carriers.of(path);
			carrier.observe(now);
			// A path that packets are not made to fit carries none of them.
			if (path.mtu.confirmed < this.#init.dispatch.packetSize) continue;
			if (carrier.trusted) trusted |= carrier.bit;
			let at = order.length;
			carrier.expected = carrier.delay(now);
			while (at > 0 && order[at - 1]!.expected > carrier.expected) at--;
			order.splice(at, 0, carrier);
		}
		this.#trusted = trusted;
		carriers.timely = this.#lateness.arrange(order) & trusted;
		carriers.trust(trusted);
	}

	/**
	 * Returns the best path that takes a packet of that size now. `undefined`: none, or waiting for a
	 * better one is quicker.
	 */
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
	 * Gives up frames that are out on later paths and would arrive sooner over one that has room, so
	 * that they go again; called while nothing new may be sent (Raiciu et al., NSDI 2012:
	 * opportunistic retransmission). False: there are none.
	 */
	#overtake(now: Millis, size: number): boolean {
		const {carriers, filler} = this.#init;
		let hasRoom = false;
		for (const carrier of this.#order) {
			if (carrier.bit & carriers.timely) hasRoom ||= carrier.delayUntilSend(now, size) <= 0;
			// Packets sent before this arrive sooner.
			else if (hasRoom) carriers.giveUpLate(carrier, now - carrier.expected + this.#lateness.limit);
		}
		return filler.hasWork;
	}

	#sendPacket(lead: Carrier, now: Millis, size: number): boolean {
		const {carriers, sender, filler, dispatch} = this.#init;
		const slot = sender.take();
		if (slot === undefined) return false;
		const packet = this.#packets.take();
		const room = HEAD_ROOM + dispatch.packetSize - HEADER_LENGTH - TAG_LENGTH;
		const end = filler.fill(packet, slot.bytes, HEAD_ROOM, room);
		if (end === HEAD_ROOM) {
			sender.giveBack(slot);
			this.#packets.give(packet);
			return false;
		}
		this.#choose(lead, now, size);
		const route = this.#route;
		carriers.skipNumber();
		slot.start = HEAD_ROOM;
		slot.end = end;
		const length = sender.lengthOf(slot);
		const bytes = length + IP_UDP_OVERHEAD;
		const taken = this.#admit(length);
		if (taken > 0) dispatch.sample(length, now, route);
		const number = sender.send(slot, route, now, Sent.DATA);
		// A packet that no path took is lost at once, and its frames go again when a path is open.
		if (taken === 0) carriers.unsent(packet);
		// Copies that only measure, behind them, are no concern of the models.
		for (let i = 0; i < taken; i++) {
			const path = route.paths[i]!;
			path.streamBytesSent += bytes;
			carriers.of(path).sent(packet, number, bytes, now);
		}
		if (taken === 1) this.#beginnings.announced(filler.begun, this.roundTrip, now);
		return taken > 0;
	}

	/**
	 * Chooses the paths of the packet filled last: `lead`, and for copies others as far as their
	 * models allow.
	 */
	#choose(lead: Carrier, now: Millis, size: number): void {
		const {filler} = this.#init;
		this.#route.clear();
		this.#route.add(lead.path);
		// While bytes wait that were never sent, the room of the other paths is theirs.
		if (filler.hasWork && !filler.urgent) {
			this.#sample(lead, now, size);
			return;
		}
		// Copies of what has just begun are worth going ahead of time: it is small, and waited for.
		const patience = filler.urgent ? URGENT_LEAD : 0;
		for (const carrier of this.#order) {
			if (carrier === lead || carrier.delayUntilSend(now, size) > patience) continue;
			this.#route.add(carrier.path);
		}
	}

	/** Keeps of the route the paths that take a packet of that size now. Returns their number. */
	#admit(length: number): number {
		const {paths, count} = this.#route;
		this.#route.clear();
		for (let i = 0; i < count; i++) {
			const path = paths[i]!;
			if (length > path.mtu.confirmed || !path.reaches(length)) continue;
			this.#route.add(path);
		}
		return this.#route.count;
	}

	/** Adds a copy on a path that carries nothing else, which shows when it is better than it was. */
	#sample(lead: Carrier, now: Millis, size: number): void {
		const {timely} = this.#init.carriers;
		for (const carrier of this.#order) {
			if (carrier === lead || carrier.bit & timely || !carrier.isResting(now)) continue;
			if (carrier.delayUntilSend(now, size) > 0) continue;
			// It could carry more: the delivery of this copy is no evidence of its rate.
			carrier.model.setApplicationLimited(now);
			this.#route.add(carrier.path);
		}
	}

	received(packet: StreamPacket): void {
		this.#init.filler.received(packet);
	}

	lost(packet: StreamPacket): void {
		this.#init.filler.lost(packet);
	}

	released(packet: StreamPacket): void {
		this.#packets.give(packet);
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is due. */
	nextTimeout(): Millis {
		return Math.min(this.#nextSend, this.#beginnings.nextTimeout());
	}

	/** Queues the beginnings again that are due; the caller sends afterwards. */
	handleTimeout(now: Millis): void {
		this.#beginnings.repeat(now);
	}
}
