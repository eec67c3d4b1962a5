import {type Millis, NEVER} from '../../bytes/time.ts';
import {addCounts, createCounts, type SenderCounts} from '../../fec/sender-counts.ts';
import {type Policy, REDUNDANT} from '../../policy/policy.ts';
import {LaneKind, type LanesFrame, type LaneTerms, MAX_LANES} from '../../wire/frames/lane.ts';
import type {Coding, CodingShare} from '../coding.ts';
import type {LaneRoutedStatus, LaneStatus, PolicyObstacle, SourceCounts} from '../events.ts';
import type {ReceivedPacket} from '../packets/received-packet.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import type {LaneTotals} from '../totals.ts';
import {CodedInput} from './coded/input.ts';
import {CodedOutput} from './coded/output.ts';
import {BestDispatch} from './dispatch/best.ts';
import type {Dispatch} from './dispatch/dispatch.ts';
import {PinDispatch} from './dispatch/pin.ts';
import {RedundantDispatch} from './dispatch/redundant.ts';
import {Lane, type LaneInit} from './lane.ts';
import {LaneAnnouncer} from './lane-announcer.ts';
import {promiseOf, termsOf} from './lane-terms.ts';
import {RoutedSender} from './routed-sender.ts';

/** Coded lanes of a session, unless its user has another limit. */
const CODED_LANES = 8;

const NO_COUNTS: SourceCounts = {received: 0, recovered: 0, missing: 0, late: 0};

/** Limits of a user for its lanes. */
export interface LaneLimits {
	/** Largest traffic factor, of copies, too. */
	readonly traffic?: number | undefined;
	/** Coded lanes of a session. */
	readonly coded?: number | undefined;
	/** Its part in the memory of coded lanes. `undefined`: all of it. */
	readonly share?: CodingShare | undefined;
}

/** Inputs of a session's lanes. */
export interface LanesInit extends LaneInit {
	readonly paths: PathSet;
	/** Makes what coded lanes need. `undefined`: one of the ends knows no frames of lanes. */
	readonly coding: (() => Coding) | undefined;
	readonly limits: LaneLimits;
	readonly now: Millis;
}

/** A coded lane: what is sent, and what comes. */
interface CodedLane {
	readonly terms: LaneTerms;
	/** `undefined`: there are too many, so that this end sends in lane 0 and decodes nothing. */
	readonly output: CodedOutput | undefined;
	/** Made with the first source that comes. */
	input: CodedInput | undefined;
}

/** The lanes of one session, each made for the first flow that uses it. */
export class Lanes {
	/** Dispatch of streams and control frames, and of lane 0 unless its user has a limit. */
	readonly redundant: RedundantDispatch = new RedundantDispatch();
	/** Lane 0, which always is there. */
	readonly first: Lane;
	/** Way out of control frames. */
	readonly control: RoutedSender;
	/** Paths that a packet of a lane without a code takes at most. */
	readonly #mostCopies: number;
	/** Dispatch of lane 0. */
	readonly #firstDispatch: RedundantDispatch;
	readonly #init: LanesInit;
	readonly #all: Lane[] = [];
	/** Names of the policies of all lanes but lane 0. */
	readonly #names = new Map<Lane, string>();
	/** Ways out of the lanes that are not coded. */
	readonly #routedOutputs = new Map<Lane, RoutedSender>();
	/** Lanes by names and terms: a policy that is changed gets another one. */
	readonly #byTerms = new Map<string, Lane>();
	/** The same by the policies that were asked for since the last change. */
	readonly #byPolicy = new Map<Policy, Lane>();
	/** Policies in whose place lane 0 is used. */
	readonly #replaced = new Map<string, PolicyObstacle>();
	/** Lanes by their ids, of those that the peer knows. */
	readonly #byId: (Lane | undefined)[] = [];
	readonly #coded: (CodedLane | undefined)[] = [];
	/**
	 * The sequence behind the newest source, by the id of its lane, of those that came before the
	 * description and were read as any packet.
	 */
	readonly #early = new Map<number, number>();
	#codedCount = 0;
	/** Receiving directions of coded lanes of which a source came. */
	readonly inputs: CodedInput[] = [];
	readonly #announcer: LaneAnnouncer;
	/** Server: sequence of the newest LANES. `undefined`: none came. */
	#sequence: number | undefined;

