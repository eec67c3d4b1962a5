import {type Millis, NEVER} from '../../bytes/time.ts';
import {equalBytes, mac} from '../../crypto/keys.ts';
import {CloseCode, RefusalCode} from '../../wire/constants.ts';
import {DATAGRAM_FRAMES, LANE_FRAMES, STREAM_FRAMES} from '../../wire/frames/frame-type.ts';
import {InitKind, RespStatus} from '../../wire/handshake.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {ServerConfig} from '../endpoint.ts';
import type {ServerFlowTable} from '../flow/server-flow-table.ts';
import {ServerFlows} from '../flow/server-flows.ts';
import {KeySchedule} from '../packets/key-schedule.ts';
import {RateLimit} from '../rate-limit.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {Role} from '../role.ts';
import {Session} from '../session/session.ts';
import {STREAM_LIMIT, StreamSet} from '../stream/stream-set.ts';
import {Warnings} from '../warnings.ts';
import type {ClientRecords} from './client-records.ts';
import {type SealedInit, ServerHandshake, type VerifiedInit} from './server-handshake.ts';
import type {ClientRecord, ServerSession} from './server-session.ts';
import type {FormerSession, ServerSessions} from './server-sessions.ts';
import {HALF_OPEN, type ServerUser} from './server-user.ts';

/** Handshakes per second of a user beyond which a client has to show a cookie. */
const FRESH_PER_SECOND = 50;
/** RETRYs per second, of all users. */
const RETRIES_PER_SECOND = 1000;
/** Resumes per second of one session. */
const RESUMES_PER_SECOND = 10;
/**
 * Lead of a client's clock to which its time is cut: else one INIT would lock the client out later.
 * In milliseconds.
 */
const CLOCK_LEAD = 600_000;

/** Inputs of admission. */
export interface AdmissionInit {
	readonly context: EndpointContext;
	readonly config: ServerConfig;
	readonly users: readonly ServerUser[];
	readonly sessions: ServerSessions;
	readonly records: ClientRecords;
	readonly table: ServerFlowTable;
	/** Sends one packet to an address. */
	readonly reply: (bytes: Uint8Array, remote: RemoteAddress) => void;
}

const KEYLESS = 'a client without a key; this server has one';
const UNKNOWN_KEY = 'a client with a key that is not known here';
const CLONE =
	'two clients have one client id, as after a copy of a state folder; the later one gets another';
const ENCRYPTION_DIFFERS = 'MPTUNNEL_ENCRYPT is set at one end only; it must be the same at both';

/** An answer to an INIT. Id and epoch are 0 in one without a session. */
interface HandshakeAnswer {
	readonly status: number;
	readonly sessionId: number;
	readonly epoch: number;
}

function refusal(status: number): HandshakeAnswer {
	return {status, sessionId: 0, epoch: 0};
}

/**
 * Decides about every INIT: a new session, the next epoch of one, a cookie, a refusal, or nothing.
 */
export class Admission {
	readonly #init: AdmissionInit;
	readonly #context: EndpointContext;
	readonly #config: ServerConfig;
	readonly #handshake: ServerHandshake<ServerUser>;
	readonly #fresh: RateLimit;
	readonly #retries = new RateLimit(RETRIES_PER_SECOND, 1);
	readonly #warnings: Warnings;
	#numbers = 0;

	constructor(init: AdmissionInit) {
		this.#init = init;
		this.#context = init.context;
		this.#warnings = new Warnings(init.context);
		this.#config = init.config;
		this.#fresh = new RateLimit(FRESH_PER_SECOND, init.users.length);
		this.#handshake = new ServerHandshake(init.context.environment, init.users);
	}

