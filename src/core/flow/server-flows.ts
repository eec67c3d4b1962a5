import {writeVarint} from '../../bytes/varint.ts';
import type {Target} from '../../wire/address.ts';
import {FrameType, RefusalCode} from '../../wire/constants.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import {HoldQueue} from '../hold-queue.ts';
import {ReplayWindow, Seen} from '../replay-window.ts';
import type {Session} from '../session.ts';
import type {Millis} from '../time.ts';
import type {FlowFrames} from './flow-frames.ts';
import type {FlowOwner, ServerFlow, ServerFlowTable} from './server-flow-table.ts';

/** Flow ids remembered as used; older ones count as closed. */
const ID_SPAN = 65_536;
const CONFIRM_AGAIN: Millis = 10;
/** Answers to frames that name unknown flows, per second. */
const ANSWERS_PER_SECOND = 100;

/** What a session's flows need of the server. */
export interface ServerFlowsInit {
	readonly context: EndpointContext;
	readonly session: Session;
	readonly table: ServerFlowTable;
	readonly owner: FlowOwner;
	readonly limit: number;
	/** Keyless mode: the client told its id; returns whose flows these are from now on. */
	readonly identify: (id: Uint8Array, now: Millis) => FlowOwner;
	readonly closed: (code: number, now: Millis) => void;
}

/**
 * The flows of one session at the server. A flow id is opened once and never again, so a late
 * DATAGRAM_TO cannot revive one; the same application in a later session gets its flow, and with it
 * its target socket, back by key.
 */
export class ServerFlows implements FlowFrames {
	readonly session: Session;
	/** Datagrams of targets that wait for a path. */
	readonly held: HoldQueue<ServerFlow>;
	readonly #init: ServerFlowsInit;
	readonly #byId = new Map<number, ServerFlow>();
	readonly #opened = new ReplayWindow(ID_SPAN);
	#owner: FlowOwner;
	#answers = 0;
	#answersSince: Millis = Number.NEGATIVE_INFINITY;

	constructor(init: ServerFlowsInit) {
		this.session = init.session;
		this.#init = init;
		this.#owner = init.owner;
		this.held = new HoldQueue(init.context.drops);
	}

	/** How many flows the session uses. */
	get size(): number {
		return this.#byId.size;
	}

	datagram(
		id: number,
		reference: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const flow = this.#byId.get(id);
		if (flow === undefined || reference !== 0) {
			const closed = flow === undefined && this.#opened.peek(id) !== Seen.FRESH;
			this.#answer(closed ? FrameType.FLOW_CLOSE : FrameType.TARGET_UNKNOWN, id, reference, now);
			return 'unknown-flow';
		}
		this.#deliver(flow, bytes, start, end, now);
		return undefined;
	}

	datagramTo(
		id: number,
		reference: number,
		target: Target,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const key = `${target.listener}|${target.application}`;
		let flow = this.#byId.get(id);
		if (flow === undefined) {
			if (this.#opened.peek(id) !== Seen.FRESH) {
				this.#answer(FrameType.FLOW_CLOSE, id, reference, now);
				return 'unknown-flow';
			}
			flow = this.#open(id, key, now);
			if (flow === undefined) return 'flow-limit';
		}
		// A flow never gets another target: a datagram must not reach whom it was not sent to.
		if (flow.key !== key || reference !== 0) return 'unknown-flow';
		if (now - flow.confirmed >= CONFIRM_AGAIN) {
			flow.confirmed = now;
			this.#send(FrameType.TARGET_KNOWN, id, reference, now);
		}
		this.#deliver(flow, bytes, start, end, now);
		return undefined;
	}

	#open(id: number, key: string, now: Millis): ServerFlow | undefined {
		let flow = this.#owner.flows.get(key);
		if (flow === undefined) {
			if (this.#owner.flows.size >= this.#init.limit) {
				const code = RefusalCode.LIMIT;
				if (this.#mayAnswer(now)) this.#sendRefusal(id, code, now);
				return undefined;
			}
			flow = this.#init.table.open(this.#owner, key, now);
		}
		this.#opened.accept(id);
		flow.session?.unbind(flow);
		flow.session = this;
		flow.id = id;
		this.#byId.set(id, flow);
		return flow;
	}

	#deliver(flow: ServerFlow, bytes: Uint8Array, start: number, end: number, now: Millis): void {
		flow.active = now;
		const out = this.#init.context.deliver();
		out.flow = flow.handle;
		out.application = undefined;
		out.bytes = bytes;
		out.start = start;
		out.end = end;
	}

	/** Lets a flow go, which another session took over or which is gone. */
	unbind(flow: ServerFlow): void {
		if (this.#byId.get(flow.id) === flow) this.#byId.delete(flow.id);
		flow.session = undefined;
	}

	/** Lets all flows go, because the session ended. */
	unbindAll(): void {
		for (const flow of [...this.#byId.values()]) this.unbind(flow);
	}

	/** Tells the client that a flow is closed. */
	close(flow: ServerFlow, now: Millis): void {
		this.#send(FrameType.FLOW_CLOSE, flow.id, 0, now);
	}

	/** Tells the client that a flow cannot be had. */
	refuse(flow: ServerFlow, code: number, now: Millis): void {
		this.#sendRefusal(flow.id, code, now);
	}

	#mayAnswer(now: Millis): boolean {
		if (now - this.#answersSince >= 1000) {
			this.#answersSince = now;
			this.#answers = 0;
		}
		return this.#answers++ < ANSWERS_PER_SECOND;
	}

	#answer(type: number, id: number, reference: number, now: Millis): void {
		if (this.#mayAnswer(now)) this.#send(type, id, reference, now);
	}

	#send(type: number, id: number, reference: number, now: Millis): void {
		const frame = new Uint8Array(9);
		frame[0] = type;
		let at = writeVarint(frame, 1, id);
		if (type !== FrameType.FLOW_CLOSE) at = writeVarint(frame, at, reference);
		this.session.sendControl(frame.subarray(0, at), now);
	}

	#sendRefusal(id: number, code: number, now: Millis): void {
		const frame = new Uint8Array(6);
		frame[0] = FrameType.FLOW_REFUSED;
		const at = writeVarint(frame, 1, id);
		frame[at] = code;
		this.session.sendControl(frame.subarray(0, at + 1), now);
	}

	target(): void {
		// The server announces no targets of its own yet.
	}

	closed(id: number): void {
		const flow = this.#byId.get(id);
		if (flow === undefined) return;
		this.#init.table.remove(flow);
		this.#init.context.emit({type: 'flow-closed', flow: flow.handle});
	}

	refused(): void {
		// Only a server refuses flows.
	}

	client(id: Uint8Array, now: Millis): void {
		this.#owner = this.#init.identify(id, now);
	}

	sessionClosed(code: number, _quiet: Millis, now: Millis): void {
		this.#init.closed(code, now);
	}
}
