import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import {LaneMeter, SILENT} from '../../../src/fec/lane-meter.ts';
import type {Plan} from '../../../src/fec/plan.ts';
import {type LanePromise, PolicyLoop} from '../../../src/fec/policy-loop.ts';
import {CodedReceiver, LEAST_CAPACITY} from '../../../src/fec/receiver.ts';
import {CodedSender} from '../../../src/fec/sender.ts';
import {SymbolMemory} from '../../../src/fec/symbol-memory.ts';
import {createKernel} from '../../../src/fec/wasm-kernel.ts';
import {Link} from '../../../src/sim/link.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {CHECKED} from '../../fec/checked-format.ts';
import {Ledger} from './ledger.ts';
import {REPAIR_OVERHEAD, SOURCE_OVERHEAD} from './plan.ts';

const KERNEL = createKernel();
/** Bytes of a datagram without sizes of its own, and those of them that are really coded. */
const SIZE = 1200;
const CODED = 16;
/** Longest datagram. */
const LONGEST = 1400;

/** What a lane is simulated with. */
export interface LaneCase {
	readonly seed: number;
	readonly links: readonly Partial<LinkConfig>[];
	/** Sources in a second, evenly. */
	readonly rate: number;
	readonly sources: number;
	/** Bytes of a datagram, by its number, up to 1400; without it all have 1200. */
	readonly size?: (index: number) => number;
	/** Time of a source; without it `rate` says. */
	readonly timeOf?: (index: number) => Millis;
	readonly within: Millis;
	/** Without a promise: the plan of the whole run. */
	readonly plan: Plan;
	/** The loop plans then. */
	readonly promise?: LanePromise;
	/** Traffic factor to start with. */
	readonly traffic?: number;
	/** Share of the turns in which all that is sent is lost, on all paths. */
	readonly shared?: number;
	/** True for a packet that is lost beside what its link loses. */
	readonly loses?: (path: number, now: Millis) => boolean;
	/** Called at the time of each source. */
	readonly during?: (run: LaneRun, now: Millis) => void;
}

interface Flight {
	readonly sequence: number;
	readonly packetNumber: number;
	/** 0: a source. */
	readonly count: number;
	readonly symbol: Uint8Array | undefined;
}

/** What came of a run, of the last 2^20 sources where there were more. */
export interface LaneFigures {
	readonly sources: number;
	readonly lost: number;
	readonly late: number;
	readonly recovered: number;
	/** Recovered, and the original came all the same. */
	readonly needless: number;
	readonly traffic: number;
	/** Multiplications and additions of whole symbols for each source. */
	readonly work: number;
	/** Delays of the recovered beyond the best, in their order. */
	readonly delays: Float64Array;
}

