import {Fifo} from '../bytes/fifo.ts';
import {IP_UDP_OVERHEAD} from '../bytes/overhead.ts';
import {type Millis, NEVER} from '../bytes/time.ts';
import {DeliveryQueue, type Timed} from './delivery-queue.ts';
import {checkLinkConfig, type LinkConfig, PERFECT_LINK} from './link-config.ts';
import {LossProcess} from './loss.ts';
import type {Prng} from './prng.ts';

/** A datagram that has arrived; a duplicated one is handed out twice, as the same item. */
export interface LinkDelivery<T> {
	readonly item: T;
	/** Time of arrival. */
	readonly at: Millis;
	/** The bit to flip in a copy of the bytes (bit 0 = lowest of byte 0), -1 for an intact one. */
	readonly flipBit: number;
}

/**
 * Counts of one direction. At any time sent + duplicated = delivered + lost + outage + dropped + in
 * flight.
 */
export interface LinkCounts {
	/** Given to `send`. */
	sent: number;
	/** Bytes of those on the wire, headers included. */
	bytes: number;
	/** Returned by `poll`, copies included. */
	delivered: number;
	/** Taken by the loss process. */
	lost: number;
	/** Sent during an outage. */
	outage: number;
	/** Refused by a full queue or by the policer. */
	dropped: number;
	/** Given a second copy. */
	duplicated: number;
	/** To be delivered with a flipped bit; the copy of a duplicated one is not counted again. */
	corrupted: number;
	/** Held back so that others may overtake; the copy is not counted again. */
	reordered: number;
}

interface Packet<T> extends Timed {
	item: T;
	at: Millis;
	order: number;
	flipBit: number;
	bytes: number;
	isLost: boolean;
	isLate: boolean;
	isDouble: boolean;
	/** -1 to below 1, in units of the jitter. */
	jitter: number;
}

/**
 * One direction of a link, without I/O or clock:
 *
 *     send -> outage? -> policer -> queue -> bottleneck -> loss -> delay, jitter -> poll
 *                                   (waits)  (serialises)
 *
 * The queue holds only what waits for the bottleneck; what is being serialised or already
 * propagating does not count against it. A lost datagram has used its share of the bottleneck.
 * Outages take what is sent while they last; what is under way arrives.
 *
 * Each impairment has a random stream of its own and draws from it for every datagram, whatever
 * becomes of that datagram. So what the loss process does to datagram n depends on the seed and on
 * n only: neither another impairment nor the rate nor the timing shifts it.
 */
export class Link<T> {
	/** Live counters; for reading only. */
	readonly counts: LinkCounts = {
		sent: 0,
		bytes: 0,
		delivered: 0,
		lost: 0,
		outage: 0,
		dropped: 0,
		duplicated: 0,
		corrupted: 0,
		reordered: 0,
	};

	readonly #loss: LossProcess;
	readonly #jitterRandom: Prng;
	readonly #reorderRandom: Prng;
	readonly #duplicateRandom: Prng;
	readonly #corruptRandom: Prng;
	readonly #waiting = new Fifo<Packet<T>>();
	readonly #wire = new DeliveryQueue<Packet<T>>();
	#config: LinkConfig;
	#queueLimit: number;
	#waitingBytes = 0;
	#serving: Packet<T> | undefined;
	#serviceEnd: Millis = 0;
	#newestAt: Millis = Number.NEGATIVE_INFINITY;
	#order = 0;
	#tokens = Number.POSITIVE_INFINITY;
	#tokensAt: Millis = 0;