	constructor(init: LanesInit) {
		this.#init = init;
		this.#mostCopies = Math.max(1, Math.floor(init.limits.traffic ?? Number.POSITIVE_INFINITY));
		this.control = new RoutedSender(init.sender, this.redundant);
		init.paths.observe(this.redundant, init.now);
		const isLimited = Number.isFinite(this.#mostCopies);
		this.#firstDispatch = isLimited ? this.#copiesOn(0) : this.redundant;
		const output = isLimited ? this.#routed(this.#firstDispatch, init.now) : this.control;
		this.first = new Lane(init, 0, output);
		this.#all.push(this.first);
		this.#routedOutputs.set(this.first, output);
		this.#announcer = new LaneAnnouncer((frames, at) => init.owner.sendControl(frames, at));
	}

	/** Number of paths that each packet of lane 0 takes. `0`: all. */
	set copies(copies: number) {
		this.redundant.copies = copies;
		this.#firstDispatch.copies = copies;
	}

	/** Returns the lane of a policy, which the peer learns of when it is new. */
	get(policy: Policy, now: Millis): Lane {
		let lane = this.#byPolicy.get(policy);
		if (lane === undefined) {
			lane = policy.name === REDUNDANT.name ? this.first : this.#ofTerms(policy, now);
			this.#byPolicy.set(policy, lane);
		}
		return lane;
	}

	#ofTerms(policy: Policy, now: Millis): Lane {
		const key = JSON.stringify([policy.name, termsOf(policy, 0, this.#init.paths)]);
		let lane = this.#byTerms.get(key);
		if (lane === undefined) {
			lane = this.#begin(policy, now);
			this.#byTerms.set(key, lane);
		}
		return lane;
	}

	/** Looks up anew the lane of each policy: policies, or the paths that they name, have changed. */
	forgetPolicies(): void {
		this.#byPolicy.clear();
	}

	/** Returns the lane that the peer knows by an id. `undefined`: there is none. */
	byId(id: number): Lane | undefined {
		return id === 0 ? this.first : this.#byId[id];
	}

	#begin(policy: Policy, now: Millis): Lane {
		const {paths, coding} = this.#init;
		const isKnown = coding !== undefined && this.#byId.length <= MAX_LANES;
		const id = isKnown ? Math.max(1, this.#byId.length) : 0;
		const terms = termsOf(policy, id, paths);
		if (terms.kind === LaneKind.CODED && (!isKnown || this.#isFull)) {
			return this.#replace(policy.name, coding === undefined ? 'unknown-to-peer' : 'too-many');
		}
		const lane = this.#make(terms, policy.name, now);
		if (lane.id > 0) this.#announcer.add(terms, now);
		return lane;
	}

	#make(terms: LaneTerms, policy: string, now: Millis): Lane {
		const output = this.#outputOf(terms, policy, now);
		const lane = new Lane(this.#init, terms.lane, output);
		if (output instanceof RoutedSender) this.#routedOutputs.set(lane, output);
		this.#all.push(lane);
		this.#names.set(lane, policy);
		if (terms.lane > 0) this.#byId[terms.lane] = lane;
		return lane;
	}

	/** Returns the name of the policy that a lane is of. */
	policyOf(lane: Lane): string {
		return this.#names.get(lane) ?? REDUNDANT.name;
	}

	/** Returns lane 0 in place of a policy's, which an event says once. */
	#replace(policy: string, obstacle: PolicyObstacle): Lane {
		const {context, number: session} = this.#init;
		if (!this.#replaced.has(policy) && this.#replaced.size < MAX_LANES) {
			this.#replaced.set(policy, obstacle);
			context.emit({type: 'policy-replaced', session, policy, obstacle});
		}
		return this.first;
	}

	/**
	 * The peer sends in a lane that is one too many: it is reported that nothing is recovered, so
	 * that copies come in place of repairs.
	 */
	#refuse(terms: LaneTerms): void {
		this.#byId[terms.lane] = this.#replace(terms.name, 'too-many');
		this.#coded[terms.lane] = {terms, output: undefined, input: undefined};
	}

	/** True when there are as many coded lanes as the user may have. */
	get #isFull(): boolean {
		return this.#codedCount >= (this.#init.limits.coded ?? CODED_LANES);
	}

	#outputOf(terms: LaneTerms, policy: string, now: Millis): RoutedSender | CodedOutput {
		switch (terms.kind) {
			case LaneKind.REDUNDANT:
				return this.#routed(this.#copiesOn(terms.number), now);
			case LaneKind.BEST:
				return this.#routed(new BestDispatch(this.#mostCopies), now);
			case LaneKind.PIN:
				return this.#routed(new PinDispatch(terms.number), now);
			case LaneKind.CODED:
				return this.#codedOutput(terms, policy, now);
		}
	}

