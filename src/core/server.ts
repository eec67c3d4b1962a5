import type {Slot} from '../bytes/slot-pool.ts';
import {equalBytes, mac} from '../crypto/keys.ts';
import {CloseCode, MIN_DATA_LENGTH, PacketType, RefusalCode} from '../wire/constants.ts';
import {encodeReset, InitKind, RespStatus} from '../wire/handshake.ts';
import {headerPacketNumber, headerSessionId, packetType} from '../wire/header.ts';
import {EndpointContext} from './context.ts';
import type {DropReason} from './drop-reason.ts';
import type {ServerConfig, ServerEndpoint} from './endpoint.ts';
import type {Environment} from './environment.ts';
import type {EndpointEvent, EndpointStatus} from './events.ts';
import {ServerFlowTable} from './flow/server-flow-table.ts';
import {ServerFlows} from './flow/server-flows.ts';
import {ServerHandshake, type VerifiedInit} from './handshake/server-handshake.ts';
import {KeySchedule} from './key-schedule.ts';
import {Role} from './path/probe-interval.ts';
import {RateLimit} from './rate-limit.ts';
import type {RemoteAddress} from './remote-address.ts';
import type {ClientRecord, ServerSession} from './server-session.ts';
import {Session} from './session.ts';
import {sessionStatus} from './session-status.ts';
import {type Millis, NEVER} from './time.ts';
import type {Delivery, Transmit} from './transmit.ts';

const HALF_OPEN_FOR: Millis = 10_000;
const HALF_OPEN_LIMIT = 64;
const FRESH_PER_SECOND = 50;
const SWEEP: Millis = 1000;
const RECORD_LIFE: Millis = 600_000;
const RECORD_LIMIT = 16_384;
/** A clock this far ahead counts as this far ahead: else one INIT would lock the client out later. */
const CLOCK_LEAD = 600_000;
/** RESET is sent only while clients of a former life may still be talking, or for ids just expired. */
const RESET_UPTIME: Millis = 600_000;
const RESETS_PER_SECOND = 1000;
const RESETS_PER_SOURCE = 10;
const EXPIRED_IDS = 4096;
/** Asked of clients at a clean stop, so that no packet meets a closed port. */
const QUIET: Millis = 2000;
const SECOND_CLOSE: Millis = 20;

/** The server's end: many sessions, each found by the id that it chose for it. */
export class MptunnelServer implements ServerEndpoint {
	readonly #config: ServerConfig;
	readonly #context: EndpointContext;
	readonly #handshake: ServerHandshake;
	readonly #sessions = new Map<number, ServerSession>();
	readonly #records = new Map<string, ClientRecord>();
	readonly #table = new ServerFlowTable();
	readonly #expired = new Set<number>();
	readonly #fresh = new RateLimit(FRESH_PER_SECOND, 1);
	readonly #retries = new RateLimit(RESETS_PER_SECOND, 1);
	readonly #resets = new RateLimit(RESETS_PER_SECOND, 1);
	readonly #resetsBySource = new RateLimit(RESETS_PER_SOURCE, 1024);
	#halfOpen = 0;
	#numbers = 0;
	#started: Millis | undefined;
	#deadline: Millis = NEVER;
	#nextSweep: Millis = NEVER;
	#closed = false;
	#closeAgain: Millis = NEVER;

	constructor(config: ServerConfig, environment: Environment) {
		this.#config = config;
		this.#context = new EndpointContext(environment, config.encrypt);
		this.#handshake = new ServerHandshake(environment, config.users);
	}

	// --- network in ---

