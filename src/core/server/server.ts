import {type Millis, NEVER} from '../../bytes/time.ts';
import {backToken} from '../../crypto/keys.ts';
import {CloseCode, MIN_DATA_LENGTH, PacketType} from '../../wire/constants.ts';
import {encodeReset} from '../../wire/handshake.ts';
import {headerPacketNumber, headerSessionId, packetType} from '../../wire/header.ts';
import type {DropReason} from '../drop-reason.ts';
import type {
	Farewell,
	ServerConfig,
	ServerEndpoint,
	ServerSettings,
	Span,
	SpanTo,
} from '../endpoint.ts';
import {EndpointOutputs} from '../endpoint-outputs.ts';
import type {Environment} from '../environment.ts';
import type {EndpointStatus, FlowStatus} from '../events.ts';
import type {AnnouncedTarget} from '../flow/announced-targets.ts';
import {endFlow, type ServerFlow, ServerFlowTable} from '../flow/server-flow-table.ts';
import {lingerFor} from '../linger.ts';
import {ReceivedPacket} from '../packets/received-packet.ts';
import {RateLimit} from '../rate-limit.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {flowList} from '../session/flow-list.ts';
import {sessionStatus} from '../session/session-status.ts';
import {ServerTimer, Timers} from '../timers.ts';
import type {Delivery} from '../transmit.ts';
import {Admission} from './admission.ts';
import {ClientRecords} from './client-records.ts';
import {DeadlineQueue} from './deadline-queue.ts';
import type {ServerSession} from './server-session.ts';
import {ServerSessions} from './server-sessions.ts';
import {ServerUsers, type UserCut} from './server-users.ts';

const SWEEP: Millis = 1000;
/** Uptime up to which unknown ids get a RESET, as of a former run; later only ids just expired. */
const RESET_UPTIME: Millis = 600_000;
const RESETS_PER_SECOND = 1000;
const RESETS_PER_SOURCE = 10;
/** Silence that clients keep after a clean stop, so that no packet meets a closed port. */
const QUIET: Millis = 2000;
const SECOND_CLOSE: Millis = 20;
/** The client, which begins every rekey, ends a session without one a minute sooner. */
const KEY_LIMIT: Millis = 3_660_000;

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The server's end of a tunnel: many sessions, each found by the id that the server chose. */
export class MptunnelServer extends EndpointOutputs implements ServerEndpoint {
	readonly #config: ServerConfig;
	readonly #users: ServerUsers;
	readonly #table: ServerFlowTable;
	readonly #records = new ClientRecords();
	readonly #sessions: ServerSessions;
	readonly #admission: Admission;
	readonly #resets = new RateLimit(RESETS_PER_SECOND, 1);
	readonly #resetsBySource = new RateLimit(RESETS_PER_SOURCE, 1024);
	readonly #packet = new ReceivedPacket();
	#started: Millis = Number.NEGATIVE_INFINITY;
	readonly #deadlines = new DeadlineQueue();
	readonly #timers = new Timers(ServerTimer);
	/** The answer of a target that is being sent. */
	readonly #targetAnswer = {bytes: NO_BYTES, start: 0, end: 0};
	#closed = false;

