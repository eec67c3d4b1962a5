import {type Millis, NEVER} from '../../bytes/time.ts';
import {backToken} from '../../crypto/keys.ts';
import {CloseCode} from '../../wire/constants.ts';
import {STREAM_FRAMES} from '../../wire/frames/frame-type.ts';
import {encodeBack, RespStatus} from '../../wire/handshake.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import type {ClientConfig} from '../endpoint.ts';
import type {ClientTraffic} from '../flow/client-traffic.ts';
import {KeySchedule} from '../packets/key-schedule.ts';
import {Role} from '../role.ts';
import {Session} from '../session/session.ts';
import type {StreamSet} from '../stream/stream-set.ts';
import type {Warnings} from '../warnings.ts';
import type {ClientHandshake, HandshakeResult} from './client-handshake.ts';
import type {ConfiguredPaths} from './configured-paths.ts';
import type {KeyTimes} from './key-times.ts';
import type {Lifecycle} from './lifecycle.ts';
import type {ResetAlarms} from './reset-alarms.ts';

/** Pause before the next handshake after a session broke, at either end. */
export const BROKEN_PAUSE: Millis = 5000;
/**
 * Shortest time between two changes of the client id, so that no answer makes a client write its
 * state for ever.
 */
const ID_LIFE: Millis = 60_000;
const USER_FULL = 'the server refuses one more session of this key: it has as many as it may';
const ID_IN_USE = 'another client has this client id';
const CLONE =
	'another client has the client id of this one, as after a copy of a state folder; this one has a new id now';
const ENCRYPTION_DIFFERS = 'MPTUNNEL_ENCRYPT is set at one end only; it must be the same at both';

/** Reasons for which a server closes a session, by the code. */
const REASONS: Readonly<Record<number, string>> = {
	[CloseCode.STOPPING]: 'the server stops',
	[CloseCode.REMOVED]: 'the server has removed this key',
	[CloseCode.CHANGED]: 'the server has changed what this key may do',
};

/** The parts of a client that a session is made of and for. */
export interface ConnectorInit {
	readonly context: EndpointContext;
	readonly config: ClientConfig;
	readonly handshake: ClientHandshake;
	readonly traffic: ClientTraffic;
	readonly streams: StreamSet;
	readonly paths: ConfiguredPaths;
	readonly lifecycle: Lifecycle;
	readonly keys: KeyTimes;
	readonly alarms: ResetAlarms;
	readonly warnings: Warnings;
}

/** Makes sessions of the server's answers, gives them new keys, and takes the server's goodbye. */
export class Connector {
	readonly #init: ConnectorInit;
	/** Exporter secret of the session, 32 bytes. */
	#exporter: Uint8Array = new Uint8Array(0);
	#sessions = 0;
	/** Time at which the client id was replaced last. */
	#renamed: Millis = Number.NEGATIVE_INFINITY;

	constructor(init: ConnectorInit) {
		this.#init = init;
	}

