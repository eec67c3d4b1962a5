import {IP_UDP_OVERHEAD} from '../../../bytes/overhead.ts';
import {HEAD_ROOM, type Slot} from '../../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../../bytes/time.ts';
import type {LanePromise} from '../../../fec/policy-loop.ts';
import {CodedSender, type SenderPort} from '../../../fec/sender.ts';
import {meanTraffic, type SenderCounts} from '../../../fec/sender-counts.ts';
import {BASE_PACKET_SIZE, DATA_OVERHEAD} from '../../../wire/constants.ts';
import type {Payload} from '../../../wire/frames/codec.ts';
import {
	LANE_LENGTH,
	type LanePlace,
	type LaneReport,
	type LaneTerms,
	laneFrame,
	REPAIR_HEAD_LENGTH,
	type RepairFrame,
	repairFrame,
} from '../../../wire/frames/lane.ts';
import {SYMBOL_HEAD_LENGTH} from '../../../wire/symbol.ts';
import type {Coding} from '../../coding.ts';
import type {EndpointContext} from '../../context.ts';
import type {LaneSendingStatus, PolicyObstacle, PromiseStatus} from '../../events.ts';
import {NOT_SENT, type PacketSender} from '../../packets/packet-sender.ts';
import {Route} from '../../packets/route.ts';
import type {Path} from '../../path/path.ts';
import type {PathSet, PathsObserver} from '../../path/path-set.ts';
import {Sent} from '../../sent.ts';
import {takeLast} from '../dispatch/ranking.ts';
import type {LaneOutput} from '../lane-output.ts';
import {mayUse} from '../lane-terms.ts';
import {LanePlanner} from './planner.ts';

/** Bytes of a packet that a coded lane needs itself: of a repair, which is the longer kind. */
const CODED_OVERHEAD = REPAIR_HEAD_LENGTH + SYMBOL_HEAD_LENGTH;
/** Bytes of a repair's packet on the wire beside its symbol. */
const REPAIR_OVERHEAD = IP_UDP_OVERHEAD + DATA_OVERHEAD + REPAIR_HEAD_LENGTH;
/** Time between two plans while packets go out. */
const PLAN_EVERY: Millis = 100;
/** Queue beside jitter above which a path carries no repairs, whatever the deadline. */
const LONGEST_QUEUE: Millis = 20;
const JITTER = 2;
/** Sources of which the receiver counts some, if it counts at all, and the time that it has. */
const COUNTED_SOURCES = 100;
const COUNTED_WITHIN: Millis = 5000;
/** Time beyond a round trip in which a description of lanes is confirmed, unless it was lost. */
const CONFIRMED_WITHIN: Millis = 200;
/** Repairs sent beyond those that make up for what a silent path swallowed. */
const SPARE_REPAIRS = 2;

/** Inputs of the sending direction of a coded lane. */
export interface CodedOutputInit {
	readonly context: EndpointContext;
	readonly sender: PacketSender;
	readonly paths: PathSet;
	readonly coding: Coding;
	readonly terms: LaneTerms;
	/** Name of the policy, for events. */
	readonly policy: string;
	readonly promise: LanePromise;
	/** Number of the session, for events. */
	readonly number: number;
	/** Time since which the newest lane is announced in vain. `NEVER`: the peer knows all. */
	readonly unconfirmedSince: () => Millis;
	readonly now: Millis;
}

/** The sending direction of a coded lane: every datagram once, and repairs. */
export class CodedOutput implements LaneOutput, PathsObserver, SenderPort {
	readonly isCoded = true;
	packetSize: number = BASE_PACKET_SIZE - CODED_OVERHEAD;
	readonly planner: LanePlanner;
	readonly promise: LanePromise;
	readonly sender: CodedSender;
	/** Reason why copies go out in place of repairs. `undefined`: none. */
	obstacle: PolicyObstacle | undefined = undefined;
	readonly #context: EndpointContext;
	readonly #session: number;
	readonly #policy: string;
	readonly #packets: PacketSender;
	readonly #paths: PathSet;
	readonly #terms: LaneTerms;
	readonly #unconfirmedSince: () => Millis;
	/** Paths that it may use now. */
	#usable: readonly Path[] = [];
	/** Filled anew for each packet. */
	readonly #route = new Route();
	readonly #ids: number[] = [];
	readonly #place: LanePlace;
	readonly #repair: RepairFrame;
	readonly #content: Payload = {bytes: new Uint8Array(0), start: 0, end: 0};
	/** Time by which the receiver has to count something. */
	#countedBy: Millis = NEVER;
	/** Set when an event said that repairs are for nothing. */
	#isSaid = false;
	#now: Millis;
	#planAt: Millis;