	receive(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		this.#started ??= now;
		if (this.#nextSweep === NEVER && !this.#closed) this.#nextSweep = now + SWEEP;
		if (end <= start) return this.#drop('short');
		if (this.#closed) return this.#drop('unexpected');
		switch (packetType(bytes, start)) {
			case PacketType.DATA:
				return this.#receiveData(remote, bytes, start, end, now);
			case PacketType.INIT:
				return this.#receiveInit(remote, bytes, start, end, now);
			default:
				return this.#drop('not-ours');
		}
	}

	#drop(reason: DropReason): DropReason {
		return this.#context.drops.count(reason);
	}

	#receiveData(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		if (end - start < MIN_DATA_LENGTH) return this.#drop('short');
		const id = headerSessionId(bytes, start);
		const entry = this.#sessions.get(id);
		if (entry === undefined) {
			this.#reset(remote, id, headerPacketNumber(bytes, start), now);
			return this.#drop('unknown-session');
		}
		const {session} = entry;
		const known = session.paths.locate(remote);
		const before = session.opened;
		const reason = session.receive(remote, known?.path, known?.address, bytes, start, end, now);
		if (session.opened === before) return reason;
		if (!entry.live) this.#activate(entry, now);
		if (session.broken !== undefined) this.#breakOff(entry, now);
		else this.#touch(entry, now);
		return reason;
	}