	#drop(reason: DropReason): DropReason {
		return this.#init.context.drops.count(reason);
	}

	/** Reads a RESP; returns why it is dropped. `undefined`: it was genuine and has its effect. */
	receiveResp(bytes: Uint8Array, start: number, end: number, now: Millis): DropReason | undefined {
		if (this.#init.lifecycle.state === 'quiet') return this.#drop('unexpected');
		// The same answer comes over every path; the first one ended the handshake.
		if (!this.#init.handshake.active) return this.#drop('duplicate');
		const result = this.#init.handshake.receiveResp(bytes, start, end);
		if (result === undefined) return this.#drop('bad-handshake');
		const {status, parameters} = result.resp;
		if (
			status === RespStatus.ENCRYPTION_DIFFERS ||
			parameters.encrypt !== this.#init.config.encrypt
		) {
			this.#init.warnings.warn('encryption-differs', 'server', ENCRYPTION_DIFFERS, now);
			return this.#drop('encryption-differs');
		}
		if (status === RespStatus.FULL) {
			this.#init.warnings.warn(
				'full',
				'server',
				'the server has no room for one more session',
				now,
			);
			return this.#drop('unexpected');
		}
		if (status === RespStatus.USER_FULL) {
			this.#init.warnings.warn('user-full', 'server', USER_FULL, now);
			return this.#drop('unexpected');
		}
		if (status === RespStatus.ID_IN_USE) {
			this.#leaveId(now);
			return undefined;
		}
		this.#init.alarms.answered(status === RespStatus.RESUMED);
		if (status === RespStatus.RESUMED) this.#resumed(result, now);
		else this.#established(result, now);
		return undefined;
	}

	#resumed({resp, keys}: HandshakeResult, now: Millis): void {
		const {session} = this.#init.lifecycle;
		if (session === undefined) return;
		const {aead} = this.#init.context.environment;
		session.keys.install(resp.epoch, aead(keys.initiatorKey), aead(keys.responderKey), now);
		session.rekeys++;
		// The answer is a sign of life; without this, silence would cause the next resume at once.
		session.sender.unansweredSince = NEVER;
		this.#init.lifecycle.resume(session, now);
		this.#init.keys.replaced(now);
		// The server uses the new keys once a packet under them arrives.
		for (const path of session.paths.all) if (path.open) session.prober.probe(path, now);
	}

	#established(result: HandshakeResult, now: Millis): void {
		const session = this.#makeSession(result, now);
		this.#exporter = result.keys.exporter;
		const {frames} = result.resp.parameters;
		const streams = STREAM_FRAMES.every((type) => frames.includes(type));
		this.#init.lifecycle.moveToUp(session, streams, now);
		this.#init.keys.replaced(now);
		for (const path of session.paths.all) if (path.open) session.prober.probe(path, now);
		this.#init.paths.announce(session, now);
		this.#init.streams.pump(now);
	}

	#makeSession({resp, keys, localId}: HandshakeResult, now: Millis): Session {
		const {aead} = this.#init.context.environment;
		const session = new Session({
			context: this.#init.context,
			role: Role.CLIENT,
			number: ++this.#sessions,
			localId,
			peerId: resp.sessionId,
			keys: new KeySchedule(aead(keys.initiatorKey), aead(keys.responderKey), resp.epoch, now),
			peerFrames: resp.parameters.frames,
			closed: (code, quiet, at) => this.#closedByServer(code, quiet, at),
			now,
		});
		session.carryFlows(this.#init.traffic);
		if (!this.#init.config.keyless) session.carryStreams(this.#init.streams);
		this.#init.paths.configure(session, now);
		return session;
	}

	/** Reads a VERSION: the server knows others only. */
	receiveVersion(
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const {handshake, warnings, context} = this.#init;
		const versions = handshake.receiveVersion(bytes, start, end);
		if (versions === undefined) return context.drops.count('bad-handshake');
		const text = `the server supports version ${versions.join(', ')} only`;
		warnings.warn('other-version', 'server', text, now);
		return undefined;
	}

	/** Begins a handshake that resumes the session. */
	beginResume({localId, peerId}: Session, now: Millis): void {
		this.#init.handshake.begin({localId, peerId, exporter: this.#exporter}, now);
	}

	/**
	 * Reads the CLOSE of the server.
	 *
	 * @param quiet silence that it asks for, in milliseconds
	 */
	#closedByServer(code: number, quiet: Millis, now: Millis): void {
		const {session} = this.#init.lifecycle;
		if (session === undefined) return;
		// It had the session until now.
		this.#init.lifecycle.trust();
		if (code === CloseCode.ID_IN_USE) {
			this.#leaveId(now);
			return;
		}
		const isStop = code === CloseCode.STOPPING;
		const reason = REASONS[code] ?? `closed, code ${code}`;
		const back = isStop ? encodeBack(session.localId, backToken(this.#exporter)) : undefined;
		// After a protocol error the server must not get the next handshake at once.
		const broken = code === CloseCode.PROTOCOL || code === CloseCode.INTERNAL;
		const until = now + Math.max(quiet, broken ? BROKEN_PAUSE : 0);
		this.#init.lifecycle.moveToQuiet(reason, until, back);
	}

	/**
	 * Ends the session because another client has this one's id. The next handshake has a new id, or
	 * comes after a pause when the present id is new itself.
	 */
	#leaveId(now: Millis): void {
		const isNew = now - this.#renamed < ID_LIFE;
		this.#init.lifecycle.moveToQuiet(ID_IN_USE, now + (isNew ? BROKEN_PAUSE : 0));
		if (isNew) return;
		this.#renamed = now;
		const clientId = new Uint8Array(16);
		this.#init.context.environment.random.fill(clientId);
		if (!this.#init.config.keyless) this.#init.handshake.rename(clientId);
		this.#init.traffic.rename(clientId);
		this.#init.context.emit({type: 'client-id', clientId});
		this.#init.warnings.warn('clone', 'server', CLONE, now);
	}
}