	constructor(init: CodedOutputInit) {
		const {context, sender, paths, coding, terms, promise, now} = init;
		this.#context = context;
		this.#session = init.number;
		this.#policy = init.policy;
		this.#packets = sender;
		this.#paths = paths;
		this.#terms = terms;
		this.#unconfirmedSince = init.unconfirmedSince;
		this.promise = promise;
		this.#now = now;
		this.#planAt = now;
		this.#place = {lane: terms.lane, sequence: 0};
		this.#repair = {
			lane: terms.lane,
			newest: 0,
			count: 0,
			bytes: new Uint8Array(0),
			start: 0,
			end: 0,
		};
		this.planner = new LanePlanner(promise, REPAIR_OVERHEAD, now);
		this.sender = new CodedSender({
			memory: coding.memory,
			format: coding.format,
			first: 0,
			plan: this.planner.plan,
			port: this,
			random: context.environment.random,
		});
	}

	get ended(): boolean {
		return this.#packets.ended;
	}

	get counts(): SenderCounts {
		return this.sender.counts;
	}

	get isUsable(): boolean {
		return this.#usable.length > 0;
	}

	carries(path: Path): boolean {
		const {sources, repairs} = this.sender.plan;
		return sources.includes(path.id) || repairs?.includes(path.id) === true;
	}

	pathsChanged(paths: readonly Path[], now: Millis): void {
		this.#usable = usableOf(paths, this.#terms);
		const sizes = this.#usable.map(({mtu}) => mtu.confirmed);
		this.packetSize = (sizes.length === 0 ? BASE_PACKET_SIZE : Math.min(...sizes)) - CODED_OVERHEAD;
		this.#plan(now);
	}

	take(): Slot | undefined {
		return this.#packets.take();
	}

	giveBack(slot: Slot): void {
		this.#packets.giveBack(slot);
	}

	sendData(slot: Slot, now: Millis): boolean {
		const content = this.#content;
		content.bytes = slot.bytes;
		content.start = slot.start;
		content.end = slot.end;
		this.#place.sequence = (this.sender.encoder.newest + 1) >>> 0;
		slot.start -= LANE_LENGTH;
		laneFrame.encode(slot.bytes, slot.start, this.#place);
		const bytes = this.#packets.lengthOf(slot);
		this.#now = now;
		this.#chooseRoute(bytes, now);
		// A sequence is taken only by a packet that a path takes; the content is read before it is
		// sealed in place.
		if (this.#route.count > 0) this.#note(bytes + IP_UDP_OVERHEAD, now);
		const isSent = this.#packets.send(slot, this.#route, now, Sent.DATA) !== NOT_SENT;
		this.sender.coverTurn(now);
		return isSent;
	}

	#chooseRoute(bytes: number, now: Millis): void {
		const route = this.#route;
		route.clear();
		const count = this.sender.route(bytes, this.#ids);
		for (let i = 0; i < count; i++) {
			const path = this.#paths.get(this.#ids[i]!);
			if (path !== undefined) route.add(path);
		}
		if (route.count === 0) takeLast(this.#usable, bytes, now, route);
	}

	#note(bytes: number, now: Millis): void {
		const {paths, count} = this.#route;
		const sequence = this.sender.add(this.#content, bytes, count, now);
		for (let i = 0; i < count; i++) {
			const {id} = paths[i]!;
			this.sender.charge(id, bytes);
			this.planner.meter(id).send(sequence, now);
		}
	}

	admits(id: number, bytes: number): boolean {
		return this.#paths.get(id)?.admits(bytes, this.#now) === true;
	}

	sendRepair(id: number, count: number, now: Millis): number {
		const path = this.#paths.get(id);
		if (path === undefined || !this.#hasRoom(path)) return 0;
		const {encoder} = this.sender;
		const bytes = DATA_OVERHEAD + REPAIR_HEAD_LENGTH + encoder.symbolLength(count);
		if (!path.admitsBeside(bytes, now)) return 0;
		const slot = this.#packets.take();
		if (slot === undefined) return 0;
		const repair = this.#repair;
		repair.newest = encoder.newest;
		repair.count = count;
		const at = repairFrame.encodeHead(slot.bytes, HEAD_ROOM, repair);
		const end = encoder.repair(this.#packets.nextPacketNumber, count, slot.bytes, at);
		if (end < 0) {
			this.#packets.giveBack(slot);
			return 0;
		}
		slot.start = HEAD_ROOM;
		slot.end = end;
		const route = this.#route;
		route.clear();
		route.add(path);
		this.#packets.send(slot, route, now, Sent.DATA);
		this.planner.meter(id).send(repair.newest, now);
		return bytes + IP_UDP_OVERHEAD;
	}

	/** True while a repair would not wait for long. */
	#hasRoom({sendDelay, rtt}: Path): boolean {
		const queue = sendDelay.queueing ?? 0;
		return queue <= Math.min(this.promise.within / 2, LONGEST_QUEUE + JITTER * rtt.variation);
	}

	/** Takes a report of the receiver; leaves a path that proves silent at once. */
	reported(report: LaneReport, now: Millis): void {
		const {noDecoder} = this.planner;
		// Copies went over other paths anyway.
		const {coded} = this.sender.plan;
		const isSilent = this.planner.report(report, this.#usable, this.sender.slot, now);
		this.#judge(now);
		if (isSilent || noDecoder !== this.planner.noDecoder) this.#plan(now);
		if (!isSilent || !coded) return;
		const slot = this.sender.slot || 1;
		const lost = Math.ceil(this.promise.within / slot / Math.max(1, this.#usable.length));
		this.sender.cover(lost + SPARE_REPAIRS, now);
	}

	endTurn(now: Millis): void {
		if (now >= this.#planAt) this.#plan(now);
		this.sender.flush(now);
	}

	#plan(now: Millis): void {
		this.#planAt = now + PLAN_EVERY;
		this.#noteObstacle(now);
		this.planner.isDoubted = this.#isDoubted(now);
		this.sender.plan = this.planner.update(this.#usable, this.sender, now);
	}

	/** True while the peer may not know the lane, so that repairs would be for nothing. */
	#isDoubted(now: Millis): boolean {
		if (this.planner.isCounted) return false;
		const rtt = this.#usable.reduce((most, path) => Math.max(most, path.rtt.smoothed), 0);
		return now - this.#unconfirmedSince() > rtt + CONFIRMED_WITHIN;
	}

	/** Emits an event when the promise is found to be broken. */
	#judge(now: Millis): void {
		const {watch, loop} = this.planner;
		if (!watch.isNews(() => loop.needed() <= loop.allowed, now)) return;
		this.#context.emit({
			type: 'promise-broken',
			session: this.#session,
			policy: this.#policy,
			promise: this.#promiseStatus(),
			needed: finite(loop.needed()),
			allowed: loop.allowed,
			reached: watch.residual(now),
		});
	}

	/** Notes why repairs are for nothing, if they are. */
	#noteObstacle(now: Millis): void {
		const {planner} = this;
		const {sources} = this.sender.counts;
		if (sources < COUNTED_SOURCES) this.#countedBy = now + COUNTED_WITHIN;
		else if (!planner.isCounted && now >= this.#countedBy) planner.noDecoder = true;
		const obstacle = planner.isCounted ? 'not-recovered' : 'not-counted';
		this.obstacle = planner.noDecoder ? obstacle : undefined;
		if (this.obstacle === undefined || this.#isSaid) return;
		this.#isSaid = true;
		this.#context.emit({
			type: 'policy-replaced',
			session: this.#session,
			policy: this.#policy,
			obstacle,
		});
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		return this.#packets.ended ? NEVER : this.sender.nextTimeout();
	}

	/** Covers the last sources when nothing followed them. */
	handleTimeout(now: Millis): void {
		this.sender.handleTimeout(now);
	}

	/** Returns the status of this direction. */
	status(now: Millis): LaneSendingStatus {
		const {plan, counts} = this.sender;
		const {sources, copies, repairs} = counts;
		const {loop, watch, reported} = this.planner;
		return {
			promise: this.#promiseStatus(),
			coded: plan.coded,
			traffic: plan.traffic,
			meanTraffic: meanTraffic(counts),
			reason: loop.reason,
			explanation: loop.explain(),
			needed: finite(loop.needed()),
			allowed: loop.allowed,
			window: plan.window,
			sources,
			copies,
			repairs,
			sourcePaths: this.#namesOf(plan.sources),
			repairPaths: this.#namesOf(plan.coded ? (plan.repairs ?? plan.sources) : []),
			reported: {...reported},
			residual: watch.residual(now),
		};
	}

	#promiseStatus(): PromiseStatus {
		const {residual, within, traffic, floor, rate} = this.promise;
		return {residual, within, traffic, floor, rate};
	}

	#namesOf(ids: readonly number[]): string[] {
		return ids.map((id) => this.#paths.get(id)?.settings.name ?? '');
	}

	end(): void {
		this.sender.close();
	}
}

/**
 * Returns the paths that a lane may use: those that are not down; metered ones and backups only
 * where there are no others.
 */
function usableOf(paths: readonly Path[], terms: LaneTerms): readonly Path[] {
	const usable = paths.filter(
		(path) => path.open && path.state !== 'down' && mayUse(terms, path.id),
	);
	const plain = usable.filter(({settings}) => !settings.metered && !settings.backup);
	if (plain.length > 0) return plain;
	const metered = usable.filter(({settings}) => !settings.backup);
	return metered.length > 0 ? metered : usable;
}

/** Returns a number. `undefined`: it is infinite. */
function finite(value: number): number | undefined {
	return Number.isFinite(value) ? value : undefined;
}
