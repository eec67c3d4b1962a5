import type {Random} from '../bytes/random.ts';
import {type Millis, NEVER} from '../bytes/time.ts';
import {Encoder, MAX_WINDOW} from './encoder.ts';
import {LengthMeter, type LengthMix, SHORT_PART} from './length-mix.ts';
import {MAX_PATHS} from './path-progress.ts';
import type {Plan} from './plan.ts';
import {createCounts, type SenderCounts} from './sender-counts.ts';
import type {SymbolFormat} from './symbol-format.ts';
import type {SymbolMemory} from './symbol-memory.ts';

/** Sources in one turn beyond which repairs wait for the end of the burst. */
const BURST = 4;
/** A pause is at least this long. */
const LEAST_PAUSE: Millis = 2;
/** Repairs that may go out ahead of what the traffic factor allows, to end a burst. */
const MAX_DEBT = 2;
/** Packets that a path which was away makes up for, at most. */
const MAX_LAG = 8;
/** Packets shorter than this part of the window's longest go as copies. */
const SHORT = 1 / 5;
/** One packet in so many also goes over paths that carry nothing else of the lane. */
const SAMPLE_EVERY = 50;
/** Look back of the mean time between sources, which has at least so many of them. */
const SLOT_TIME: Millis = 250;
const SLOT_SOURCES = 32;
/** Packets by which the paths' shares may differ for the sake of an order. */
const BALANCE = 2;
/** Gaps beyond this many slots are pauses: they do not count as a slot. */
const LONGEST_GAP: Millis = 1000;
/** Chance of leaving a path out in a rotation, so that no period of T meets one of the paths. */
const SKIP_OF_256 = 16;

/** Way out for repairs. */
export interface SenderPort {
	/** True while the path takes a packet now. */
	admits(path: number, bytes: number): boolean;
	/**
	 * Sends a repair over the last `count` sources; returns bytes on the wire, headers included, 0
	 * when it was not sent.
	 */
	sendRepair(path: number, count: number, now: Millis): number;
}

/**
 * The sending end of one direction of a coded lane. For each source: `route`, then `add` when a
 * path took it; at the end of the turn `flush`.
 */
export class CodedSender {
	readonly counts: SenderCounts = createCounts();
	readonly encoder: Encoder;
	#plan: Plan;
	readonly #port: SenderPort;
	#jitter: number;
	/** Bytes that repairs may take now. */
	#credit = 0;
	/** Bytes of these that copies of short packets may take. */
	#shortCredit = 0;
	/** Bytes of the longest packet in the window, about. */
	#longest = 0;
	/** Copies that are due, in sources. */
	#copies = 0;
	/** Bytes of sources, and of repairs, that each path carried, in about. */
	readonly #sourceLoads = new Float64Array(MAX_PATHS);
	readonly #repairLoads = new Float64Array(MAX_PATHS);
	#last = -1;
	#untilSample = SAMPLE_EVERY;
	/** Sources of this turn, and since the last repair. */
	#turn = 0;
	#uncovered = 0;
	readonly #lengths = new LengthMeter();
	/** Sources of late, and the time between them; both fade. */
	#recent = 0;
	#recentTime: Millis = 0;
	#lastAt: Millis = Number.NEGATIVE_INFINITY;
	#pauseAt: Millis = NEVER;

	constructor(init: {
		readonly memory: SymbolMemory;
		readonly format: SymbolFormat;
		readonly first: number;
		readonly plan: Plan;
		readonly port: SenderPort;
		readonly random: Random;
	}) {
		this.encoder = new Encoder(init.memory, init.format, init.first);
		this.#plan = init.plan;
		this.#port = init.port;
		this.#jitter = init.random.uint32();
	}

	/** Plan by which it sends, its paths 0 to 63. */
	get plan(): Plan {
		return this.#plan;
	}