/** One direction of a lane over simulated links, in virtual time. */
export class LaneRun {
	now: Millis = 0;
	readonly links: readonly Link<Flight>[];
	readonly sender: CodedSender;
	readonly receiver: CodedReceiver;
	readonly #case: LaneCase;
	readonly #memory = new SymbolMemory(KERNEL, 2 ** 30);
	readonly ledger: Ledger;
	/** Content of a source, of a moment. */
	readonly #content = new Uint8Array(LONGEST);
	readonly #paths: number[] = [];
	#packetNumber = 0;
	/** Bytes that each packet has on the wire beside what is coded. */
	readonly #padding: number;
	readonly #best: Millis;
	readonly #random: Prng;
	#isSharedLoss = false;
	readonly loop: PolicyLoop | undefined;
	readonly meters: readonly LaneMeter[];
	#reportAt: Millis = 20;
	#planAt: Millis = 100;
	readonly #reports: {
		readonly at: Millis;
		readonly packets: Float64Array;
		readonly newest: Uint32Array;
		readonly queues: readonly number[];
	}[] = [];
	#queues: readonly number[] = [];

	constructor(lane: LaneCase) {
		this.#case = lane;
		const random = new Prng(lane.seed);
		this.#random = random.fork('shared');
		const {promise, traffic} = lane;
		this.#padding = lane.size === undefined ? SIZE - CODED : 0;
		const overhead = REPAIR_OVERHEAD + this.#padding;
		if (promise) this.loop = new PolicyLoop(promise, overhead, 0, traffic ?? promise.floor);
		this.meters = lane.links.map(() => new LaneMeter());
		this.links = lane.links.map(
			(config, id) => new Link<Flight>(config, random.fork(`link ${id}`)),
		);
		this.#best = Math.min(...lane.links.map(({delay = 0}) => delay));
		this.sender = new CodedSender({
			memory: this.#memory,
			format: CHECKED,
			first: 0,
			plan: {...lane.plan, overhead},
			random,
			port: {
				admits: () => true,
				sendRepair: (path, count) =>
					(this.#queues[path] || 0) > Math.min(lane.within / 2, 20)
						? 0
						: this.#sendRepair(path, count),
			},
		});
		this.receiver = new CodedReceiver({
			memory: this.#memory,
			format: CHECKED,
			capacity: LEAST_CAPACITY,
			first: 0,
			within: lane.within,
		});
		this.ledger = new Ledger(lane.sources, this.#best);
	}

	/** Slots of symbols that sender and receiver take. */
	get slots(): number {
		return this.#memory.used;
	}

	/** Runs all of it. */
	run(): LaneFigures {
		const {sources, rate, timeOf = (index: number) => (index * 1000) / rate} = this.#case;
		for (let index = 0; index < sources; ) {
			const at = timeOf(index);
			this.#pass(at);
			this.#case.during?.(this, at);
			this.#isSharedLoss = this.#random.uniform() < (this.#case.shared ?? 0);
			for (; index < sources && timeOf(index) === at; index++) this.#sendSource(index);
			this.sender.flush(at);
		}
		this.#pass(this.now + 1000);
		return this.#figures();
	}

	#sendSource(index: number): void {
		const bytes = this.#lengthOf(index) + this.#padding + SOURCE_OVERHEAD;
		const paths = this.#paths.slice(0, this.sender.route(bytes, this.#paths));
		const content = {bytes: this.#contentOf(index), start: 0, end: this.#lengthOf(index)};
		const sequence = this.sender.add(content, bytes, paths.length, this.now);
		this.ledger.sent(index, this.now);
		const flight = {sequence, packetNumber: this.#packetNumber++, count: 0, symbol: undefined};
		for (const path of paths) {
			this.sender.charge(path, bytes);
			this.#send(path, flight, bytes);
		}
		this.sender.coverTurn(this.now);
	}

	#sendRepair(path: number, count: number): number {
		const packetNumber = this.#packetNumber++;
		const symbol = new Uint8Array(this.sender.encoder.symbolLength(count));
		const end = this.sender.encoder.repair(packetNumber, count, symbol, 0);
		const bytes = end + this.#padding + REPAIR_OVERHEAD;
		const sequence = this.sender.encoder.newest;
		const flight = {sequence, packetNumber, count, symbol};
		this.#send(path, flight, bytes);
		return bytes;
	}

	#send(path: number, flight: Flight, bytes: number): void {
		this.meters[path]!.send(flight.sequence, this.now);
		if (this.#case.loses?.(path, this.now)) return;
		if (!this.#isSharedLoss) this.links[path]!.send(flight, bytes - 28, this.now);
	}

	/** Reports and plans whose time has come. */
	#control(): void {
		const {now} = this;
		if (now >= this.#reportAt) {
			this.#reportAt = now + 20;
			const {packets, newest} = this.receiver.progress;
			const at = now + this.#best;
			const queues = this.links.map(({waitingBytes}, path) => {
				return (8000 * waitingBytes) / (this.#case.links[path]!.rate ?? Number.POSITIVE_INFINITY);
			});
			this.#reports.push({at, packets: packets.slice(0, 4), newest: newest.slice(0, 4), queues});
		}
		while (this.#reports[0] !== undefined && this.#reports[0].at <= now) {
			const {packets, newest, queues} = this.#reports.shift()!;
			this.#queues = queues;
			let isSilent = false;
			this.meters.forEach((meter, path) => {
				const before = meter.silent;
				const overdue = now - 2 * (this.#case.links[path]!.delay ?? 0) - 40 - (queues[path] || 0);
				meter.report(packets[path]!, newest[path]!, overdue, now);
				if (before < SILENT && meter.silent >= SILENT) isSilent = true;
			});
			if (isSilent) this.#leaveSilent();
		}
		if (this.loop === undefined || now < this.#planAt) return;
		this.#planAt = now + 100;
		this.#replan();
	}

	#leaveSilent(): void {
		if (this.loop === undefined) return;
		const {within} = this.#case;
		const {coded} = this.sender.plan;
		this.#replan();
		if (!coded) return;
		const lost = Math.ceil(within / (this.sender.slot || 1) / Math.max(1, this.meters.length));
		this.sender.cover(lost + 2, this.now);
	}

	#replan(): void {
		const {now, loop} = this;
		if (loop === undefined) return;
		const slot = this.sender.slot || 1000 / this.#case.rate;
		const {received, recovered, missing, late} = this.receiver.counts;
		const paths = this.meters.flatMap((meter, path) => ({
			path,
			loss: meter.silent >= SILENT ? 0.9 : meter.loss(now),
			recentLoss: meter.recentLoss(now),
			settled: meter.settled,
			arrived: meter.arrived,
			delay: (this.#case.links[path]!.delay ?? 0) - this.#best,
			delivered: meter.rate(now, 1000),
		}));
		const counted = received + recovered + missing;
		const plan = loop.update(
			{
				paths,
				rate: 1 / slot,
				bytes: this.sender.bytes,
				mix: this.sender.mix,
				counted,
				failed: missing + late,
			},
			now,
		);
		if (plan !== undefined) this.sender.plan = plan;
	}

	/** Counts of the sources from one to before another. */
	between(from: number, to: number): {lost: number; late: number} {
		return this.ledger.between(from, to, this.#case.within);
	}

	/** Lets everything arrive and time out up to `time`. */
	#pass(time: Millis): void {
		for (;;) {
			let next = Math.min(this.sender.nextTimeout(), this.receiver.nextTimeout());
			if (this.loop !== undefined)
				next = Math.min(next, this.#reportAt, this.#planAt, this.#reports[0]?.at ?? NEVER);
			for (const link of this.links) next = Math.min(next, link.nextTimeout());
			if (next > time || next === NEVER) break;
			this.now = Math.max(this.now, next);
			this.links.forEach((link, path) => {
				for (let got = link.poll(this.now); got; got = link.poll(this.now))
					this.#arrive(got.item, path);
			});
			this.#poll();
			this.sender.handleTimeout(this.now);
			this.#control();
		}
		this.now = Math.max(this.now, time);
	}

	#arrive({sequence, packetNumber, count, symbol}: Flight, path: number): void {
		if (symbol === undefined) {
			const end = this.#lengthOf(sequence);
			const content = {bytes: this.#contentOf(sequence), start: 0, end};
			this.receiver.source(sequence, path, content, this.now);
			this.ledger.arrived(sequence, this.now);
		} else {
			const whole = {bytes: symbol, start: 0, end: symbol.length};
			this.receiver.repair({packetNumber, newest: sequence, count}, path, whole, this.now);
		}
		this.#poll();
	}

	#poll(): void {
		const {receiver, now} = this;
		for (let next = receiver.nextRecovered(now); next >= 0; next = receiver.nextRecovered(now)) {
			if (this.ledger.has(next)) throw new Error(`${next} was recovered though it was there`);
			const content = this.#contentOf(next);
			const start = receiver.contentStart(next);
			const length = this.#lengthOf(next);
			let wrong = receiver.contentEnd(next) - start - length;
			for (let i = 0; i < length; i++) {
				if (this.#memory.kernel.bytes[start + i] !== content[i]) wrong++;
			}
			if (wrong !== 0) throw new Error(`${next} was recovered wrong`);
			this.ledger.recovered(next, now);
		}
	}

	#figures(): LaneFigures {
		const {sources} = this.#case;
		const first = this.ledger.oldest(sources);
		const {lost, late} = this.between(first, sources);
		const {sourceBytes, extraBytes} = this.sender.counts;
		return {
			sources,
			lost,
			late,
			recovered: this.receiver.counts.recovered,
			needless: this.ledger.needless(first, sources),
			traffic: 1 + extraBytes / sourceBytes,
			work: this.receiver.work / sources,
			delays: this.ledger.recoveries(first, sources),
		};
	}

	#lengthOf(index: number): number {
		return this.#case.size?.(index) ?? CODED;
	}

	#contentOf(index: number): Uint8Array {
		const content = this.#content;
		for (let i = 0; i < CODED; i++) content[i] = (index >> (8 * (i & 3))) + 31 * i;
		return content;
	}
}
