import type {Millis} from '../../bytes/time.ts';
import {type FixedTarget, type ForwardTarget, type Target, TargetKind} from '../../wire/address.ts';
import {RefusalCode} from '../../wire/constants.ts';
import {encodeFrame, type FrameCodec} from '../../wire/frames/codec.ts';
import {clientFrame} from '../../wire/frames/control.ts';
import type {Datagram} from '../../wire/frames/datagram.ts';
import {
	type FlowTarget,
	flowCloseFrame,
	flowRefusedFrame,
	targetKnownFrame,
	targetRefusedFrame,
	targetUnknownFrame,
} from '../../wire/frames/flow.ts';
import {type FlowLane, flowLaneFrame} from '../../wire/frames/lane.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {Span} from '../endpoint.ts';
import type {DatagramSink} from '../lane/datagram-reader.ts';
import type {Lane} from '../lane/lane.ts';
import {Outgoing} from '../lane/outgoing.ts';
import type {FrameTable} from '../packets/frame-table.ts';
import type {ReceivedTarget} from '../received-target.ts';
import {ReplayWindow, Seen} from '../replay-window.ts';
import type {AnnouncedTarget} from './announced-targets.ts';
import {Confirmations} from './confirmations.ts';
import type {FlowSession} from './flow-session.ts';
import {HoldQueue} from './hold-queue.ts';
import {SESSION_TARGETS} from './received-targets.ts';
import {
	endFlow,
	type FlowHome,
	type FlowOwner,
	type ServerFlow,
	type ServerFlowTable,
} from './server-flow-table.ts';

/** Flow ids remembered as used; older ones count as closed. */
const ID_SPAN = 65_536;
/** Least time between two confirmations of the same target. */
const CONFIRM_AGAIN: Millis = 10;
/** Answers to frames that name unknown flows, per second. */
const ANSWERS_PER_SECOND = 100;

/** An answer that waits for a path. */
export interface HeldAnswer {
	readonly flow: ServerFlow;
	/** Host that answered. `undefined`: the flow has only one target. */
	readonly source: AnnouncedTarget | undefined;
}

/** The parts of the server that a session's flows use. */
export interface ServerFlowsInit {
	readonly context: EndpointContext;
	readonly session: FlowSession;
	readonly table: ServerFlowTable;
	readonly owner: FlowOwner;
	/** Called with the id of a keyless client. Returns the owner of these flows from now on. */
	readonly identify: (id: Uint8Array, now: Millis) => FlowOwner;
	/** Longest wait of targets' datagrams for a path, 500 ms by default. */
	readonly holdAge?: Millis | undefined;
}

/**
 * The flows of one session at the server. A flow id is opened once and never again, so a late
 * DATAGRAM_TO cannot revive one; the same application in a later session gets its flow, and with it
 * its target socket, back by key.
 */
export class ServerFlows implements DatagramSink, FlowHome {
	readonly session: FlowSession;
	/** Datagrams of targets that wait for a path. */
	readonly held: HoldQueue<HeldAnswer>;
	readonly #init: ServerFlowsInit;
	readonly #byId = new Map<number, ServerFlow>();
	readonly #opened = new ReplayWindow(ID_SPAN);
	readonly #budget = {left: SESSION_TARGETS};
	readonly #confirmations = new Confirmations();
	readonly #outgoing = new Outgoing();
	/** Lane that FLOW_LANE named for a target whose datagram has not been read yet. */
	readonly #nextLane: FlowLane = {flow: -1, reference: 0, lane: 0};
	#owner: FlowOwner;
	#answers = 0;
	#answersSince: Millis = Number.NEGATIVE_INFINITY;

	constructor(init: ServerFlowsInit) {
		this.session = init.session;
		this.#init = init;
		this.#owner = init.owner;
		this.held = new HoldQueue(init.context.drops, init.holdAge, init.owner.user.memory);
	}

	/** Flows that the session uses. */
	get size(): number {
		return this.#byId.size;
	}

