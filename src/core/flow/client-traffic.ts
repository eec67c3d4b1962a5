import type {Millis} from '../../bytes/time.ts';
import {type PolicyChooser, REDUNDANT} from '../../policy/policy.ts';
import {type HostTarget, type Target, TargetKind} from '../../wire/address.ts';
import {MAX_DATAGRAM} from '../../wire/constants.ts';
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
import {flowLaneFrame} from '../../wire/frames/lane.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {
	ApplicationDatagram,
	ClientConfig,
	ClientSettings,
	OpenDatagram,
	Span,
} from '../endpoint.ts';
import type {DatagramSink} from '../lane/datagram-reader.ts';
import type {Lane} from '../lane/lane.ts';
import {Outgoing} from '../lane/outgoing.ts';
import type {FrameTable} from '../packets/frame-table.ts';
import {RateLimit} from '../rate-limit.ts';
import type {ReceivedTarget} from '../received-target.ts';
import type {RemoteAddress} from '../remote-address.ts';
import type {AnnouncedTarget} from './announced-targets.ts';
import {type ClientFlow, ClientFlows} from './client-flows.ts';
import type {FlowSession} from './flow-session.ts';
import {HoldQueue} from './hold-queue.ts';
import {LaneChanges} from './lane-changes.ts';
import {factsOf} from './target-facts.ts';

/** Least time between two confirmations of the same source. */
const CONFIRM_AGAIN: Millis = 10;
/** Answers per second to frames that name unknown flows or sources. */
const ANSWERS_PER_SECOND = 100;

/** Destination of a datagram that waits. */
interface HeldDatagram {
	readonly flow: ClientFlow;
	/** The encoded target. `undefined`: the flow has only one. */
	readonly target: Uint8Array | undefined;
}

/** The datagrams of a client's applications: into the session, or held until there is one. */
export class ClientTraffic implements DatagramSink {
	readonly #context: EndpointContext;
	readonly flows: ClientFlows;
	readonly #held: HoldQueue<HeldDatagram>;
	/** Copies of the datagrams that went into a session that may be over. */
	readonly #copies = new HoldQueue<HeldDatagram>();
	/** True while the session may be over. */
	#suspects = false;
	/** Frames in front of announcements: CLIENT, in keyless mode. */
	#prefix: Uint8Array | undefined;
	readonly #answers = new RateLimit(ANSWERS_PER_SECOND, 1);
	#policies: PolicyChooser | undefined;
	/** Changes of lanes that the server learns of. */
	readonly laneChanges: LaneChanges = new LaneChanges((frames, now) =>
		this.#session?.sendControl(frames, now),
	);
	readonly #outgoing = new Outgoing();
	#session: FlowSession | undefined;
	/** True while datagrams may go out. */
	#ready = false;

	constructor(context: EndpointContext, config: ClientConfig) {
		this.#context = context;
		this.flows = new ClientFlows(config.listeners, config.flowIdle);
		this.#held = new HoldQueue(context.drops, config.holdAge);
		this.#prefix = identityOf(config);
		this.#policies = config.policies;
	}

	/**
	 * Takes other policies and listeners, and the paths of the session as they are now: the flows of
	 * listeners that changed end, the others go on in the lanes of their policies.
	 */
	reconfigure({policies, listeners}: ClientSettings, now: Millis): void {
		this.#policies = policies;
		for (const id of this.flows.reconfigure(listeners)) {
			if (this.#ready) this.#report(flowCloseFrame, id, 0, now);
		}
		const session = this.#session;
		if (session === undefined) return;
		session.forgetPolicies();
		for (const flow of this.flows.values()) this.#chooseAnew(session, flow, now);
		this.laneChanges.send(now);
	}

	#chooseAnew(session: FlowSession, flow: ClientFlow, now: Millis): void {
		if (flow.lane !== undefined) {
			const lane = this.#chooseLane(session, flow, this.#targetOf(flow), now);
			this.laneChanges.note(flow.id, 0, flow.lane, lane);
			flow.lane = lane;
			flow.prefix = this.#prefixOf(flow, 0, lane);
		}
		for (const target of flow.targets?.values() ?? []) {
			if (target.lane === undefined) continue;
			const lane = this.#chooseLane(session, flow, target.encoded, now);
			this.laneChanges.note(flow.id, target.reference, target.lane, lane);
			target.lane = lane;
			target.prefix = this.#prefixOf(flow, target.reference, lane);
		}
	}

