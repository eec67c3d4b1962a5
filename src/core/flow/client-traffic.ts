import {writeVarint} from '../../bytes/varint.ts';
import {FrameType, MAX_DATAGRAM} from '../../wire/constants.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {ClientConfig} from '../endpoint.ts';
import {HoldQueue} from '../hold-queue.ts';
import type {RemoteAddress} from '../remote-address.ts';
import type {Session} from '../session.ts';
import type {Millis} from '../time.ts';
import {type ClientFlow, ClientFlows} from './client-flows.ts';
import type {FlowFrames} from './flow-frames.ts';

/** The datagrams of a client's applications: into the session, or held until there is one. */
export class ClientTraffic {
	/** What a session hands to the flows. */
	readonly frames: FlowFrames;
	readonly #context: EndpointContext;
	readonly #flows: ClientFlows;
	readonly #held: HoldQueue<ClientFlow>;
	readonly #prefix: Uint8Array | undefined;
	#session: Session | undefined;
	#ready = false;

	/** @param closed what to do when the server closes the session */
	constructor(context: EndpointContext, config: ClientConfig, closed: FlowFrames['sessionClosed']) {
		this.#context = context;
		const names = config.listeners.map(({name}) => name);
		this.#flows = new ClientFlows(names, config.flowIdle);
		this.#held = new HoldQueue(context.drops);
		this.#prefix = clientFrame(config);
		this.frames = this.#makeFrames(closed);
	}

	#makeFrames(sessionClosed: FlowFrames['sessionClosed']): FlowFrames {
		const deliver = () => this.#context.deliver();
		return {
			datagram: (flow, _reference, bytes, start, end, now) => {
				const reason = this.#flows.deliver(flow, deliver, bytes, start, end, now);
				if (reason !== undefined) this.#closeFlow(flow, now);
				return reason;
			},
			datagramTo: () => 'unexpected',
			target: (flow, _reference, known) => this.#flows.setKnown(flow, known),
			closed: (flow) => this.#flows.remove(flow),
			refused: (flow, code, now) => {
				if (!this.#flows.refuse(flow, now)) return;
				const text = `flow refused, code ${code}`;
				this.#context.emit({type: 'warning', code: 'full', where: 'server', text});
			},
			client: () => {},
			sessionClosed,
		};
	}

	/** How many flows there are, and how many datagrams wait. */
	get flows(): number {
		return this.#flows.size;
	}
	get waiting(): number {
		return this.#held.length;
	}

	/** Another session, whose server knows no flow yet. */
	begin(session: Session): void {
		this.#session = session;
		this.#flows.forgetKnown();
	}

	/** From now on datagrams may go out, and those that wait do. */
	resume(now: Millis): void {
		this.#ready = true;
		this.flush(now);
	}

	/** From now on datagrams wait. @param ended whether the session is over */
	hold(ended: boolean): void {
		this.#ready = false;
		if (ended) this.#session = undefined;
		else if (this.#session !== undefined) this.#session.waiting = true;
	}

	/** A datagram bytes[start, end) of an application. */
	send(
		listener: number,
		application: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		if (end - start > MAX_DATAGRAM) return this.#context.drops.count('too-long');
		const flow = this.#flows.find(listener, application, now);
		if (flow === undefined || now < flow.refusedUntil) {
			return this.#context.drops.count('flow-limit');
		}
		const session = this.#session;
		if (session === undefined || !this.#ready || session.paths.chosen.length === 0) {
			this.#wait(flow, bytes, start, end, now);
			return undefined;
		}
		return this.#send(session, flow, bytes, start, end, now);
	}

	#send(
		session: Session,
		flow: ClientFlow,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const inline = flow.known ? undefined : flow.target;
		const prefix = flow.known ? undefined : this.#prefix;
		return session.sendDatagram(flow.id, 0, inline, prefix, bytes, start, end, now);
	}

	#wait(flow: ClientFlow, bytes: Uint8Array, start: number, end: number, now: Millis): void {
		this.#held.push(flow, bytes, start, end, now);
		const session = this.#session;
		if (session === undefined || session.waiting) return;
		session.waiting = true;
		session.prober.data(now);
		for (const path of session.paths.all) session.prober.schedule(path, now);
	}

	/** Sends what waits, if there is a session with a path. */
	flush(now: Millis): void {
		const session = this.#session;
		if (session === undefined || !this.#ready) return;
		session.waiting = this.#held.length > 0;
		if (!session.waiting || session.paths.chosen.length === 0) return;
		session.waiting = false;
		for (const {flow, bytes} of this.#held.takeAll(now)) {
			this.#send(session, flow, bytes, 0, bytes.length, now);
		}
	}

	/** After any input: what waits may go, now that a path came up. */
	afterInput(now: Millis): void {
		if (this.#session?.waiting) this.flush(now);
	}

	#closeFlow(flow: number, now: Millis): void {
		const frame = new Uint8Array(5);
		frame[0] = FrameType.FLOW_CLOSE;
		this.#session?.sendControl(frame.subarray(0, writeVarint(frame, 1, flow)), now);
	}

	/** Lets go of idle flows and of datagrams that waited too long. */
	expire(now: Millis): void {
		this.#held.expire(now);
		for (const flow of this.#flows.expire(now)) if (this.#ready) this.#closeFlow(flow, now);
	}
}

/** In keyless mode the client id travels with every announcement, because INIT could be read. */
function clientFrame({keyless, encrypt, clientId}: ClientConfig): Uint8Array | undefined {
	if (!keyless || !encrypt) return undefined;
	const frame = new Uint8Array(1 + clientId.length);
	frame[0] = FrameType.CLIENT;
	frame.set(clientId, 1);
	return frame;
}