	/** Missing fields of `config` are as in PERFECT_LINK. Only forks of `random` are drawn from. */
	constructor(config: Partial<LinkConfig>, random: Prng) {
		this.#config = {...PERFECT_LINK, ...config};
		checkLinkConfig(this.#config);
		this.#queueLimit = queueLimit(this.#config);
		this.#loss = new LossProcess(this.#config.loss, random.fork('loss'));
		this.#jitterRandom = random.fork('jitter');
		this.#reorderRandom = random.fork('reorder');
		this.#duplicateRandom = random.fork('duplicate');
		this.#corruptRandom = random.fork('corrupt');
	}

	/** Bytes on the wire (headers included) that wait for the bottleneck, as of the last call. */
	get waitingBytes(): number {
		return this.#waitingBytes;
	}

	/**
	 * Sends `item`, a datagram of `length` payload bytes. Returns how many deliveries of it will
	 * come: 0 when it is lost, 2 when it is duplicated, else 1. `now` never goes back.
	 */
	send(item: T, length: number, now: Millis): number {
		this.#advance(now);
		const {counts} = this;
		counts.sent++;
		const packet = this.#draw(item, length);
		counts.bytes += packet.bytes;
		if (this.#isOut(now)) {
			counts.outage++;
			return 0;
		}
		if (!this.#passesPolicer(packet.bytes, now) || !this.#fits(packet.bytes)) {
			counts.dropped++;
			return 0;
		}
		const deliveries = this.#count(packet);
		if (this.#serving !== undefined) {
			this.#waiting.push(packet);
			this.#waitingBytes += packet.bytes;
		} else if (this.#config.rate === Number.POSITIVE_INFINITY) {
			this.#propagate(packet, now);
		} else {
			this.#serving = packet;
			this.#serviceEnd = now + this.#serviceTime(packet);
		}
		return deliveries;
	}

	/**
	 * Returns the time of the next `poll`. `NEVER`: nothing is under way. Nothing is due before; with
	 * jitter, loss or reordering behind a bottleneck the poll may still return nothing.
	 */
	nextTimeout(): Millis {
		const arrival = this.#wire.nextAt;
		if (this.#serving === undefined) return arrival;
		const {delay, jitter} = this.#config;
		return Math.min(arrival, this.#serviceEnd + Math.max(0, delay - jitter));
	}

	/** The next delivery due at or before `now`, by arrival time and then by number, or undefined. */
	poll(now: Millis): LinkDelivery<T> | undefined {
		this.#advance(now);
		const packet = this.#wire.pop(now);
		if (packet === undefined) return undefined;
		this.counts.delivered++;
		return packet;
	}

	/**
	 * Changes the given parameters from `now` on. Nothing is reseeded or dropped: what propagates
	 * keeps its arrival time, what waits is served at the new rate and gets the new delay.
	 */
	configure(config: Partial<LinkConfig>, now: Millis): void {
		const next = {...this.#config, ...config};
		checkLinkConfig(next);
		this.#advance(now);
		this.#passesPolicer(0, now);
		if (this.#config.policer === undefined) this.#tokens = Number.POSITIVE_INFINITY;
		this.#config = next;
		this.#queueLimit = queueLimit(next);
		this.#loss.configure(next.loss);
	}

	#draw(item: T, length: number): Packet<T> {
		const {jitter, reorder, duplicate, corrupt} = this.#config;
		const isCorrupt = corrupt > 0 && this.#corruptRandom.uniform() < corrupt && length > 0;
		return {
			item,
			at: NEVER,
			order: 0,
			bytes: length + IP_UDP_OVERHEAD,
			isLost: this.#loss.next(),
			jitter: jitter > 0 ? 2 * this.#jitterRandom.uniform() - 1 : 0,
			isLate: reorder > 0 && this.#reorderRandom.uniform() < reorder,
			isDouble: duplicate > 0 && this.#duplicateRandom.uniform() < duplicate,
			flipBit: isCorrupt ? this.#corruptRandom.integer(8 * length) : -1,
		};
	}

	/** Counts what is now certain to happen to an admitted datagram. */
	#count(packet: Packet<T>): number {
		const {counts} = this;
		if (packet.isLost) {
			counts.lost++;
			return 0;
		}
		const deliveries = packet.isDouble ? 2 : 1;
		if (packet.isDouble) counts.duplicated++;
		if (packet.isLate) counts.reordered++;
		if (packet.flipBit >= 0) counts.corrupted++;
		return deliveries;
	}

	#isOut(now: Millis): boolean {
		for (const {from, until} of this.#config.outages) {
			if (now >= from && now < until) return true;
		}
		return false;
	}

	#passesPolicer(bytes: number, now: Millis): boolean {
		const {policer} = this.#config;
		if (policer === undefined) return true;
		const gained = ((now - this.#tokensAt) * policer.rate) / 8000;
		this.#tokens = Math.min(policer.burst, this.#tokens + gained);
		this.#tokensAt = now;
		if (bytes > this.#tokens) return false;
		this.#tokens -= bytes;
		return true;
	}

	#fits(bytes: number): boolean {
		return this.#serving === undefined || this.#waitingBytes + bytes <= this.#queueLimit;
	}

	#serviceTime(packet: Packet<T>): Millis {
		return (packet.bytes * 8000) / this.#config.rate;
	}

	/** Lets the bottleneck work up to `now`. */
	#advance(now: Millis): void {
		while (this.#serving !== undefined && this.#serviceEnd <= now) {
			this.#propagate(this.#serving, this.#serviceEnd);
			this.#serving = this.#waiting.shift();
			if (this.#serving !== undefined) {
				this.#waitingBytes -= this.#serving.bytes;
				this.#serviceEnd += this.#serviceTime(this.#serving);
			}
		}
	}

	/** Puts a datagram that leaves the bottleneck at `now` on the wire, with its copy behind it. */
	#propagate(packet: Packet<T>, now: Millis): void {
		if (packet.isLost) return;
		const {delay, jitter, jitterReorders, reorderBy, slowLarge} = this.#config;
		const isSlow = slowLarge !== undefined && packet.bytes > slowLarge.above + IP_UDP_OVERHEAD;
		packet.at = now + Math.max(0, delay + jitter * packet.jitter);
		if (!jitterReorders && packet.at < this.#newestAt) packet.at = this.#newestAt;
		if (packet.isLate) packet.at += reorderBy;
		else if (isSlow) packet.at += slowLarge.by;
		else this.#newestAt = packet.at;
		packet.order = this.#order++;
		this.#wire.push(packet);
		if (packet.isDouble) this.#wire.push({...packet, order: this.#order++});
	}
}

function queueLimit({queue, rate}: LinkConfig): number {
	if ('bytes' in queue) return queue.bytes;
	return rate === Number.POSITIVE_INFINITY ? rate : (queue.millis * rate) / 8000;
}
