import {type Millis, NEVER} from '../../bytes/time.ts';
import {writeHash} from '../../crypto/keyed-hash.ts';
import {equalBytes, mac} from '../../crypto/keys.ts';
import {NoiseInitiator, type SessionKeys} from '../../crypto/noise.ts';
import {PROLOGUE, VERSION} from '../../wire/constants.ts';
import {
	decodeRespPayload,
	encodeInit,
	encodeInitHeader,
	encodeInitPayload,
	handshakeSessionId,
	handshakeVersion,
	INIT_COOKIE_MAC,
	INIT_MAC,
	INIT_MAC_LENGTH,
	InitKind,
	initEphemeral,
	PROOF_LENGTH,
	type RespPayload,
	RespStatus,
	replyCovered,
	replyMac,
	retryCookie,
	splitResp,
	versionsIn,
} from '../../wire/handshake.ts';
import type {Environment} from '../environment.ts';
import {cookieMac, UserKeys} from '../user-keys.ts';

/** Pauses between the first sends of an attempt. */
const PAUSES: readonly Millis[] = [300, 600, 1200, 2400];
const LONG_PAUSE: Millis = 5000;
const JITTER: Millis = 333;
/** Time for which an attempt is repeated byte for byte. */
const SAME_BYTES_FOR: Millis = 3000;
/** Time after an answered RETRY for which others on its path are ignored. */
const RETRY_PAUSE: Millis = 1000;

/** The session that a resume continues. */
export interface Resumable {
	readonly localId: number;
	readonly peerId: number;
	readonly exporter: Uint8Array;
}

/** Result of a handshake: the payload of a RESP and the keys. */
export interface HandshakeResult {
	readonly resp: RespPayload;
	readonly keys: SessionKeys;
	readonly localId: number;
	/** Session that the INIT asked to resume. `undefined`: a new one was asked for. */
	readonly resume: Resumable | undefined;
}

interface Attempt {
	readonly noise: NoiseInitiator;
	readonly bytes: Uint8Array;
	readonly localId: number;
	readonly resume: Resumable | undefined;
	readonly since: Millis;
}

/** Cookie that a RETRY brought for one path. */
interface Ticket {
	readonly cookie: Uint8Array;
	readonly since: Millis;
	/** The INIT under way with the cookie's mac. */
	bytes: Uint8Array;
}

/**
 * The client's side of the handshake: the INITs and their times, until an answer verifies. It never
 * gives up. Any change of the payload takes a new ephemeral key, else one key and nonce would seal
 * two plaintexts; only the answer to the latest INIT is taken. That INIT is the same on all paths,
 * except for the mac of a cookie that one of them was given: so no path can block the others.
 */
export class ClientHandshake {
	readonly #environment: Environment;
	readonly #psk: Uint8Array;
	readonly #keys: UserKeys;
	#clientId: Uint8Array;
	readonly #encrypt: boolean;
	readonly #frames: readonly number[];
	#attempt: Attempt | undefined;
	/** Cookies by path. */
	readonly #tickets = new Map<number, Ticket>();
	#resume: Resumable | undefined;
	#localId = 0;
	#next: Millis = NEVER;
	#sends = 0;
	#lastTime = 0;

	/**
	 * @param clientId 16 bytes; zeros in keyless mode
	 * @param frames frame types from 0x30 up that this end supports
	 */
	constructor(
		environment: Environment,
		psk: Uint8Array,
		clientId: Uint8Array,
		encrypt: boolean,
		frames: readonly number[] = [],
	) {
		this.#frames = frames;
		this.#environment = environment;
		this.#psk = psk;
		this.#keys = new UserKeys(psk, environment);
		this.#clientId = clientId;
		this.#encrypt = encrypt;
	}

	/** True while a handshake is under way: an INIT is due or its answer is missing. */
	get active(): boolean {
		return this.#next !== NEVER;
	}

	/** Replaces the client id, from the next `begin` on. */
	rename(clientId: Uint8Array): void {
		this.#clientId = clientId;
	}

	/** Begins anew; the first INIT is due at once. `undefined`: asks for a new session. */
	begin(resume: Resumable | undefined, now: Millis): void {
		this.#resume = resume;
		// One id for all attempts: the cookie of a RETRY is bound to it.
		this.#localId = resume?.localId ?? this.#environment.random.uint32();
		this.#forget();
		this.#sends = 0;
		this.#next = now;
	}

	/** Stops: the answer came, or none is needed any more. Harmless when stopped already. */
	stop(): void {
		this.#forget();
		this.#next = NEVER;
	}