	/** Registers for the frames about flows. */
	register(frames: FrameTable): void {
		const {flow: record, client, flowLane} = this.#init.context.records;
		frames.on(targetKnownFrame, record, ({flow, reference}) => {
			this.#byId.get(flow)?.sources?.setKnown(reference, true);
		});
		frames.on(targetUnknownFrame, record, ({flow, reference}) => {
			this.#byId.get(flow)?.sources?.setKnown(reference, false);
		});
		frames.on(flowCloseFrame, record, ({flow}) => this.#closed(flow));
		frames.on(flowLaneFrame, flowLane, (frame) => this.#chooseLane(frame));
		// Only a server refuses.
		frames.on(flowRefusedFrame, record, () => {});
		frames.on(targetRefusedFrame, record, () => {});
		frames.on(clientFrame, client, ({clientId}, _packet, now) => {
			this.#owner = this.#init.identify(clientId, now);
		});
	}

	/** Takes the lane of a flow or of one of its targets; of one to come until its datagram. */
	#chooseLane({flow: id, reference, lane}: FlowLane): void {
		const flow = this.#byId.get(id);
		if (flow !== undefined && this.#setLane(flow, reference, lane)) return;
		const next = this.#nextLane;
		next.flow = id;
		next.reference = reference;
		next.lane = lane;
	}

	/** False: the target is not known yet. */
	#setLane(flow: ServerFlow, reference: number, lane: number): boolean {
		if (flow.targets === undefined) {
			flow.laneId = lane;
			flow.lane = undefined;
			return true;
		}
		const target = flow.targets.peek(reference);
		if (target === undefined) return false;
		target.lane = lane;
		this.#answerIn(flow, target.address, lane);
		return true;
	}

	/** Sends the answers of an address, encoded, in that lane from now on. */
	#answerIn({lanes, laneId, sources}: ServerFlow, address: Uint8Array, lane: number): void {
		if (lanes === undefined || (lanes.get(address) ?? laneId) === lane) return;
		lanes.set(address, lane);
		sources?.forgetLanes();
	}

	/** Notes the address that a target of a flow, which is a name, led to. */
	reached(flow: ServerFlow, reference: number, address: Uint8Array): void {
		const target = flow.targets?.peek(reference);
		if (target === undefined) return;
		target.address = address;
		this.#answerIn(flow, address, target.lane);
	}

