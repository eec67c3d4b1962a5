import {HEAD_ROOM} from '../../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../../bytes/time.ts';
import {Arrival} from '../../../fec/decoder.ts';
import {CodedReceiver, firstExpected, LEAST_CAPACITY} from '../../../fec/receiver.ts';
import {ResidualMeter} from '../../../fec/residual.ts';
import {SymbolMemory} from '../../../fec/symbol-memory.ts';
import type {Payload} from '../../../wire/frames/codec.ts';
import {LaneReport, laneReportFrame, type RepairFrame} from '../../../wire/frames/lane.ts';
import type {Coding} from '../../coding.ts';
import type {LaneReceivingStatus, SourceCounts} from '../../events.ts';
import type {PacketSender} from '../../packets/packet-sender.ts';
import type {ReceivedPacket} from '../../packets/received-packet.ts';
import type {Path} from '../../path/path.ts';
import type {PathSet} from '../../path/path-set.ts';
import {Sent} from '../../sent.ts';
import {RecentSources} from './recent-sources.ts';

/** Least time between two reports. */
const REPORT_EVERY: Millis = 20;
/** Packets that are worth a report at once; fewer wait for longer. */
const WORTH_REPORT = 4;
const REPORT_FEW_EVERY: Millis = 100;
/** In place of a path: packets from an address that is not known yet. */
const NO_PATH = 63;

/** Inputs of the receiving direction of a coded lane. */
export interface CodedInputInit {
	readonly coding: Coding;
	/** False: nothing is recovered; what arrives is counted and reported. */
	readonly decodes: boolean;
	readonly sender: PacketSender;
	readonly paths: PathSet;
	readonly lane: number;
	/** Time from when a source is due until it is late. */
	readonly within: Millis;
	/** Sequence of its first source. */
	readonly first: number;
	/** False: others were read before, which must not be recovered. */
	readonly isFirst: boolean;
}

/**
 * The receiving direction of a coded lane, made with the first source that came: recovers what is
 * lost, and reports what came.
 */
export class CodedInput {
	readonly lane: number;
	readonly #init: CodedInputInit;
	readonly #receiver: CodedReceiver;
	readonly #report = new LaneReport();
	readonly #residual = new ResidualMeter();
	readonly #recent = new RecentSources();
	// Filled anew for each packet.
	readonly #content: Payload = {bytes: new Uint8Array(0), start: 0, end: 0};
	readonly #repair = {packetNumber: 0, newest: 0, count: 0};
	/** Packets that no report covers yet. */
	#unreported = 0;
	#reportedAt: Millis = Number.NEGATIVE_INFINITY;
	#reportAt: Millis = NEVER;
	/** Reports sent so far: they take the paths in turn. */
	#reports = 0;