	/** Reads a packet of type INIT. `undefined`: it was genuine and is answered. */
	receive(
		remote: RemoteAddress,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const outcome = this.#handshake.receive(bytes, start, end, remote, now);
		switch (outcome.type) {
			case 'verified':
				return this.#admit(outcome.init, remote, now);
			case 'busy':
				return this.#retry(outcome.init, remote, now, 'flood');
			case 'flood':
				return this.#drop('flood');
			case 'replayed':
				return this.#drop('stale-handshake');
			case 'repeat':
				this.#init.reply(outcome.answer, remote);
				return undefined;
			case 'other-version':
				this.#warnings.warn(
					'other-version',
					remote,
					`a client uses version ${outcome.version}`,
					now,
				);
				this.#init.reply(outcome.answer, remote);
				return this.#drop('other-version');
			case 'unknown-key':
				if (outcome.keyless) {
					this.#warnings.warn('keyless', remote, KEYLESS, now);
				} else this.#warnings.warn('unknown-key', remote, UNKNOWN_KEY, now);
				return this.#drop('unknown-key');
			case 'rejected':
				return this.#drop('bad-handshake');
		}
	}

	/** Takes other users, or other keys of theirs. */
	reconfigure(users: readonly ServerUser[]): void {
		this.#fresh.resize(users.length);
		this.#handshake.reconfigure(users);
	}

	/** Forgets answers that no copy of an INIT needs any more. */
	expire(now: Millis): void {
		this.#handshake.expire(now);
	}

	#drop(reason: DropReason): DropReason {
		return this.#context.drops.count(reason);
	}

	#admit(
		init: VerifiedInit<ServerUser>,
		remote: RemoteAddress,
		now: Millis,
	): DropReason | undefined {
		const {payload, user} = init;
		if (payload.parameters.encrypt !== this.#config.encrypt) {
			this.#warnings.warn('encryption-differs', remote, ENCRYPTION_DIFFERS, now);
			this.#answer(init, refusal(RespStatus.ENCRYPTION_DIFFERS), remote, now);
			return this.#drop('encryption-differs');
		}
		const resumed = this.#resumable(init);
		// A late copy of an attempt that the client gave up must not replace the keys of the newer one.
		if (resumed !== undefined && payload.time <= resumed.newestInit) {
			return this.#drop('stale-handshake');
		}
		if (resumed?.resumes.allow('', now) === false) return this.#drop('flood');
		const former = resumed === undefined ? this.#former(init) : undefined;
		if (former?.isClone) {
			this.#answer(init, refusal(RespStatus.ID_IN_USE), remote, now);
			return this.#drop('unexpected');
		}
		let cookie = this.#handshake.cookieValid(init, remote, now);
		const rival = former?.record.session;
		if (rival !== undefined && !cookie) {
			// Given after the rival's first packet: a client that shows it lives beside the rival, and
			// is no late copy.
			const purpose = `${rival.session.localId}`;
			cookie = this.#handshake.cookieValid(init, remote, now, purpose);
			if (!cookie) return this.#retry(init, remote, now, 'stale-handshake', purpose);
			this.#separate(rival, remote, now);
		}
		const latest = Math.floor(this.#context.environment.wallTime(now)) + CLOCK_LEAD;
		const time = Math.min(payload.time, latest);
		const record = this.#config.keyless
			? undefined
			: this.#init.records.find(user, payload.clientId, now);
		const stale = record !== undefined && time <= record.newestTime;
		if (stale && !cookie) return this.#retry(init, remote, now, 'stale-handshake');
		if (resumed === undefined && !cookie && this.#busy(user, now)) {
			return this.#retry(init, remote, now, 'unexpected');
		}
		if (record !== undefined) record.newestTime = time;
		if (resumed !== undefined) this.#resume(init, resumed, remote, now);
		else this.#open(init, record ?? this.#init.records.anonymous(user, now), remote, now);
		return undefined;
	}

	/** Returns the session that an INIT rightly asks to resume, if another one took its place. */
	#former(init: VerifiedInit<ServerUser>): FormerSession | undefined {
		if (init.payload.kind !== InitKind.RESUME) return undefined;
		const former = this.#init.sessions.former(init.payload.resumeId);
		if (former?.record.user !== init.user) return undefined;
		return proves(init, former.exporter) ? former : undefined;
	}

	/**
	 * Ends the session of the later of two clients with one id, and reports it: its client takes
	 * another id.
	 */
	#separate(rival: ServerSession, remote: RemoteAddress, now: Millis): void {
		const {name} = rival.record.user;
		const where = `${remote.host} port ${remote.port}`;
		const text = name === '' ? CLONE : `user ${name}: ${CLONE}`;
		// Not limited with those of other users: it takes handshakes under the user's key.
		this.#context.emit({type: 'warning', code: 'clone', where, text, times: 1});
		rival.session.sendClose(CloseCode.ID_IN_USE, 0, now);
		this.#init.sessions.endClone(rival);
	}

	/**
	 * True while a user begins so many sessions that its clients have to show their addresses first.
	 */
	#busy(user: ServerUser, now: Millis): boolean {
		return !this.#fresh.allow(user.name, now) || user.halfOpen >= HALF_OPEN;
	}

	#retry(
		init: SealedInit<ServerUser>,
		remote: RemoteAddress,
		now: Millis,
		reason: DropReason,
		purpose?: string,
	): DropReason {
		if (this.#retries.allow('', now)) {
			this.#init.reply(this.#handshake.retry(init, remote, now, purpose), remote);
		}
		return this.#drop(reason);
	}

	#resumable(init: VerifiedInit<ServerUser>): ServerSession | undefined {
		const {payload, user} = init;
		if (payload.kind !== InitKind.RESUME) return undefined;
		const entry = this.#init.sessions.get(payload.resumeId);
		if (entry === undefined || !entry.live || entry.record.user !== user) return undefined;
		return proves(init, entry.exporter) ? entry : undefined;
	}

	#answer(
		init: VerifiedInit<ServerUser>,
		{status, sessionId, epoch}: HandshakeAnswer,
		remote: RemoteAddress,
		now: Millis,
	): boolean {
		const streams = init.user.exit && !this.#config.keyless ? STREAM_FRAMES : [];
		const lanes = this.#init.context.environment.coding === undefined ? [] : LANE_FRAMES;
		const frames = [...streams, ...DATAGRAM_FRAMES, ...lanes];
		const parameters = {encrypt: this.#config.encrypt, frames};
		const resp = {status, sessionId, epoch, parameters};
		const answer = this.#handshake.respond(init, resp, now);
		if (answer !== undefined) this.#init.reply(answer, remote);
		return answer !== undefined;
	}

	#resume(
		init: VerifiedInit<ServerUser>,
		entry: ServerSession,
		remote: RemoteAddress,
		now: Millis,
	): void {
		const {session} = entry;
		const {RESUMED} = RespStatus;
		if (
			!this.#answer(
				init,
				{status: RESUMED, sessionId: session.localId, epoch: session.keys.nextEpoch},
				remote,
				now,
			)
		)
			return;
		const {initiatorKey, responderKey} = init.noise.split();
		const {aead} = this.#context.environment;
		session.keys.prepare(aead(responderKey), aead(initiatorKey));
		session.rekeys++;
		entry.newestInit = init.payload.time;
		const {number} = session;
		const user = entry.record.user.name;
		this.#context.emit({type: 'session-up', session: number, user, resumed: true});
	}

	#open(
		init: VerifiedInit<ServerUser>,
		record: ClientRecord,
		remote: RemoteAddress,
		now: Millis,
	): void {
		const {sessions} = this.#init;
		if (record.session === undefined && !record.user.sessions.hasRoom(1)) {
			this.#turnDown(init, remote, now);
			return;
		}
		if (record.user.halfOpen >= HALF_OPEN) sessions.dropOldestHalfOpen(record.user);
		const localId = sessions.freeId();
		if (this.#answer(init, {status: RespStatus.FRESH, sessionId: localId, epoch: 0}, remote, now)) {
			sessions.add(this.#makeSession(init, record, localId, now));
		}
	}

	/** Reports the user's own limit in the log and to the client; else the server is full. */
	#turnDown(init: VerifiedInit<ServerUser>, remote: RemoteAddress, now: Millis): void {
		const {name, sessions} = init.user;
		const own = sessions.used >= sessions.cap;
		if (!own) this.#warnings.warn('full', remote, 'no room for one more session', now);
		else if (init.user.refused('session', RefusalCode.LIMIT, now)) {
			const {LIMIT: code} = RefusalCode;
			this.#context.emit({type: 'refused', user: name, kind: 'session', code});
		}
		this.#answer(init, refusal(own ? RespStatus.USER_FULL : RespStatus.FULL), remote, now);
	}

	#makeSession(
		init: VerifiedInit<ServerUser>,
		record: ClientRecord,
		localId: number,
		now: Millis,
	): ServerSession {
		const {sessions, table} = this.#init;
		const context = this.#context;
		const {initiatorKey, responderKey, exporter} = init.noise.split();
		const {aead} = context.environment;
		const session = new Session({
			context,
			role: Role.SERVER,
			number: ++this.#numbers,
			localId,
			peerId: init.clientSession,
			keys: new KeySchedule(aead(responderKey), aead(initiatorKey), 0, now),
			peerFrames: init.payload.parameters.frames,
			memory: init.user.memory,
			laneLimits: init.user.laneLimits,
			closed: (code) => sessions.end(entry, `the client closed it, code ${code}`),
			now,
		});
		const flows = new ServerFlows({
			context,
			session,
			table,
			owner: record,
			holdAge: this.#config.holdAge,
			identify: (id, at) =>
				this.#config.keyless ? sessions.identify(entry, init.user, id, at) : entry.record,
		});
		session.carryFlows(flows);
		if (!this.#config.keyless) {
			const streams = new StreamSet({
				context,
				role: Role.SERVER,
				memory: init.user.memory,
				limit: STREAM_LIMIT,
				congestionControl: this.#config.congestionControl ?? 'bbr',
				user: init.user,
				due: () => sessions.streamDue(entry),
			});
			streams.attach(session, true);
			session.carryStreams(streams);
		}
		const entry: ServerSession = {
			session,
			flows,
			exporter,
			record,
			newestInit: init.payload.time,
			resumes: new RateLimit(RESUMES_PER_SECOND, 1),
			live: false,
			deadline: NEVER,
		};
		return entry;
	}
}

/** True when the sender has the session with that exporter. */
function proves({noise, payload}: VerifiedInit<ServerUser>, exporter: Uint8Array): boolean {
	return equalBytes(mac(exporter, noise.handshakeHashA), payload.proof);
}