	set plan(plan: Plan) {
		if (plan === this.#plan) return;
		this.#plan = plan;
		// A path that was in no plan for a while does not make up for what it missed.
		const {sources, repairs = sources} = plan;
		catchUp(sources, this.#sourceLoads, MAX_LAG * this.#longest);
		catchUp(repairs, this.#repairLoads, MAX_LAG * this.#longest);
	}

	/** False: for want of memory it makes no repairs. */
	get isCoding(): boolean {
		return this.encoder.isKeeping;
	}

	/** Mean bytes of a source's packet on the wire. 0: not known yet. */
	get bytes(): number {
		return this.#lengths.bytes;
	}

	/** Mix of the lengths of packets. */
	get mix(): LengthMix {
		return this.#lengths.read();
	}

	/** Mean time between two sources. 0: not known yet. */
	get slot(): Millis {
		return this.#recent === 0 ? 0 : this.#recentTime / this.#recent;
	}

	/**
	 * Fills `out` with the paths of the next source, the first of which carries the original, and
	 * returns how many they are; 0: no path takes it now. What `out` has behind them stays, as an
	 * array that is emptied lets its memory go.
	 * @param bytes of the packet on the wire
	 */
	route(bytes: number, out: number[]): number {
		const {plan} = this;
		const {sources} = plan;
		const copies = this.#copiesOf(bytes);
		const best = this.#next(sources, this.#sourceLoads);
		let count = 0;
		if (this.#port.admits(best, bytes)) out[count++] = best;
		const others = sources.length > 1 ? sources : (plan.repairs ?? sources);
		for (let i = 0; i < others.length && count < copies; i++) {
			const path = others[i]!;
			if (path !== best && this.#port.admits(path, bytes)) out[count++] = path;
		}
		if (--this.#untilSample > 0) return count;
		this.#untilSample = SAMPLE_EVERY;
		for (const path of plan.samples) if (this.#port.admits(path, bytes)) out[count++] = path;
		return count;
	}

	/** A path took the source that was routed last. */
	charge(path: number, bytes: number): void {
		this.#charge(path, bytes, this.#plan.sources, this.#sourceLoads);
	}

	/**
	 * Takes the content of a source that was sent over `paths` paths; returns its sequence.
	 *
	 * @param packetBytes of its packet on the wire
	 */
	add(
		content: {readonly bytes: Uint8Array; readonly start: number; readonly end: number},
		packetBytes: number,
		paths: number,
		now: Millis,
	): number {
		const {counts, plan} = this;
		const extra = (paths - 1) * packetBytes;
		counts.sources++;
		counts.copies += paths - 1;
		counts.sourceBytes += packetBytes;
		counts.extraBytes += extra;
		this.#longest = Math.max(packetBytes, this.#longest - this.#longest / 64);
		if (plan.coded) this.#earn((plan.traffic - 1) * packetBytes, extra);
		this.#turn++;
		this.#uncovered++;
		this.#measureSlot(now);
		const sequence = this.encoder.add(content.bytes, content.start, content.end);
		this.#lengths.add(packetBytes, this.#repairCost(1), this.#isShort(packetBytes));
		return sequence;
	}

	#earn(credit: number, spent: number): void {
		// What a plan leaves no room for must not take the repairs of a later one for long.
		this.#credit = Math.max(this.#credit + credit - spent, -2 * MAX_WINDOW * this.#longest);
		const left = this.#shortCredit + SHORT_PART * credit - spent;
		// Samples are copies of any length.
		this.#shortCredit = Math.max(0, Math.min(left, this.#longest));
	}

	/** Sends the repairs that are due in the middle of a turn that is longer than what one covers. */
	coverTurn(now: Millis): void {
		if (this.#uncovered >= this.plan.stride && this.plan.coded) this.#sendDue(now);
	}

	/** Ends a turn: sends the repairs that are due. */
	flush(now: Millis): void {
		if (this.#turn === 0 || !this.plan.coded) return;
		const isBurst = this.#turn > BURST && this.#uncovered < this.plan.window / 2;
		this.#turn = 0;
		if (!isBurst) this.#sendDue(now);
		this.#pauseAt = this.#uncovered > 0 ? now + Math.max(this.slot, LEAST_PAUSE) : NEVER;
	}

	/**
	 * Sends so many repairs at once, for sources that are found to be lost; fewer while those of
	 * another time are not made up for, so that the traffic factor holds.
	 */
	cover(repairs: number, now: Millis): void {
		const reach = this.#reach();
		const debt = -MAX_WINDOW * this.#longest;
		let left = Math.min(repairs, reach);
		while (left-- > 0 && this.#credit > debt && this.#sendRepair(reach, now));
	}

	/** End of the pause after which the last sources are covered. */
	nextTimeout(): Millis {
		return this.#pauseAt;
	}

	/** Lets time pass; may be called early. */
	handleTimeout(now: Millis): void {
		if (now < this.#pauseAt) return;
		this.#pauseAt = NEVER;
		const reach = this.#reach();
		this.#sendDue(now);
		const debt = -(MAX_DEBT - 1) * this.#longest;
		let least = this.#uncovered > 0 ? this.plan.pauseRepairs : 0;
		while (least-- > 0 && this.#credit > debt && this.#sendRepair(reach, now));
	}

	/** Gives all memory back. */
	close(): void {
		this.encoder.close();
		this.#pauseAt = NEVER;
	}

	/** Paths that a source is to go over. */
	#copiesOf(bytes: number): number {
		const {plan} = this;
		if (plan.coded) return this.#isShort(bytes) && this.#shortCredit >= bytes ? 2 : 1;
		this.#copies += plan.traffic;
		const copies = Math.max(1, Math.floor(this.#copies));
		this.#copies -= copies;
		return copies;
	}

	#isShort(bytes: number): boolean {
		return bytes < SHORT * this.#longest;
	}

	/**
	 * Sources that the next repairs cover: those of the window, and after a burst twice those that
	 * no repair covers yet, so that what one burst lacks the next can make up for.
	 */
	#reach(): number {
		const reach = Math.max(this.plan.window, 2 * this.#uncovered);
		return Math.min(reach, this.encoder.count);
	}

	#sendDue(now: Millis): void {
		const reach = this.#reach();
		const cost = this.#repairCost(reach);
		this.#lengths.cover(cost);
		while (this.#credit >= cost && this.#sendRepair(reach, now));
		this.#credit = Math.min(this.#credit, cost);
	}

	/** Bytes that a repair takes on the wire, about. */
	#repairCost(count: number): number {
		return count === 0 ? NEVER : this.encoder.symbolLength(count) + this.plan.overhead;
	}

	#sendRepair(count: number, now: Millis): boolean {
		const {plan} = this;
		if (count === 0) return false;
		const paths = plan.repairs ?? plan.sources;
		const best = this.#next(paths, this.#repairLoads);
		for (let i = -1; i < paths.length; i++) {
			const path = i < 0 ? best : paths[i]!;
			if (i >= 0 && path === best) continue;
			const bytes = this.#port.sendRepair(path, count, now);
			if (bytes === 0) continue;
			this.#charge(path, bytes, paths, this.#repairLoads);
			this.counts.repairs++;
			this.counts.extraBytes += bytes;
			this.#credit -= bytes;
			this.#uncovered = 0;
			return true;
		}
		return false;
	}

	/**
	 * The path of a list that has carried the least, now and then the next: neighbours go over
	 * different paths while that keeps the balance, and no period of T meets one of them.
	 */
	#next(paths: readonly number[], loads: Float64Array): number {
		const slack = this.#longest * BALANCE;
		let first = -1;
		let second = -1;
		let firstLoad = 0;
		let secondLoad = 0;
		for (const path of paths) {
			const load = loads[path]! + (path === this.#last ? slack : 0);
			if (first < 0 || load < firstLoad) {
				second = first;
				secondLoad = firstLoad;
				first = path;
				firstLoad = load;
			} else if (second < 0 || load < secondLoad) {
				second = path;
				secondLoad = load;
			}
		}
		return second >= 0 && secondLoad - firstLoad < slack && this.#skips() ? second : first;
	}

	/** A path of a list carried a packet; one that was away does not make up for what it missed. */
	#charge(path: number, bytes: number, paths: readonly number[], loads: Float64Array): void {
		const load = loads[path]! + bytes;
		loads[path] = load;
		this.#last = path;
		raiseTo(paths, loads, load - MAX_LAG * bytes);
	}

	// A linear congruential generator (Numerical Recipes); its upper bits are random enough.
	#skips(): boolean {
		this.#jitter = (Math.imul(this.#jitter, 1_664_525) + 1_013_904_223) | 0;
		return this.#jitter >>> 24 < SKIP_OF_256;
	}

	#measureSlot(now: Millis): void {
		const gap = now - this.#lastAt;
		this.#lastAt = now;
		if (gap > LONGEST_GAP) return;
		const recent = this.#recent;
		const fading = recent * Math.max(0, 1 - gap / SLOT_TIME);
		const left = Math.max(fading, Math.min(recent, SLOT_SOURCES - 1));
		this.#recentTime = (recent === 0 ? 0 : (this.#recentTime * left) / recent) + gap;
		this.#recent = left + 1;
	}
}

/** Raises the loads of paths that are more than `lag` behind the largest among them. */
function catchUp(paths: readonly number[], loads: Float64Array, lag: number): void {
	let most = 0;
	for (const path of paths) most = Math.max(most, loads[path]!);
	raiseTo(paths, loads, most - lag);
}

function raiseTo(paths: readonly number[], loads: Float64Array, least: number): void {
	for (const path of paths) if (loads[path]! < least) loads[path] = least;
}
