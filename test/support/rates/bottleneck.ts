import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import type {RateModel} from '../../../src/core/load/rate-model.ts';
import {Link} from '../../../src/sim/link.ts';
import {type LinkConfig, PERFECT_LINK} from '../../../src/sim/link-config.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {PACKET_BYTES, RateFlow, type Report} from './flow.ts';

/** A flow of the world: its model, its start and what its round trip adds to the link's. */
export interface FlowOptions {
	readonly model: (random: Prng) => RateModel;
	readonly startAt?: Millis;
	/** One way, on top of the bottleneck's delay, in each direction. */
	readonly extraDelay?: Millis;
	/** The sender's timer fires at multiples of this; 0 = at any time. */
	readonly tick?: Millis;
}

export interface WorldOptions {
	readonly seed: number;
	/** The bottleneck that all flows share; reports come back with its delay, jitter and loss. */
	readonly link: Partial<LinkConfig>;
	readonly flows: readonly FlowOptions[];
	/** A change of the bottleneck. */
	readonly change?: {readonly at: Millis; readonly link: Partial<LinkConfig>};
	/** Packets per second of a small flow across the bottleneck, 0 = none. */
	readonly smallFlow?: number;
}

interface Item {
	readonly flow: number;
	readonly number: number;
	readonly sentAt: Millis;
}

interface Lane {
	readonly flow: RateFlow;
	readonly tail: Link<number> | undefined;
	readonly back: Link<Report>;
	readonly receivedAt: number[];
}

/** Stands for the small flow. */
const SMALL = -1;
/** How often the counters are kept; times to measure between are multiples of it. */
const SAMPLE_EVERY: Millis = 100;

/** Bulk flows through one bottleneck on a virtual clock. */
export class RateBottleneck {
	now: Millis = 0;

	readonly #lanes: Lane[] = [];
	readonly #smallDelays: {readonly sentAt: Millis; readonly delay: Millis}[] = [];
	readonly #link: Link<Item>;
	readonly #smallEvery: Millis;
	#smallAt: Millis;
	#sampleAt: Millis = 0;
	#change: WorldOptions['change'];

	constructor(options: WorldOptions) {
		const random = new Prng(options.seed);
		this.#link = new Link(options.link, random.fork('link'));
		this.#change = options.change;
		const rate = options.smallFlow ?? 0;
		this.#smallEvery = rate > 0 ? 1000 / rate : NEVER;
		this.#smallAt = rate > 0 ? 0 : NEVER;
		const {loss, delay, jitter, jitterReorders} = {...PERFECT_LINK, ...options.link};
		for (const [index, {model, startAt, extraDelay, tick}] of options.flows.entries()) {
			const own = random.fork(`flow ${index}`);
			const extra = extraDelay ?? 0;
			this.#lanes.push({
				flow: new RateFlow(model(own), startAt ?? 0, tick ?? 0),
				tail: extra > 0 ? new Link({delay: extra}, own) : undefined,
				back: new Link({loss, delay: delay + extra, jitter, jitterReorders}, own.fork('back')),
				receivedAt: [],
			});
		}
	}

	/** Goes on until `end`. */
	run(end: Millis): void {
		for (let next = this.now; next <= end; next = this.#next()) {
			this.now = next;
			this.#step();
		}
		this.now = end;
	}

	/** Mbit/s that a flow received between two times. */
	rate(index: number, from: Millis, to: Millis): number {
		const {receivedAt} = this.#lanes[index]!;
		const packets =
			receivedAt[Math.round(to / SAMPLE_EVERY)]! - receivedAt[Math.round(from / SAMPLE_EVERY)]!;
		return (packets * PACKET_BYTES * 8) / 1000 / (to - from);
	}

	/** The share of a flow's packets that were lost, from its start on, 0 to 1. */
	loss(index: number): number {
		const {flow} = this.#lanes[index]!;
		return flow.judgedLost / Math.max(1, flow.sent);
	}

	/**
	 * By how much the small flow's packets sent between two times are later than its fastest one;
	 * `quantile` is 0 to below 1.
	 */
	smallQueueing(quantile: number, from: Millis, to: Millis): Millis {
		const fastest = this.#smallDelays.reduce((least, {delay}) => Math.min(least, delay), NEVER);
		const delays = this.#smallDelays
			.filter(({sentAt}) => sentAt >= from && sentAt < to)
			.map(({delay}) => delay - fastest)
			.sort((a, b) => a - b);
		return delays[Math.floor(quantile * delays.length)] ?? Number.NaN;
	}

	#next(): Millis {
		let next = Math.min(this.#link.nextTimeout(), this.#sampleAt, this.#smallAt);
		for (const {flow, tail, back} of this.#lanes) {
			next = Math.min(next, flow.nextSend(this.now), flow.nextReport, back.nextTimeout());
			if (tail !== undefined) next = Math.min(next, tail.nextTimeout());
		}
		return Math.max(next, this.now);
	}

	#step(): void {
		const {now} = this;
		if (this.#change !== undefined && now >= this.#change.at) {
			this.#link.configure(this.#change.link, now);
			this.#change = undefined;
		}
		for (let d = this.#link.poll(now); d !== undefined; d = this.#link.poll(now)) {
			this.#deliver(d.item, d.at);
		}
		for (let index = 0; index < this.#lanes.length; index++) this.#serve(index);
		if (now >= this.#smallAt) {
			this.#link.send({flow: SMALL, number: 0, sentAt: now}, 100, now);
			this.#smallAt += this.#smallEvery;
		}
		if (now >= this.#sampleAt) {
			for (const {flow, receivedAt} of this.#lanes) receivedAt.push(flow.received);
			this.#sampleAt += SAMPLE_EVERY;
		}
	}

	#deliver({flow, number, sentAt}: Item, at: Millis): void {
		if (flow === SMALL) {
			this.#smallDelays.push({sentAt, delay: at - sentAt});
			return;
		}
		const {tail, flow: receiver} = this.#lanes[flow]!;
		if (tail === undefined) receiver.receive(number, at);
		else tail.send(number, PACKET_BYTES - 28, at);
	}

	#serve(index: number): void {
		const {now} = this;
		const {flow, tail, back} = this.#lanes[index]!;
		if (tail !== undefined) {
			for (let d = tail.poll(now); d !== undefined; d = tail.poll(now)) flow.receive(d.item, d.at);
		}
		if (now >= flow.nextReport) {
			const report = flow.pollReport(now);
			if (report !== undefined) back.send(report, 60, now);
		}
		for (let d = back.poll(now); d !== undefined; d = back.poll(now)) {
			flow.receiveReport(d.item, now);
		}
		for (let number = flow.pollSend(now); number >= 0; number = flow.pollSend(now)) {
			this.#link.send({flow: index, number, sentAt: now}, PACKET_BYTES - 28, now);
		}
	}
}