	/** Returns the lane that was named for the target which is announced now; else lane 0. */
	#takeNextLane(flow: number, reference: number): number {
		const next = this.#nextLane;
		const isNamed = next.flow === flow && next.reference === reference;
		next.flow = -1;
		return isNamed ? next.lane : 0;
	}

	datagram(datagram: Datagram, now: Millis): DropReason | undefined {
		const {flow: id, reference} = datagram;
		const flow = this.#byId.get(id);
		if (flow === undefined) {
			const closed = this.#opened.peek(id) !== Seen.FRESH;
			this.#answer(closed ? flowCloseFrame : targetUnknownFrame, id, reference, now);
			return 'unknown-flow';
		}
		const target = flow.targets?.get(reference, now);
		// Never guessed: without its target a datagram goes nowhere, and the client announces it again.
		if (flow.targets === undefined ? reference !== 0 : target === undefined) {
			this.#answer(targetUnknownFrame, id, reference, now);
			return 'unknown-target';
		}
		this.#deliver(flow, target ?? flow.forward, datagram, now);
		return undefined;
	}

	datagramTo(datagram: Datagram, target: Target, now: Millis): DropReason | undefined {
		const {flow: id, reference} = datagram;
		const lane = this.#takeNextLane(id, reference);
		let flow = this.#byId.get(id);
		if (flow === undefined) {
			if (this.#opened.peek(id) !== Seen.FRESH) {
				this.#answer(flowCloseFrame, id, reference, now);
				return 'unknown-flow';
			}
			const opened = this.#open(id, target, lane, now);
			if (typeof opened === 'string') return opened;
			flow = opened;
		}
		if (target.kind === TargetKind.FIXED || target.kind === TargetKind.FORWARD) {
			// A flow never gets another target: a datagram must not reach a host that it was not sent to.
			if (flow.key !== keyOf(target) || reference !== 0) return 'unknown-target';
			this.#confirm(flow, id, reference, now);
			this.#deliver(flow, flow.forward, datagram, now);
			return undefined;
		}
		const isNew = flow.targets?.peek(reference) === undefined;
		const learned = flow.targets?.learn(reference, target, now);
		if (learned === undefined) return 'unknown-target';
		// A new one without FLOW_LANE is in lane 0, whatever that of the flow is.
		if (isNew || lane !== 0) this.#setLane(flow, reference, lane);
		this.#confirm(learned, id, reference, now);
		this.#deliver(flow, learned, datagram, now);
		return undefined;
	}

	#confirm(pair: {confirmed: Millis}, id: number, reference: number, now: Millis): void {
		if (now - pair.confirmed < CONFIRM_AGAIN) return;
		pair.confirmed = now;
		this.#confirmations.add(id, reference, now);
	}

	#open(id: number, target: Target, lane: number, now: Millis): ServerFlow | DropReason {
		const {kind} = target;
		const {user} = this.#owner;
		if (kind === TargetKind.FIXED ? !user.fixedTarget : !user.exit) {
			return this.#turnDown(id, RefusalCode.NO_TARGET, now);
		}
		// What applications choose ends with the session, so it is never looked up by key again.
		const single = kind === TargetKind.FIXED || kind === TargetKind.FORWARD;
		const key = single ? keyOf(target) : ` ${this.session.number} ${id}`;
		let flow = this.#owner.flows.get(key);
		if (flow === undefined) {
			if (!this.#hasRoom(now)) return this.#turnDown(id, RefusalCode.LIMIT, now);
			if (!user.mayOpen(now)) return this.#turnDown(id, RefusalCode.RATE, now);
			const budget = single ? undefined : this.#budget;
			const forward = kind === TargetKind.FORWARD ? target.to : undefined;
			flow = this.#init.table.open(this.#owner, key, {budget, forward}, now);
		}
		this.#opened.accept(id);
		flow.session?.unbind(flow);
		flow.session = this;
		flow.laneId = lane;
		flow.lane = undefined;
		flow.id = id;
		this.#byId.set(id, flow);
		return flow;
	}

	/** True when there is room for one more flow; the one idle longest may have to end for it. */
	#hasRoom(now: Millis): boolean {
		const {user} = this.#owner;
		if (user.flows < user.flowLimit) return true;
		const idle = this.#init.table.oldestIdle(now, user);
		if (idle !== undefined) endFlow(idle, this.#init, now);
		return idle !== undefined;
	}

	#turnDown(id: number, code: number, now: Millis): DropReason {
		this.#count(code, now);
		if (this.#mayAnswer(now)) this.#sendRefusal(id, code, now);
		return code === RefusalCode.NO_TARGET ? 'no-exit' : 'flow-limit';
	}

	#count(code: number, now: Millis): void {
		const {user} = this.#owner;
		if (!user.refused('flow', code, now)) return;
		this.#init.context.emit({type: 'refused', user: user.name, kind: 'flow', code});
	}

	#deliver(
		flow: ServerFlow,
		target: ReceivedTarget | undefined,
		{bytes, start, end}: Datagram,
		now: Millis,
	): void {
		flow.active = now;
		flow.received += end - start;
		const out = this.#init.context.deliver();
		out.flow = flow.handle;
		out.application = undefined;
		out.target = target;
		out.bytes = bytes;
		out.start = start;
		out.end = end;
	}

	/** Reports to the client that a target of a flow cannot be reached. */
	refuseTarget(flow: ServerFlow, reference: number, code: number, now: Millis): void {
		this.#count(code, now);
		if (!this.#mayAnswer(now)) return;
		const refusal = {flow: flow.id, reference, code};
		this.session.sendControl(encodeFrame(targetRefusedFrame, refusal), now);
	}

	/** Sends an answer of `source`, or of the only target, or holds it while no path is usable. */
	answer(
		flow: ServerFlow,
		source: AnnouncedTarget | undefined,
		answer: Span,
		now: Millis,
	): DropReason | undefined {
		flow.active = now;
		flow.sent += answer.end - answer.start;
		const lane = this.#laneOf(flow, source);
		if (lane.isUsable) return this.#sendAnswer(lane, flow, source, answer, now);
		const {bytes, start, end} = answer;
		this.held.push({flow, source}, bytes, start, end, now);
		if (!this.session.waiting) this.session.awaitRoute(now);
		return undefined;
	}

	/**
	 * Returns the lane of answers of `source`, or of the only target. One that the client has not
	 * described yet is lane 0 until then.
	 */
	#laneOf(flow: ServerFlow, source: AnnouncedTarget | undefined): Lane {
		const {firstLane} = this.session;
		if (source === undefined || flow.lanes === undefined) {
			flow.lane ??= this.session.laneById(flow.laneId);
			return flow.lane ?? firstLane;
		}
		source.lane ??= this.session.laneById(flow.lanes.get(source.encoded) ?? flow.laneId);
		return source.lane ?? firstLane;
	}

	#sendAnswer(
		lane: Lane,
		flow: ServerFlow,
		source: AnnouncedTarget | undefined,
		{bytes, start, end}: Span,
		now: Millis,
	): DropReason | undefined {
		const out = this.#outgoing;
		out.flow = flow.id;
		out.reference = source?.reference ?? 0;
		out.target = source === undefined || source.known ? undefined : source.encoded;
		out.prefix = lane.isCoded ? undefined : this.#confirmations.takePrefix();
		out.bytes = bytes;
		out.start = start;
		out.end = end;
		return lane.write(out, now);
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		return this.#confirmations.due;
	}

	/** Sends the confirmations that no answer took along. */
	handleTimeout(now: Millis): void {
		if (now < this.#confirmations.due) return;
		const frames = this.#confirmations.take();
		if (frames !== undefined) this.session.sendControl(frames, now);
	}

	/** Sends the answers that wait, if there is a path. */
	flush(now: Millis): void {
		if (!this.session.hasRoute) return;
		const ready = this.held.takeReady(now, ({flow, source}) => this.#isReady(flow, source));
		this.session.waiting = this.held.length > 0;
		for (const {flow: where, bytes} of ready) {
			const {flow, source} = where;
			if (flow.session !== this) continue;
			const answer = {bytes, start: 0, end: bytes.length};
			this.#sendAnswer(this.#laneOf(flow, source), flow, source, answer, now);
		}
	}

	/** True when the lane of an answer has a path, or the flow is gone. */
	#isReady(flow: ServerFlow, source: AnnouncedTarget | undefined): boolean {
		return flow.session !== this || this.#laneOf(flow, source).isUsable;
	}

	/** Releases a flow that another session took over or that is gone. */
	unbind(flow: ServerFlow): void {
		if (this.#byId.get(flow.id) === flow) this.#byId.delete(flow.id);
		flow.session = undefined;
		flow.lane = undefined;
	}

	/** Ends the session's part: flows with one target wait for the client's next session. */
	unbindAll(): void {
		this.held.clear();
		for (const flow of [...this.#byId.values()]) {
			if (flow.targets === undefined) this.unbind(flow);
			else {
				this.#init.table.remove(flow);
				this.#init.context.emit({type: 'flow-closed', flow: flow.handle});
			}
		}
	}

	/** Reports to the client that a flow is closed. */
	close(flow: ServerFlow, now: Millis): void {
		this.session.sendControl(encodeFrame(flowCloseFrame, {flow: flow.id}), now);
	}

	/** Reports to the client that a flow is refused. */
	refuse(flow: ServerFlow, code: number, now: Millis): void {
		this.#count(code, now);
		this.#sendRefusal(flow.id, code, now);
	}

	#mayAnswer(now: Millis): boolean {
		if (now - this.#answersSince >= 1000) {
			this.#answersSince = now;
			this.#answers = 0;
		}
		return this.#answers++ < ANSWERS_PER_SECOND;
	}

	#answer(codec: FrameCodec<FlowTarget>, flow: number, reference: number, now: Millis): void {
		if (!this.#mayAnswer(now)) return;
		this.session.sendControl(encodeFrame(codec, {flow, reference}), now);
	}

	#sendRefusal(flow: number, code: number, now: Millis): void {
		this.session.sendControl(encodeFrame(flowRefusedFrame, {flow, code}), now);
	}

	#closed(id: number): void {
		const flow = this.#byId.get(id);
		if (flow === undefined) return;
		this.#init.table.remove(flow);
		this.#init.context.emit({type: 'flow-closed', flow: flow.handle});
	}
}

function keyOf(target: FixedTarget | ForwardTarget): string {
	const key = `${target.listener}|${target.application}`;
	// The names are printable ASCII, so no name makes one kind look like the other.
	return target.kind === TargetKind.FIXED ? key : `${key}\n${target.to.encoded.join()}`;
}
