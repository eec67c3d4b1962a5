import type {RateModel, SendSnapshot} from '../../src/core/rate/rate-model.ts';
import {type Millis, NEVER} from '../../src/core/time.ts';
import {Link} from '../../src/sim/link.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {Prng} from '../../src/sim/prng.ts';

/** Bytes of every packet, headers included. */
export const PACKET = 1228;

interface Packet {
	readonly sender: RateSender;
	readonly index: number;
}

interface Sent {
	readonly at: Millis;
	readonly snapshot: SendSnapshot;
	state: 'out' | 'received' | 'lost';
}

/** One bulk sender behind a rate model, with feedback as streams have it. */
export class RateSender {
	readonly model: RateModel;
	/** Round trip that is not in the shared link. */
	readonly extra: Millis;
	readonly from: Millis;
	readonly packets: Sent[] = [];
	/** Packets received, and when. */
	readonly arrivals: Millis[] = [];
	lost = 0;
	head = 0;
	/** Packets received and not reported yet. */
	unreported: {readonly index: number; readonly at: Millis}[] = [];
	reportDue: Millis = NEVER;
	readonly reports: {readonly at: Millis; readonly what: RateSender['unreported']}[] = [];
	wake: Millis = 0;

	constructor(model: RateModel, extra: Millis, from: Millis) {
		this.model = model;
		this.extra = extra;
		this.from = from;
		this.wake = from;
	}

	/** Mbit/s received between two times. */
	rate(from: Millis, to: Millis): number {
		const count = this.arrivals.filter((at) => at >= from && at < to).length;
		return (count * PACKET * 8) / (to - from) / 1000;
	}
}

/** Senders that share one bottleneck, on a virtual clock. */
export class RateWorld {
	now: Millis = 0;
	readonly link: Link<Packet>;
	readonly senders: RateSender[] = [];

	constructor(link: Partial<LinkConfig>, seed: number) {
		this.link = new Link<Packet>(link, new Prng(seed));
	}

	/** One more sender; its own round trip comes on top of the link's delay. */
	add(model: RateModel, extra: Millis, from: Millis): RateSender {
		const sender = new RateSender(model, extra, from);
		this.senders.push(sender);
		return sender;
	}

	/** Lets the world go on until `end`. */
	run(end: Millis): void {
		for (;;) {
			let next = this.link.nextTimeout();
			for (const {wake, reportDue, reports} of this.senders) {
				next = Math.min(next, wake, reportDue, reports[0]?.at ?? NEVER);
			}
			if (next > end) break;
			this.now = Math.max(this.now, next);
			this.#step();
		}
		this.now = end;
	}

	#step(): void {
		const {now} = this;
		for (let got = this.link.poll(now); got !== undefined; got = this.link.poll(now)) {
			this.#arrive(got.item);
		}
		for (const sender of this.senders) {
			if (now >= sender.reportDue) this.#report(sender);
			while (sender.reports[0] !== undefined && sender.reports[0].at <= now) {
				this.#reported(sender, sender.reports.shift()!.what);
			}
			if (now >= sender.wake) this.#send(sender);
		}
	}

	#arrive({sender, index}: Packet): void {
		const {now} = this;
		sender.arrivals.push(now);
		const gap = index > (sender.unreported.at(-1)?.index ?? index - 1) + 1;
		sender.unreported.push({index, at: now});
		if (sender.unreported.length >= 10 || gap) this.#report(sender);
		else sender.reportDue = Math.min(sender.reportDue, now + Math.min(25, sender.model.srtt / 4));
	}

	#report(sender: RateSender): void {
		sender.reportDue = NEVER;
		if (sender.unreported.length === 0) return;
		sender.reports.push({at: this.now + sender.extra, what: sender.unreported});
		sender.unreported = [];
	}

	#reported(sender: RateSender, what: RateSender['unreported']): void {
		const {now} = this;
		const {model, packets} = sender;
		for (const {index} of what) {
			const packet = packets[index]!;
			if (packet.state !== 'out') continue;
			packet.state = 'received';
			model.onAcknowledged(now, PACKET, packet.at, packet.snapshot);
		}
		const newest = what.at(-1)!;
		for (; sender.head < newest.index - 2; sender.head++) {
			const packet = packets[sender.head]!;
			if (packet.state !== 'out') continue;
			packet.state = 'lost';
			sender.lost++;
			model.onLost(now, PACKET, packet.at, packet.snapshot);
		}
		model.onFeedback(now, packets[newest.index]!.at, newest.at);
		this.#send(sender);
	}

	#send(sender: RateSender): void {
		const {now} = this;
		const {model, packets} = sender;
		sender.wake = NEVER;
		if (now < sender.from) {
			sender.wake = sender.from;
			return;
		}
		for (;;) {
			const delay = model.delayUntilSend(now, PACKET);
			if (delay > 0) {
				// With a full window and nothing to come only a time-out helps.
				sender.wake = delay === Number.POSITIVE_INFINITY ? now + 500 : now + delay;
				if (delay === Number.POSITIVE_INFINITY) this.#expire(sender);
				return;
			}
			const packet: Sent = {at: now, snapshot: model.createSnapshot(), state: 'out'};
			model.onSent(now, PACKET, packet.snapshot);
			this.link.send({sender, index: packets.length}, PACKET - 28, now);
			packets.push(packet);
		}
	}

	#expire(sender: RateSender): void {
		for (let i = sender.head; i < sender.packets.length; i++) {
			const packet = sender.packets[i]!;
			if (packet.state !== 'out' || this.now - packet.at < 2000) continue;
			packet.state = 'lost';
			sender.model.onAbandoned(this.now, PACKET);
		}
	}
}