	constructor(init: CodedInputInit) {
		const {memory: shared, format} = init.coding;
		const memory = init.decodes ? shared : new SymbolMemory(shared.kernel, 0);
		this.lane = init.lane;
		this.#init = init;
		this.#report.lane = init.lane;
		this.#receiver = new CodedReceiver({
			memory,
			format,
			capacity: LEAST_CAPACITY,
			first: init.isFirst ? firstExpected(init.first) : init.first,
			within: init.within,
		});
	}

	/** False: nothing is recovered, as there is no SIMD or no memory. */
	get recovers(): boolean {
		return this.#init.decodes && !this.#receiver.isShort;
	}

	/** Counts of its sources; they only rise. */
	get counts(): SourceCounts {
		return this.#receiver.counts;
	}

	/** Returns the status of this direction. */
	status(now: Millis): LaneReceivingStatus {
		const {received, recovered, missing, late} = this.#receiver.counts;
		const residual = this.#residual.read(now);
		return {received, recovered, missing, late, residual, recovers: this.recovers};
	}

	/**
	 * Takes a source, whose content is what the packet's cursor has left. False: it was recovered
	 * before, so that nothing in it is to be read.
	 */
	source(sequence: number, packet: ReceivedPacket, now: Millis): boolean {
		const {cursor, path, number} = packet;
		const content = this.#content;
		content.bytes = cursor.bytes;
		content.start = cursor.position;
		content.end = cursor.end;
		this.#noteArrival(now);
		this.#recent.add(number, sequence, idOf(path));
		return this.#receiver.source(sequence, idOf(path), content, now) !== Arrival.KNOWN;
	}

	/** Counts another copy of a source for its path; nothing in it is proven. */
	copied({number, path}: ReceivedPacket, now: Millis): void {
		const sequence = this.#recent.copy(number, idOf(path));
		if (sequence < 0) return;
		this.#noteArrival(now);
		this.#receiver.copy(sequence, idOf(path));
	}

	/** Takes a repair. */
	repair(repair: RepairFrame, {number, path}: ReceivedPacket, now: Millis): void {
		const place = this.#repair;
		place.packetNumber = number;
		place.newest = repair.newest;
		place.count = repair.count;
		this.#noteArrival(now);
		this.#receiver.repair(place, idOf(path), repair, now);
	}

	/** Returns the next source recovered. -1: there is none now. */
	nextRecovered(now: Millis): number {
		return this.#receiver.nextRecovered(now);
	}

	/** Copies the content of a recovered source to `target`, returns its length. */
	copyContent(sequence: number, target: Uint8Array): number {
		const start = this.#receiver.contentStart(sequence);
		const end = this.#receiver.contentEnd(sequence);
		target.set(this.#init.coding.memory.kernel.bytes.subarray(start, end));
		return end - start;
	}

	#noteArrival(now: Millis): void {
		this.#unreported++;
		const wait = this.#unreported < WORTH_REPORT ? REPORT_FEW_EVERY : REPORT_EVERY;
		this.#reportAt = Math.max(now, this.#reportedAt + wait);
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		return Math.min(this.#reportAt, this.#receiver.nextTimeout());
	}

	/** Sends a report if one is due. What may be recovered by now `nextRecovered` says. */
	handleTimeout(now: Millis): void {
		if (now < this.#reportAt) return;
		this.#reportAt = NEVER;
		this.#reportedAt = now;
		this.#unreported = 0;
		this.#fill(now);
		const path = this.#nextPath();
		const slot = path === undefined ? undefined : this.#init.sender.take();
		if (path === undefined || slot === undefined) return;
		slot.start = HEAD_ROOM;
		slot.end = laneReportFrame.encode(slot.bytes, HEAD_ROOM, this.#report);
		this.#init.sender.sendOn(slot, path, undefined, now, Sent.ANSWER);
	}

	#fill(now: Millis): void {
		const report = this.#report;
		const {received, recovered, missing, late} = this.#receiver.counts;
		const {packets, newest} = this.#receiver.progress;
		this.#residual.update(received + recovered + missing, missing + late, now);
		report.newest = this.#receiver.newest;
		report.noDecoder = !this.recovers;
		report.received = received >>> 0;
		report.recovered = recovered >>> 0;
		report.missing = missing >>> 0;
		report.late = late >>> 0;
		report.count = 0;
		for (const {id} of this.#init.paths.all) {
			if (packets[id] === 0) continue;
			report.pathIds[report.count] = id;
			report.packets[report.count] = packets[id]! >>> 0;
			report.pathNewest[report.count] = newest[id]!;
			report.count++;
		}
	}

	/** Returns the path of the next report: each that is up in turn, else each that is open. */
	#nextPath(): Path | undefined {
		const {all} = this.#init.paths;
		const turn = this.#reports++;
		for (const isUp of [true, false]) {
			for (let i = 0; i < all.length; i++) {
				const path = all[(turn + i) % all.length]!;
				if (path.open && (path.state === 'up') === isUp) return path;
			}
		}
		return undefined;
	}

	/** Gives back its memory: the session is over. */
	end(): void {
		this.#receiver.close();
		this.#reportAt = NEVER;
	}
}

function idOf(path: Path | undefined): number {
	return path?.id ?? NO_PATH;
}