	/** The only target of a flow. `undefined`: it is the server's. */
	#targetOf({listener}: ClientFlow): Uint8Array | undefined {
		return this.flows.listener(listener)?.target;
	}

	/** Replaces the client id. */
	rename(clientId: Uint8Array): void {
		if (this.#prefix !== undefined) this.#prefix = encodeFrame(clientFrame, {clientId});
	}

	/** Registers for the frames about flows. */
	register(frames: FrameTable): void {
		const {flow: record, client} = this.#context.records;
		frames.on(targetKnownFrame, record, ({flow, reference}) => {
			this.flows.setKnown(flow, reference, true);
		});
		frames.on(targetUnknownFrame, record, ({flow, reference}) => {
			this.flows.setKnown(flow, reference, false);
		});
		frames.on(flowCloseFrame, record, ({flow}) => this.flows.remove(flow));
		frames.on(flowRefusedFrame, record, ({flow, code}, _packet, now) => {
			this.#refusedFlow(flow, code, now);
		});
		frames.on(targetRefusedFrame, record, ({flow, reference, code}) => {
			this.#refusedTarget(flow, reference, code);
		});
		// Only a client has an id.
		frames.on(clientFrame, client, () => {});
	}

	datagramTo(datagram: Datagram, target: Target, now: Millis): DropReason | undefined {
		if (target.kind === TargetKind.FIXED || target.kind === TargetKind.FORWARD) {
			return 'unexpected';
		}
		const {flow, reference} = datagram;
		const source = this.#learnSource(flow, reference, target, now);
		return source === undefined ? 'unknown-target' : this.datagram(datagram, now);
	}

	#learnSource(
		id: number,
		reference: number,
		target: HostTarget,
		now: Millis,
	): ReceivedTarget | undefined {
		const source = this.flows.get(id)?.sources.learn(reference, target, now);
		if (source !== undefined && now - source.confirmed >= CONFIRM_AGAIN) {
			source.confirmed = now;
			this.#report(targetKnownFrame, id, reference, now);
		}
		return source;
	}

	datagram(
		{flow: id, reference, bytes, start, end}: Datagram,
		now: Millis,
	): DropReason | undefined {
		const flow = this.flows.get(id);
		if (flow === undefined) {
			if (this.#answers.allow('', now)) this.#report(flowCloseFrame, id, 0, now);
			return 'unknown-flow';
		}
		const source = flow.targets === undefined ? undefined : flow.sources.get(reference, now);
		if (flow.targets !== undefined && source === undefined) {
			if (this.#answers.allow('', now)) this.#report(targetUnknownFrame, id, reference, now);
			return 'unknown-target';
		}
		flow.active = now;
		flow.received += end - start;
		const out = this.#context.deliver();
		out.flow = id;
		out.listener = flow.listener;
		out.application = flow.application;
		out.target = source;
		out.bytes = bytes;
		out.start = start;
		out.end = end;
		return undefined;
	}

	#refusedFlow(flow: number, code: number, now: Millis): void {
		if (!this.flows.refuse(flow, now)) return;
		const target = new Uint8Array(0);
		this.#context.emit({type: 'target-refused', kind: 'flow', flow, target, code});
	}

	#refusedTarget(id: number, reference: number, code: number): void {
		const flow = this.flows.get(id);
		const target =
			flow?.targets === undefined ? flow?.target : flow.targets.get(reference)?.encoded;
		if (target === undefined) return;
		this.#context.drops.count('refused');
		this.#context.emit({type: 'target-refused', kind: 'flow', flow: id, target, code});
	}

	/** Flows open. */
	get size(): number {
		return this.flows.size;
	}

	/** Datagrams that wait. */
	get waiting(): number {
		return this.#held.length;
	}

	/**
	 * Starts another session, at whose server no flow is open yet. The copies that the last one may
	 * have lost go first.
	 */
	begin(session: FlowSession, now: Millis): void {
		this.#session = session;
		this.#suspects = false;
		this.#held.putFirst(this.#copies.takeAll(now));
	}

	/** Keeps copies of all datagrams from now on: the session may be over. */
	suspect(): void {
		this.#suspects = true;
	}

	/** Drops the copies and keeps none: the session goes on. Harmless without a suspicion. */
	trust(): void {
		if (!this.#suspects) return;
		this.#suspects = false;
		this.#copies.clear();
	}

	/** Sends the datagrams that wait, and others from now on. */
	resume(now: Millis): void {
		this.#ready = true;
		this.flush(now);
	}

	/** Leaves the session, which is over; from now on datagrams wait. */
	hold(): void {
		this.#ready = false;
		this.#session = undefined;
		this.laneChanges.clear();
		this.flows.leaveSession();
	}

	/** Sends a datagram of an application, or holds it; returns why it is dropped. */
	send(datagram: ApplicationDatagram, now: Millis): DropReason | undefined {
		const {listener, application, bytes, start, end} = datagram;
		if (end - start > MAX_DATAGRAM) return this.#context.drops.count('too-long');
		const flow = this.flows.find(listener, application, now);
		if (flow === undefined || now < flow.refusedUntil) {
			return this.#context.drops.count('flow-limit');
		}
		flow.sent += end - start;
		const lane = this.#laneOf(flow, now);
		if (lane !== undefined) return this.#send(lane, flow, datagram, now);
		this.#wait({flow, target: undefined}, bytes, start, end, now);
		return undefined;
	}

	/** The same for an application that names its target. */
	sendTo(datagram: OpenDatagram, now: Millis): DropReason | undefined {
		const {listener, application, bytes, start, end} = datagram;
		const {targetBytes, targetStart, targetEnd} = datagram;
		if (end - start > MAX_DATAGRAM) return this.#context.drops.count('too-long');
		const flow = this.flows.find(listener, application, now);
		if (flow === undefined || now < flow.refusedUntil) {
			return this.#context.drops.count('flow-limit');
		}
		flow.user = datagram.user;
		flow.sent += end - start;
		const target = flow.targets?.find(targetBytes, targetStart, targetEnd, now);
		if (target === undefined) return this.#context.drops.count('flow-limit');
		const lane = this.#laneOfTarget(flow, target, now);
		if (lane === undefined) {
			this.#wait({flow, target: target.encoded}, bytes, start, end, now);
			return undefined;
		}
		return this.#sendTarget(lane, flow, target, datagram, now);
	}

	/** Returns the lane that takes datagrams of the flow now. `undefined`: they have to wait. */
	#laneOf(flow: ClientFlow, now: Millis): Lane | undefined {
		const session = this.#session;
		if (session === undefined || !this.#ready) return undefined;
		if (flow.lane === undefined) {
			flow.lane = this.#chooseLane(session, flow, this.#targetOf(flow), now);
			flow.prefix = this.#prefixOf(flow, 0, flow.lane);
		}
		return flow.lane.isUsable ? flow.lane : undefined;
	}

	/** The same for one of its targets. */
	#laneOfTarget(flow: ClientFlow, target: AnnouncedTarget, now: Millis): Lane | undefined {
		const session = this.#session;
		if (session === undefined || !this.#ready) return undefined;
		if (target.lane === undefined) {
			target.lane = this.#chooseLane(session, flow, target.encoded, now);
			target.prefix = this.#prefixOf(flow, target.reference, target.lane);
		}
		return target.lane.isUsable ? target.lane : undefined;
	}

	#chooseLane(
		session: FlowSession,
		{listener, user}: ClientFlow,
		target: Uint8Array | undefined,
		now: Millis,
	): Lane {
		if (this.#policies === undefined) return session.lane(REDUNDANT, now);
		const {host, port} = factsOf(target);
		return session.lane(this.#policies.choose({listener, user, host, port}), now);
	}

	/** Returns the frames in front of an announcement in that lane. */
	#prefixOf({id: flow}: ClientFlow, reference: number, {id: lane}: Lane): Uint8Array | undefined {
		if (lane === 0) return undefined;
		return encodeFrame(flowLaneFrame, {flow, reference, lane});
	}

	#sendTarget(
		lane: Lane,
		flow: ClientFlow,
		target: AnnouncedTarget,
		{bytes, start, end}: Span,
		now: Millis,
	): DropReason | undefined {
		if (this.#suspects) this.#copies.push({flow, target: target.encoded}, bytes, start, end, now);
		const out = this.#outgoing;
		out.flow = flow.id;
		out.reference = target.reference;
		out.target = target.known ? undefined : target.encoded;
		out.prefix = target.known ? undefined : target.prefix;
		out.bytes = bytes;
		out.start = start;
		out.end = end;
		return lane.write(out, now);
	}

	/** Ends the flow of an application that is gone, at both ends. */
	end(application: RemoteAddress, now: Millis): void {
		const flow = this.flows.of(application);
		if (flow === undefined) return;
		this.flows.remove(flow.id);
		if (this.#ready) this.#report(flowCloseFrame, flow.id, 0, now);
	}

	#send(
		lane: Lane,
		flow: ClientFlow,
		{bytes, start, end}: Span,
		now: Millis,
	): DropReason | undefined {
		if (this.#suspects) this.#copies.push({flow, target: undefined}, bytes, start, end, now);
		const out = this.#outgoing;
		out.flow = flow.id;
		out.reference = 0;
		out.target = flow.known ? undefined : flow.target;
		out.prefix = flow.known ? undefined : this.#announcement(flow);
		out.bytes = bytes;
		out.start = start;
		out.end = end;
		return lane.write(out, now);
	}

	/** Returns the frames in front of the only target of a flow. */
	#announcement({prefix}: ClientFlow): Uint8Array | undefined {
		const identity = this.#prefix;
		if (prefix === undefined || identity === undefined) return prefix ?? identity;
		const both = new Uint8Array(identity.length + prefix.length);
		both.set(identity);
		both.set(prefix, identity.length);
		return both;
	}

	#wait(where: HeldDatagram, bytes: Uint8Array, start: number, end: number, now: Millis): void {
		this.#held.push(where, bytes, start, end, now);
		const session = this.#session;
		if (session !== undefined && !session.waiting) session.awaitRoute(now);
	}

	/** Sends the datagrams that wait, if there is a session with a path. */
	flush(now: Millis): void {
		const session = this.#session;
		if (session === undefined || !this.#ready) return;
		session.waiting = this.#held.length > 0;
		if (!session.waiting || !session.hasRoute) return;
		const ready = this.#held.takeReady(now, (held) => this.#laneOfHeld(held, now) !== undefined);
		session.waiting = this.#held.length > 0;
		for (const {flow: held, bytes} of ready) {
			this.#sendHeld(held, {bytes, start: 0, end: bytes.length}, now);
		}
	}

	/** Returns the lane for a datagram that waited. `undefined`: it has to wait on. */
	#laneOfHeld({flow, target}: HeldDatagram, now: Millis): Lane | undefined {
		if (target === undefined) return this.#laneOf(flow, now);
		const announced = flow.targets?.find(target, 0, target.length, now);
		return announced && this.#laneOfTarget(flow, announced, now);
	}

	#sendHeld(held: HeldDatagram, span: Span, now: Millis): void {
		const {flow, target} = held;
		const lane = this.#laneOfHeld(held, now);
		if (lane === undefined) return;
		if (target === undefined) this.#send(lane, flow, span, now);
		else {
			const announced = flow.targets?.find(target, 0, target.length, now);
			if (announced !== undefined) this.#sendTarget(lane, flow, announced, span, now);
		}
	}

	/** Follows every input: sends the datagrams that wait if a path came up. */
	afterInput(now: Millis): void {
		if (this.#session?.waiting) this.flush(now);
	}

	#report(codec: FrameCodec<FlowTarget>, flow: number, reference: number, now: Millis): void {
		this.#session?.sendControl(encodeFrame(codec, {flow, reference}), now);
	}

	/** Removes idle flows, and drops datagrams that waited too long. */
	expire(now: Millis): void {
		this.#held.expire(now);
		for (const flow of this.flows.expire(now)) {
			if (this.#ready) this.#report(flowCloseFrame, flow, 0, now);
		}
	}
}

/**
 * Returns the frame of the client id. In keyless mode it travels with every announcement, because
 * INIT could be read. `undefined`: not needed.
 */
function identityOf({keyless, encrypt, clientId}: ClientConfig): Uint8Array | undefined {
	return keyless && encrypt ? encodeFrame(clientFrame, {clientId}) : undefined;
}