	#copiesOn(copies: number): RedundantDispatch {
		const dispatch = new RedundantDispatch(this.#mostCopies);
		dispatch.copies = copies;
		return dispatch;
	}

	#routed(dispatch: Dispatch, now: Millis): RoutedSender {
		this.#init.paths.observe(dispatch, now);
		return new RoutedSender(this.#init.sender, dispatch);
	}

	#codedOutput(terms: LaneTerms, policy: string, now: Millis): CodedOutput {
		const {context, sender, paths, limits, number} = this.#init;
		const promise = promiseOf(terms, limits.traffic ?? Number.POSITIVE_INFINITY);
		const output = new CodedOutput({
			context,
			sender,
			paths,
			coding: this.#sharedCoding(),
			terms,
			policy,
			promise,
			number,
			unconfirmedSince: () => this.#announcer.unconfirmedSince,
			now,
		});
		paths.observe(output, now);
		this.#coded[terms.lane] = {terms, output, input: undefined};
		this.#codedCount++;
		return output;
	}

	#sharedCoding(): Coding {
		const {coding, limits} = this.#init;
		const whole = coding!();
		return limits.share?.of(whole) ?? whole;
	}

	/**
	 * Server: takes the lanes that the client describes; those that are known stay as they are.
	 * Returns the sequence to confirm. `undefined`: it is a late copy of what a newer one replaced.
	 */
	described({sequence, lanes}: LanesFrame, now: Millis): number | undefined {
		if (((sequence - (this.#sequence ?? sequence)) & 0xff) > 127) return undefined;
		this.#sequence = sequence;
		for (const terms of lanes) {
			if (this.#byId[terms.lane] !== undefined) continue;
			if (terms.kind === LaneKind.CODED && this.#isFull) this.#refuse(terms);
			else this.#make(terms, terms.name, now);
		}
		return sequence;
	}

	/** Server: sequence of the newest description, 0 before the first. */
	get describedSequence(): number {
		return this.#sequence ?? 0;
	}

	/** Client: reads LANES_KNOWN. */
	confirmed(sequence: number): void {
		this.#announcer.confirmed(sequence);
	}

	/** Returns the sending direction of a coded lane. `undefined`: there is no such lane. */
	output(id: number): CodedOutput | undefined {
		return this.#coded[id]?.output;
	}

	/** Returns the receiving direction of a coded lane. `undefined`: no source of it came. */
	input(id: number): CodedInput | undefined {
		return this.#coded[id]?.input;
	}

	/**
	 * Returns the receiving direction of a coded lane, made when it is new. `undefined`: there is no
	 * such lane.
	 * @param sequence that of the source which came
	 */
	inputFor(id: number, sequence: number): CodedInput | undefined {
		const coded = this.#coded[id];
		if (coded === undefined) {
			this.#early.set(id, behind(sequence, this.#early.get(id)));
			return undefined;
		}
		const {sender, paths} = this.#init;
		if (coded.input === undefined) {
			const {terms, output} = coded;
			const coding = this.#sharedCoding();
			const decodes = coding.decodes && output !== undefined;
			const {within} = promiseOf(terms, Number.POSITIVE_INFINITY);
			const early = this.#early.get(id);
			// None of those that were read may be recovered, whatever comes behind them now.
			const first = early === undefined ? sequence : behind(sequence - 1, early);
			const place = {lane: id, within, first, isFirst: early === undefined};
			coded.input = new CodedInput({coding, decodes, sender, paths, ...place});
			this.inputs.push(coded.input);
		}
		return coded.input;
	}

	/** Counts another copy of a packet for its path. */
	copied(packet: ReceivedPacket, now: Millis): void {
		const {inputs} = this;
		for (let i = 0; i < inputs.length; i++) inputs[i]!.copied(packet, now);
	}

	/** True while packets of any lane go out on the path. */
	carry(path: Path): boolean {
		if (this.redundant.paths.includes(path)) return true;
		for (const lane of this.#all) if (lane.carries(path)) return true;
		return false;
	}

	/** Returns the status of the lanes beside lane 0, of what it replaces, and of it beside these. */
	status(now: Millis): LaneStatus[] {
		const lanes = [...this.#names].map(([lane, policy]) => {
			const coded = lane.id > 0 ? this.#coded[lane.id] : undefined;
			const sending = coded?.output?.status(now);
			const receiving = coded?.input?.status(now);
			const obstacle = coded?.output?.obstacle;
			return {
				lane: lane.id,
				policy,
				obstacle,
				sending,
				receiving,
				routed: this.#routedStatus(lane),
			};
		});
		const replaced = [...this.#replaced].map(([policy, obstacle]) => ({lane: 0, policy, obstacle}));
		const others = [...lanes, ...replaced];
		if (others.length === 0 || this.first.datagrams === 0) return others;
		const routed = this.#routedStatus(this.first);
		return [...others, {lane: 0, policy: REDUNDANT.name, routed}];
	}

	#routedStatus(lane: Lane): LaneRoutedStatus | undefined {
		return this.#routedOutputs.get(lane)?.status(lane.datagrams);
	}

	/** Counts of what all lanes sent. */
	get counts(): SenderCounts {
		const sum = createCounts();
		for (const lane of this.#all) addCounts(sum, lane.counts);
		return sum;
	}

	/** Returns the counts of all lanes. */
	totals(): readonly LaneTotals[] {
		return this.#all.map((lane) => {
			const coded = lane.id > 0 ? this.#coded[lane.id] : undefined;
			return {
				policy: this.#names.get(lane) ?? REDUNDANT.name,
				datagrams: lane.datagrams,
				sending: lane.counts,
				reported: coded?.output?.planner.reported ?? NO_COUNTS,
				receiving: coded?.input?.counts ?? NO_COUNTS,
			};
		});
	}

	/** Datagrams that went out in parts, because no packet held them. */
	get split(): number {
		let split = 0;
		for (const lane of this.#all) split += lane.split;
		return split;
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		let next = this.#announcer.nextTimeout();
		if (this.#coded.length === 0) return next;
		for (const coded of this.#coded) {
			if (coded === undefined) continue;
			next = Math.min(next, coded.output?.nextTimeout() ?? NEVER);
			next = Math.min(next, coded.input?.nextTimeout() ?? NEVER);
		}
		return next;
	}

	/** Sends the repairs, reports and descriptions that are due. */
	handleTimeout(now: Millis): void {
		this.#announcer.handleTimeout(now);
		if (this.#coded.length === 0) return;
		for (const coded of this.#coded) {
			coded?.output?.handleTimeout(now);
			coded?.input?.handleTimeout(now);
		}
	}

	/** Sends the packets that wait for more datagrams. */
	flush(now: Millis): void {
		for (const lane of this.#all) lane.flush(now);
	}

	/** Drops the packets that wait for more datagrams: the session is over. */
	end(): void {
		for (const lane of this.#all) lane.end();
		for (const input of this.inputs) input.end();
	}
}

/** Returns the sequence behind another, or `least` when that is the later one, modulo 2^32. */
function behind(sequence: number, least: number | undefined): number {
	const next = (sequence + 1) >>> 0;
	return least === undefined || ((next - least) | 0) > 0 ? next : least;
}