	constructor(config: ServerConfig, environment: Environment) {
		super(environment, config.encrypt);
		this.#config = config;
		this.#table = new ServerFlowTable(config.flowIdle);
		this.#users = new ServerUsers(config);
		this.#sessions = new ServerSessions(this.context, this.#table, this.#records);
		this.#admission = new Admission({
			context: this.context,
			config,
			users: this.#users.all,
			sessions: this.#sessions,
			records: this.#records,
			table: this.#table,
			reply: (bytes, remote) => this.#sendRaw(bytes, remote),
		});
	}

	start(now: Millis): void {
		this.#started = now;
	}

	reconfigure(settings: ServerSettings, now: Millis): void {
		if (this.#closed) return;
		const cuts = this.#users.reconfigure(settings);
		this.#admission.reconfigure(this.#users.all);
		for (const cut of cuts) this.#cutOff(cut, now);
		for (const flow of this.#table.strays()) this.#endFlow(flow, now);
	}

	/** Ends the sessions of a user, and its flows when it is gone: their sockets are released. */
	#cutOff({user, code, isGone}: UserCut, now: Millis): void {
		for (const entry of this.#sessions.of(user)) {
			this.#within(entry, now, () => entry.session.sendClose(code, 0, now));
			this.#sessions.cutOff(entry, isGone ? 'the user was removed' : 'the user was changed');
		}
		if (!isGone) return;
		for (const flow of this.#table.of(user)) this.#endFlow(flow, now);
		this.#records.forget(user);
	}

	// --- network in ---

	receive(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		this.#armSweep(now);
		if (end <= start) return this.drop('short');
		if (this.#closed) return this.drop('unexpected');
		try {
			switch (packetType(bytes, start)) {
				case PacketType.DATA:
					return this.#receiveData(remote, bytes, start, end, now);
				case PacketType.INIT:
					return this.#admission.receive(remote, bytes, start, end, now);
				default:
					return this.drop('not-ours');
			}
		} catch (error) {
			const isData = packetType(bytes, start) === PacketType.DATA;
			const entry = isData ? this.#sessions.get(headerSessionId(bytes, start)) : undefined;
			return this.#fail(entry, error, now);
		}
	}

	#receiveData(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		if (end - start < MIN_DATA_LENGTH) return this.drop('short');
		const id = headerSessionId(bytes, start);
		const entry = this.#sessions.get(id);
		if (entry === undefined) {
			this.#reset(remote, id, headerPacketNumber(bytes, start), now);
			return this.drop('unknown-session');
		}
		const {session} = entry;
		const known = session.paths.locate(remote);
		const before = session.opened;
		const packet = this.#packet;
		packet.begin(bytes, start, end);
		packet.cameOver(remote, known?.path, known?.address);
		const reason = session.receive(packet, now);
		if (session.opened === before) {
			// Another copy of a packet: what the streams report of it may be due sooner than all else.
			if (reason === 'duplicate') this.#deadlines.touch(entry);
			return reason;
		}
		if (session.broken === undefined) this.#sessions.activate(entry);
		this.#afterInput(entry, now);
		return reason;
	}

	/** Follows each input to a session: sends what waits, and has its timers read again. */
	#afterInput(entry: ServerSession, now: Millis): void {
		const {session, flows} = entry;
		if (session.ended) return;
		if (session.broken !== undefined) {
			this.#breakOff(entry, now);
			return;
		}
		try {
			if (session.waiting) flows.flush(now);
			session.streams?.pump(now);
			this.#deadlines.touch(entry);
		} catch (error) {
			this.#fail(entry, error, now);
		}
	}

	#reset(remote: RemoteAddress, id: number, packetNumber: number, now: Millis): void {
		const young = now - this.#started < RESET_UPTIME;
		if (!young && !this.#sessions.hasExpired(id)) return;
		if (!this.#resetsBySource.allow(remote.host, now) || !this.#resets.allow('', now)) return;
		this.#sendRaw(encodeReset(id, packetNumber), remote);
	}

	#sendRaw(bytes: Uint8Array, remote: RemoteAddress): void {
		const transmit = this.queueRaw(bytes);
		transmit?.add(0, remote);
	}

	#breakOff(entry: ServerSession, now: Millis): void {
		const {session} = entry;
		try {
			session.sendClose(session.closeCode, 0, now);
		} catch (error) {
			session.fail(error, now);
		}
		this.#sessions.end(entry, session.broken ?? '');
	}

	/** Ends the session in which an exception was thrown, if it was in one, and nothing else. */
	#fail(entry: ServerSession | undefined, error: unknown, now: Millis): DropReason {
		try {
			if (entry === undefined) this.failed(error, now);
			else {
				entry.session.fail(error, now);
				this.#breakOff(entry, now);
			}
		} catch (another) {
			this.failed(another, now);
		}
		return this.drop('fault');
	}

	/** Returns the session that a flow uses now. `undefined`: none, or the server is closed. */
	#entryOf(flow: ServerFlow | undefined): ServerSession | undefined {
		const flows = this.#closed ? undefined : flow?.session;
		return flows && this.#sessions.get(flows.session.localId);
	}

	/** Runs a rare input of a session; an exception in it ends the session. */
	#within(entry: ServerSession, now: Millis, run: () => void): void {
		try {
			run();
		} catch (error) {
			this.#fail(entry, error, now);
		}
	}

	deliveryFailed({flow}: Delivery, error: unknown, now: Millis): void {
		this.#fail(this.#entryOf(this.#table.get(flow)), error, now);
	}

	// --- targets in ---

	override flush(now: Millis): void {
		const {session} = this.context.open;
		super.flush(now);
		const entry = session === undefined ? undefined : this.#sessions.get(session);
		if (entry !== undefined) this.#afterInput(entry, now);
	}

	sendDatagram(
		handle: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const flow = this.#table.get(handle);
		if (flow === undefined) return this.drop('unknown-flow');
		const entry = this.#entryOf(flow);
		if (entry === undefined) return this.drop('no-session');
		const answer = this.#targetAnswer;
		answer.bytes = bytes;
		answer.start = start;
		answer.end = end;
		return this.#answer(entry, flow, undefined, answer, now);
	}

	#answer(
		entry: ServerSession,
		flow: ServerFlow,
		source: AnnouncedTarget | undefined,
		answer: Span,
		now: Millis,
	): DropReason | undefined {
		try {
			const reason = entry.flows.answer(flow, source, answer, now);
			this.#afterInput(entry, now);
			return reason;
		} catch (error) {
			return this.#fail(entry, error, now);
		}
	}

	sendDatagramFrom(handle: number, datagram: SpanTo, now: Millis): DropReason | undefined {
		const flow = this.#table.get(handle);
		const entry = this.#entryOf(flow);
		if (flow === undefined || entry === undefined) return this.drop('unknown-flow');
		const {targetBytes, targetStart, targetEnd} = datagram;
		// A flow with one target needs no source.
		const {sources} = flow;
		const source = sources?.find(targetBytes, targetStart, targetEnd, now);
		if (sources !== undefined && source === undefined) return this.drop('unknown-flow');
		return this.#answer(entry, flow, source, datagram, now);
	}

	pumpStreams(now: Millis): void {
		if (this.#closed) return;
		for (const entry of this.#sessions.takeDue()) this.#afterInput(entry, now);
	}

	userOf(handle: number): string {
		return this.#table.get(handle)?.owner.user.name ?? '';
	}

	refuseTarget(handle: number, reference: number, code: number, now: Millis): void {
		const flow = this.#table.get(handle);
		const entry = this.#entryOf(flow);
		if (flow === undefined || entry === undefined) return;
		this.#within(entry, now, () => entry.flows.refuseTarget(flow, reference, code, now));
	}

	targetReached(handle: number, reference: number, address: Uint8Array, now: Millis): void {
		const flow = this.#table.get(handle);
		const entry = this.#entryOf(flow);
		if (flow === undefined || entry === undefined) return;
		this.#within(entry, now, () => entry.flows.reached(flow, reference, address));
	}

	refuseFlow(handle: number, code: number, now: Millis): void {
		const flow = this.#table.get(handle);
		if (flow === undefined) return;
		const entry = this.#entryOf(flow);
		if (entry !== undefined) this.#within(entry, now, () => entry.flows.refuse(flow, code, now));
		this.#table.remove(flow);
	}

	releaseFlows(name: string, count: number, now: Millis): void {
		const user = this.#users.named(name);
		for (let i = 0; i < count; i++) {
			const flow = user && this.#table.oldestIdle(now, user);
			if (flow !== undefined) this.#endFlow(flow, now);
		}
	}

	#endFlow(flow: ServerFlow, now: Millis): void {
		const end = () => endFlow(flow, {table: this.#table, context: this.context}, now);
		const entry = this.#entryOf(flow);
		if (entry === undefined) end();
		else this.#within(entry, now, end);
	}

	socketClosed(socket: number, now: Millis): void {
		for (const entry of this.#sessions.values()) {
			this.#within(entry, now, () => entry.session.paths.socketClosed(socket, now));
		}
	}

	remoteTooLong(remote: RemoteAddress, size: number, now: Millis): void {
		for (const entry of this.#sessions.values()) {
			const {paths} = entry.session;
			const path = paths.locate(remote)?.path;
			if (path !== undefined) this.#within(entry, now, () => paths.tooLong(path, size, now));
		}
	}

	// --- time ---

	nextTimeout(): Millis {
		return Math.min(this.#deadlines.next(), this.#timers.next());
	}

	handleTimeout(now: Millis): void {
		if (this.#closed) {
			if (this.#timers.expired(ServerTimer.GOODBYE, now)) this.#sendGoodbye(now, NEVER);
			return;
		}
		this.#deadlines.runDue(this.#sessions.values(), now, (entry) => this.#run(entry, now));
		if (this.#timers.expired(ServerTimer.SWEEP, now)) this.#sweep(now);
	}

	#run(entry: ServerSession, now: Millis): void {
		try {
			entry.session.handleTimeout(now);
			entry.flows.handleTimeout(now);
			this.#afterInput(entry, now);
		} catch (error) {
			this.#fail(entry, error, now);
		}
	}

	#sweep(now: Millis): void {
		const {sessionIdle, keyLimit = KEY_LIMIT} = this.#config;
		this.#sessions.expire(now, sessionIdle, keyLimit);
		for (const flow of this.#table.expired(now)) this.#endFlow(flow, now);
		this.#records.expire(now);
		this.#admission.expire(now);
		this.#timers.clear(ServerTimer.SWEEP);
		if (this.#sessions.size > 0 || this.#table.size > 0 || this.#records.size > 0) {
			this.#armSweep(now);
		}
	}

	#armSweep(now: Millis): void {
		if (this.#closed || this.#timers.at(ServerTimer.SWEEP) !== NEVER) return;
		this.#timers.set(ServerTimer.SWEEP, now + SWEEP);
	}

	close(now: Millis): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#timers.clearAll();
		this.#deadlines.stop();
		this.#sendGoodbye(now, now + SECOND_CLOSE);
		// Memory of lanes is the process's, which may go on.
		for (const {session} of this.#sessions.values()) session.lanes.end();
	}

	#sendGoodbye(now: Millis, again: Millis): void {
		for (const entry of this.#sessions.values()) {
			const {session} = entry;
			this.#within(entry, now, () => session.sendClose(CloseCode.STOPPING, QUIET, now));
		}
		this.#timers.set(ServerTimer.GOODBYE, this.#sessions.size > 0 ? again : NEVER);
	}

	farewells(): readonly Farewell[] {
		return [...this.#sessions.values()]
			.filter(({live}) => live)
			.map(({session, exporter}) => ({
				session: session.peerId,
				token: backToken(exporter),
				remotes: session.paths.all.flatMap(({addresses}) =>
					addresses.list.flatMap(({remote, validated}) => (remote && validated ? [remote] : [])),
				),
			}));
	}

	lingerTime(): Millis {
		return lingerFor(this.#sessions.longestRoundTrip());
	}

	/** Returns at most so many flows and streams: those that carried most, first. */
	flowList(limit: number, now: Millis): readonly FlowStatus[] {
		return flowList([this.#table.values(), ...this.#sessions.streams()], {limit, now});
	}

	status(now: Millis): EndpointStatus {
		let waiting = 0;
		const sessions = [];
		for (const entry of this.#sessions.values()) {
			if (!entry.live) continue;
			const {session, flows, record} = entry;
			waiting += flows.held.length;
			const user = record.user.name;
			const streams = session.streams?.totals;
			sessions.push(sessionStatus(session, {state: 'up', user, flows: flows.size, streams, now}));
		}
		const users = this.#users.status(this.#sessions.values());
		const {halfOpen} = this.#sessions;
		const totals = this.#sessions.totals(this.#users.all);
		return {sessions, halfOpen, users, totals, drops: this.context.drops.entries(), waiting};
	}
}