	/** After an input to a session: what waits may go, and its timers may be earlier. */
	#touch(entry: ServerSession, now: Millis): void {
		const {session, flows} = entry;
		if (session.waiting && session.paths.chosen.length > 0) {
			session.waiting = false;
			for (const {flow, bytes} of flows.held.takeAll(now)) {
				if (flow.session !== flows) continue;
				session.sendDatagram(flow.id, 0, undefined, undefined, bytes, 0, bytes.length, now);
			}
		}
		entry.deadline = session.nextTimeout();
		this.#deadline = Math.min(this.#deadline, entry.deadline);
	}

	#reset(remote: RemoteAddress, id: number, packetNumber: number, now: Millis): void {
		const young = now - (this.#started ?? now) < RESET_UPTIME;
		if (!young && !this.#expired.has(id)) return;
		if (!this.#resetsBySource.allow(remote.host, now) || !this.#resets.allow('', now)) return;
		this.#sendRaw(encodeReset(id, packetNumber), remote);
	}

	#sendRaw(bytes: Uint8Array, remote: RemoteAddress): void {
		const slot = this.#context.outbox.take();
		if (slot === undefined) return;
		slot.bytes.set(bytes, 0);
		slot.start = 0;
		slot.end = bytes.length;
		const transmit = this.#context.outbox.queue(slot);
		transmit.paths[0] = 0;
		transmit.remotes[0] = remote;
		transmit.count = 1;
	}

	// --- handshake ---

	#receiveInit(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const outcome = this.#handshake.receive(bytes, start, end);
		switch (outcome.type) {
			case 'verified':
				return this.#admit(outcome.init, remote, now);
			case 'repeat':
				this.#sendRaw(outcome.answer, remote);
				return undefined;
			case 'other-version':
				this.#warn('other-version', remote, `a client speaks version ${outcome.version}`);
				this.#sendRaw(outcome.answer, remote);
				return this.#drop('other-version');
			case 'unknown-key':
				if (outcome.keyless) {
					this.#warn('keyless', remote, 'a client without a key; this server has one');
				} else this.#warn('unknown-key', remote, 'a client with a key that is not known here');
				return this.#drop('unknown-key');
			case 'rejected':
				return this.#drop('bad-handshake');
		}
	}

	#warn(
		code: 'encryption-differs' | 'other-version' | 'unknown-key' | 'keyless' | 'full',
		remote: RemoteAddress,
		text: string,
	): void {
		const where = `${remote.host} port ${remote.port}`;
		this.#context.emit({type: 'warning', code, where, text});
	}

	#admit(init: VerifiedInit, remote: RemoteAddress, now: Millis): DropReason | undefined {
		const {payload} = init;
		if (payload.parameters.encrypt !== this.#config.encrypt) {
			this.#warn(
				'encryption-differs',
				remote,
				'MPTUNNEL_ENCRYPT is set at one end only; it must be the same at both',
			);
			this.#answer(init, RespStatus.ENCRYPTION_DIFFERS, 0, 0, remote, now);
			return this.#drop('encryption-differs');
		}
		const cookie = this.#handshake.cookieValid(init, remote, now);
		const time = Math.min(
			payload.time,
			Math.floor(this.#context.environment.wallTime(now)) + CLOCK_LEAD,
		);
		const record = this.#config.keyless ? undefined : this.#record(init, payload.clientId, now);
		const stale = record !== undefined && time <= record.newestTime;
		if (stale && !cookie) return this.#retry(init, remote, now, 'stale-handshake');
		const resumed = this.#resumable(init);
		const busy = !this.#fresh.allow('', now) || this.#halfOpen >= HALF_OPEN_LIMIT;
		if (resumed === undefined && busy && !cookie)
			return this.#retry(init, remote, now, 'unexpected');
		if (record !== undefined) record.newestTime = time;
		if (resumed !== undefined) this.#resume(init, resumed, remote, now);
		else this.#open(init, record ?? this.#anonymous(init, now), remote, now);
		return undefined;
	}

	#retry(init: VerifiedInit, remote: RemoteAddress, now: Millis, reason: DropReason): DropReason {
		if (this.#retries.allow('', now))
			this.#sendRaw(this.#handshake.retry(init, remote, now), remote);
		return this.#drop(reason);
	}

	#record(init: VerifiedInit, clientId: Uint8Array, now: Millis): ClientRecord {
		const key = `${init.user.name}/${String.fromCharCode(...clientId)}`;
		const known = this.#records.get(key);
		if (known !== undefined) {
			known.active = now;
			return known;
		}
		const record = {...this.#anonymous(init, now), key};
		this.#evictRecords();
		this.#records.set(key, record);
		return record;
	}

	/** Keyless mode: a record of its own until the client has told its id. */
	#anonymous(init: VerifiedInit, now: Millis): ClientRecord {
		return {
			key: '',
			user: init.user,
			flows: new Map(),
			newestTime: 0,
			session: undefined,
			active: now,
		};
	}

	#evictRecords(): void {
		for (const [key, record] of this.#records) {
			if (this.#records.size < RECORD_LIMIT) return;
			if (record.session === undefined && record.flows.size === 0) this.#records.delete(key);
		}
	}

	#resumable({payload, noise, user}: VerifiedInit): ServerSession | undefined {
		if (payload.kind !== InitKind.RESUME) return undefined;
		const entry = this.#sessions.get(payload.resumeId);
		if (entry === undefined || !entry.live || entry.record.user !== user) return undefined;
		const proof = mac(entry.exporter, noise.handshakeHashA);
		return equalBytes(proof, payload.proof) ? entry : undefined;
	}

	#answer(
		init: VerifiedInit,
		status: number,
		sessionId: number,
		epoch: number,
		remote: RemoteAddress,
		now: Millis,
	): boolean {
		const parameters = {encrypt: this.#config.encrypt, frames: []};
		const resp = {status, sessionId, epoch, parameters};
		const answer = this.#handshake.respond(init, resp, now);
		if (answer !== undefined) this.#sendRaw(answer, remote);
		return answer !== undefined;
	}

	#resume(init: VerifiedInit, entry: ServerSession, remote: RemoteAddress, now: Millis): void {
		const {session} = entry;
		const epoch = session.keys.nextEpoch;
		const {RESUMED} = RespStatus;
		if (!this.#answer(init, RESUMED, session.localId, epoch, remote, now)) return;
		const {initiatorKey, responderKey} = init.noise.split();
		const {aead} = this.#context.environment;
		session.keys.prepare(aead(responderKey), aead(initiatorKey));
		session.rekeys++;
		const {number} = session;
		const user = entry.record.user.name;
		this.#context.emit({type: 'session-up', session: number, user, resumed: true});
	}

	#open(init: VerifiedInit, record: ClientRecord, remote: RemoteAddress, now: Millis): void {
		if (this.#sessions.size >= this.#config.sessionLimit && record.session === undefined) {
			this.#warn('full', remote, 'no room for one more session');
			this.#answer(init, RespStatus.FULL, 0, 0, remote, now);
			return;
		}
		if (this.#halfOpen >= HALF_OPEN_LIMIT) this.#dropOldestHalfOpen();
		const localId = this.#freeId();
		if (!this.#answer(init, RespStatus.FRESH, localId, 0, remote, now)) return;
		const {initiatorKey, responderKey, exporter} = init.noise.split();
		const {aead} = this.#context.environment;
		const session = new Session({
			context: this.#context,
			role: Role.SERVER,
			number: ++this.#numbers,
			localId,
			peerId: init.clientSession,
			keys: new KeySchedule(aead(responderKey), aead(initiatorKey), 0),
			now,
		});
		const flows = new ServerFlows({
			context: this.#context,
			session,
			table: this.#table,
			owner: record,
			limit: this.#config.flowLimit,
			identify: (id, at) => this.#identify(entry, id, init, at),
			closed: (code) => this.#end(entry, `the client closed it, code ${code}`),
		});
		const entry: ServerSession = {session, flows, exporter, record, live: false, deadline: NEVER};
		session.flows = flows;
		this.#sessions.set(localId, entry);
		this.#halfOpen++;
	}

	#freeId(): number {
		const {random} = this.#context.environment;
		let id = random.uint32();
		while (this.#sessions.has(id)) id = random.uint32();
		return id;
	}

	#dropOldestHalfOpen(): void {
		for (const entry of this.#sessions.values()) {
			if (entry.live) continue;
			this.#forget(entry);
			return;
		}
	}

	/** The first genuine packet: the client is live, and its former session is over. */
	#activate(entry: ServerSession, _now: Millis): void {
		entry.live = true;
		this.#halfOpen--;
		this.#takeOver(entry);
		const {number} = entry.session;
		const user = entry.record.user.name;
		this.#context.emit({type: 'session-up', session: number, user, resumed: false});
	}

	#takeOver(entry: ServerSession): void {
		const former = entry.record.session;
		entry.record.session = entry;
		if (former !== undefined && former !== entry) this.#end(former, 'the client came back');
	}

	/** Keyless mode: the client told its id, so flows of its former sessions are its own again. */
	#identify(entry: ServerSession, id: Uint8Array, init: VerifiedInit, now: Millis): ClientRecord {
		if (!this.#config.keyless || entry.record.key !== '') return entry.record;
		const anonymous = entry.record;
		entry.record = this.#record(init, id, now);
		for (const [key, flow] of anonymous.flows) {
			this.#table.remove(flow);
			this.#context.emit({type: 'flow-closed', flow: flow.handle});
			anonymous.flows.delete(key);
		}
		this.#takeOver(entry);
		return entry.record;
	}

	#breakOff(entry: ServerSession, now: Millis): void {
		entry.session.sendClose(CloseCode.PROTOCOL, 0, now);
		this.#end(entry, entry.session.broken ?? '');
	}

	#end(entry: ServerSession, reason: string): void {
		if (!this.#sessions.has(entry.session.localId)) return;
		this.#forget(entry);
		entry.flows.unbindAll();
		if (entry.record.session === entry) entry.record.session = undefined;
		if (entry.record.key === '') this.#closeFlows(entry.record);
		this.#context.emit({type: 'session-down', session: entry.session.number, reason});
	}

	/** Nobody can ever claim the flows of a client without an id again. */
	#closeFlows(record: ClientRecord): void {
		for (const flow of [...record.flows.values()]) {
			this.#table.remove(flow);
			this.#context.emit({type: 'flow-closed', flow: flow.handle});
		}
	}

	#forget(entry: ServerSession): void {
		this.#sessions.delete(entry.session.localId);
		if (!entry.live) this.#halfOpen--;
	}

	// --- targets in ---

	sendDatagram(
		handle: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const flow = this.#table.get(handle);
		if (flow === undefined) return this.#drop('unknown-flow');
		flow.active = now;
		const flows = flow.session;
		if (flows === undefined || this.#closed) return this.#drop('no-session');
		const {session} = flows;
		const entry = this.#sessions.get(session.localId)!;
		if (session.paths.chosen.length === 0) {
			flows.held.push(flow, bytes, start, end, now);
			if (!session.waiting) {
				session.waiting = true;
				session.prober.data(now);
				for (const path of session.paths.all) session.prober.schedule(path, now);
			}
			this.#touch(entry, now);
			return undefined;
		}
		const reason = session.sendDatagram(flow.id, 0, undefined, undefined, bytes, start, end, now);
		this.#touch(entry, now);
		return reason;
	}

	refuseFlow(handle: number, now: Millis): void {
		const flow = this.#table.get(handle);
		if (flow === undefined) return;
		if (!this.#closed) flow.session?.refuse(flow, RefusalCode.SOCKET, now);
		this.#table.remove(flow);
	}

	socketClosed(socket: number, _now: Millis): void {
		for (const {session} of this.#sessions.values()) session.paths.socketClosed(socket);
	}

	remoteTooLong(remote: RemoteAddress, size: number, now: Millis): void {
		for (const {session} of this.#sessions.values()) {
			const known = session.paths.locate(remote);
			if (known === undefined) continue;
			known.path.mtu.tooLong(size, now);
			session.paths.choose();
		}
	}

	// --- time ---

	nextTimeout(): Millis {
		return Math.min(this.#deadline, this.#nextSweep, this.#closeAgain);
	}

	handleTimeout(now: Millis): void {
		this.#started ??= now;
		if (this.#closed) {
			if (now >= this.#closeAgain) this.#sendGoodbye(now, NEVER);
			return;
		}
		if (now >= this.#deadline) this.#runSessions(now);
		if (now >= this.#nextSweep) this.#sweep(now);
	}

	#runSessions(now: Millis): void {
		this.#deadline = NEVER;
		for (const entry of this.#sessions.values()) {
			if (now >= entry.deadline) {
				entry.session.handleTimeout(now);
				this.#touch(entry, now);
			} else this.#deadline = Math.min(this.#deadline, entry.deadline);
		}
	}

	#sweep(now: Millis): void {
		this.#nextSweep = now + SWEEP;
		for (const entry of [...this.#sessions.values()]) this.#sweepSession(entry, now);
		for (const flow of this.#table.idle(now, this.#config.flowIdle)) {
			flow.session?.close(flow, now);
			this.#table.remove(flow);
			this.#context.emit({type: 'flow-closed', flow: flow.handle});
		}
		for (const [key, record] of this.#records) {
			const used = record.session !== undefined || record.flows.size > 0;
			if (!used && now - record.active > RECORD_LIFE) this.#records.delete(key);
		}
		this.#handshake.expire(now);
		if (this.#sessions.size === 0 && this.#table.size === 0 && this.#records.size === 0) {
			this.#nextSweep = NEVER;
		}
	}

	#sweepSession(entry: ServerSession, now: Millis): void {
		const {session} = entry;
		entry.flows.held.expire(now);
		entry.record.active = now;
		if (!entry.live) {
			if (now - session.since > HALF_OPEN_FOR) this.#forget(entry);
			return;
		}
		if (now - session.heard <= this.#config.sessionIdle) return;
		if (this.#expired.size >= EXPIRED_IDS) this.#expired.clear();
		this.#expired.add(session.localId);
		this.#end(entry, 'nothing heard of the client');
	}

	close(now: Millis): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#nextSweep = NEVER;
		this.#deadline = NEVER;
		this.#sendGoodbye(now, now + SECOND_CLOSE);
	}

	#sendGoodbye(now: Millis, again: Millis): void {
		for (const {session} of this.#sessions.values()) {
			session.sendClose(CloseCode.STOPPING, QUIET, now);
		}
		this.#closeAgain = this.#sessions.size > 0 ? again : NEVER;
	}

	lingerTime(): Millis {
		let longest = 0;
		for (const {session} of this.#sessions.values()) {
			for (const {rtt} of session.paths.all) {
				if (rtt.measured) longest = Math.max(longest, rtt.smoothed);
			}
		}
		return Math.min(800, Math.max(1.5 * longest, 100));
	}

	// --- out ---

	pollTransmit(_now: Millis): Transmit | undefined {
		return this.#context.outbox.poll();
	}

	releaseSlot(slot: Slot): void {
		this.#context.outbox.pool.release(slot);
	}

	get outstandingSlots(): number {
		return this.#context.outbox.pool.outstanding;
	}

	pollDelivery(): Delivery | undefined {
		return this.#context.pollDelivery();
	}

	pollEvent(): EndpointEvent | undefined {
		return this.#context.pollEvent();
	}

	status(now: Millis): EndpointStatus {
		let waiting = 0;
		const sessions = [];
		for (const {session, flows, record, live} of this.#sessions.values()) {
			if (!live) continue;
			waiting += flows.held.length;
			const user = record.user.name;
			sessions.push(sessionStatus(session, {state: 'up', user, flows: flows.size, now}));
		}
		return {sessions, drops: this.#context.drops.entries(), waiting};
	}
}