	#forget(): void {
		this.#attempt = undefined;
		this.#tickets.clear();
	}

	/** Returns the time at which `poll` has an INIT to send. `NEVER`: no handshake is under way. */
	nextTimeout(): Millis {
		return this.#next;
	}

	/** Returns the INIT due now; each path sends its `current`. `undefined`: none is due. */
	poll(now: Millis): {readonly bytes: Uint8Array} | undefined {
		if (now < this.#next) return undefined;
		let attempt = this.#attempt;
		if (attempt === undefined || now - attempt.since >= SAME_BYTES_FOR) {
			attempt = this.#makeAttempt(now);
			this.#attempt = attempt;
			for (const ticket of this.#tickets.values()) {
				ticket.bytes = withCookie(attempt.bytes, ticket.cookie);
			}
		}
		const {random} = this.#environment;
		const jitter = (random.uint32() / 2 ** 32) * JITTER;
		this.#next = now + (PAUSES[this.#sends] ?? LONG_PAUSE + jitter);
		this.#sends++;
		return attempt;
	}

	/** Returns the INIT under way on a path; not to be changed. `undefined`: none. */
	current(path: number): Uint8Array | undefined {
		return this.#attempt && (this.#tickets.get(path) ?? this.#attempt).bytes;
	}

	/** Returns the INITs under way, each with those of the paths that send it. */
	currentOf(paths: readonly number[]): ReadonlyMap<Uint8Array, readonly number[]> {
		const groups = new Map<Uint8Array, number[]>();
		for (const path of paths) {
			const init = this.current(path);
			if (init === undefined) continue;
			groups.set(init, [...(groups.get(init) ?? []), path]);
		}
		return groups;
	}

	#makeAttempt(now: Millis): Attempt {
		const {random, aead, dh, wallTime} = this.#environment;
		const resume = this.#resume;
		const localId = this.#localId;
		const noise = new NoiseInitiator({
			psk: this.#psk,
			prologue: new TextEncoder().encode(PROLOGUE),
			random,
			aead,
			dh,
			start: this.#keys.start,
		});
		const header = encodeInitHeader(VERSION, localId, this.#keys.hint);
		const e = noise.beginMessageA(header);
		this.#lastTime = Math.max(this.#lastTime + 1, Math.floor(wallTime(now)));
		const payload = encodeInitPayload({
			kind: resume === undefined ? InitKind.FRESH : InitKind.RESUME,
			clientId: this.#clientId,
			time: this.#lastTime,
			resumeId: resume?.peerId ?? 0,
			proof: resume ? mac(resume.exporter, noise.handshakeHash) : new Uint8Array(PROOF_LENGTH),
			parameters: {encrypt: this.#encrypt, frames: this.#frames},
		});
		const bytes = encodeInit(header, e, noise.finishMessageA(payload));
		writeHash(this.#keys.initMac(bytes, 0), bytes, INIT_MAC, INIT_MAC_LENGTH);
		return {noise, bytes, localId, resume, since: now};
	}

	/** Reads a RESP. `undefined`: it is not the answer to the latest INIT. */
	receiveResp(bytes: Uint8Array, start: number, end: number): HandshakeResult | undefined {
		const attempt = this.#attempt;
		const packet = bytes.slice(start, end);
		const parts = splitResp(packet);
		if (attempt === undefined || parts === undefined) return undefined;
		if (handshakeVersion(packet, 0) !== VERSION) return undefined;
		if (handshakeSessionId(packet, 0) !== attempt.localId) return undefined;
		const payload = attempt.noise.readMessageB(parts.header, parts.message);
		const resp = payload === undefined ? undefined : decodeRespPayload(payload);
		if (resp === undefined) return undefined;
		const {localId, resume, noise} = attempt;
		// Taking it would end the handshake without a session.
		if (resp.status === RespStatus.RESUMED && resp.sessionId !== resume?.peerId) return undefined;
		return {resp, keys: noise.split(), localId, resume};
	}

	/**
	 * Reads a RETRY that came over `path`; returns the INIT to answer with, on that path only.
	 * `undefined`: it is not genuine, or too soon after another.
	 */
	receiveRetry(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): Uint8Array | undefined {
		const attempt = this.#attempt;
		const former = this.#tickets.get(path);
		if (attempt === undefined) return undefined;
		if (former !== undefined && now - former.since < RETRY_PAUSE) return undefined;
		const packet = bytes.slice(start, end);
		const cookie = retryCookie(packet);
		if (cookie === undefined) return undefined;
		if (!this.#verified(packet, (covered, e) => this.#keys.retryMac(covered, e))) return undefined;
		const init = withCookie(attempt.bytes, cookie);
		this.#tickets.set(path, {cookie, since: now, bytes: init});
		if (former === undefined) {
			// From the first cookie of a path on the attempt goes on as from its beginning.
			this.#sends = Math.min(this.#sends, 1);
			this.#next = Math.min(this.#next, now + PAUSES[0]!);
		}
		return init;
	}

	/** Reads a VERSION; returns the versions that the server supports. `undefined`: not genuine. */
	receiveVersion(bytes: Uint8Array, start: number, end: number): number[] | undefined {
		const packet = bytes.slice(start, end);
		const versions = versionsIn(packet);
		if (versions === undefined) return undefined;
		const isGenuine = this.#verified(packet, (covered, e) => this.#keys.versionMac(covered, e));
		return isGenuine ? versions : undefined;
	}

	/** True when the mac at the end covers the packet and the INIT under way. */
	#verified(
		packet: Uint8Array,
		macOf: (covered: Uint8Array, e: Uint8Array) => Uint8Array,
	): boolean {
		const attempt = this.#attempt;
		if (attempt === undefined || handshakeSessionId(packet, 0) !== attempt.localId) return false;
		const expected = macOf(replyCovered(packet), initEphemeral(attempt.bytes));
		return equalBytes(expected, replyMac(packet));
	}
}

/** Returns a copy of an INIT that shows a cookie. */
function withCookie(init: Uint8Array, cookie: Uint8Array): Uint8Array {
	const bytes = init.slice();
	writeHash(cookieMac(cookie, bytes, 0), bytes, INIT_COOKIE_MAC, INIT_MAC_LENGTH);
	return bytes;
}
