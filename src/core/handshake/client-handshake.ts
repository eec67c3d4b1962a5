import {readUint32} from '../../bytes/cursor.ts';
import {deriveKey, equalBytes, keyHint, mac} from '../../crypto/keys.ts';
import {NoiseInitiator, type SessionKeys} from '../../crypto/noise.ts';
import {PROLOGUE, VERSION} from '../../wire/constants.ts';
import {
	COOKIE_LENGTH,
	decodeRespPayload,
	encodeInitHeader,
	encodeInitPayload,
	InitKind,
	PROOF_LENGTH,
	RESP_HEADER_LENGTH,
	RETRY_LENGTH,
	type RespPayload,
	RespStatus,
} from '../../wire/handshake.ts';
import type {Environment} from '../environment.ts';
import {type Millis, NEVER} from '../time.ts';

/** Pauses between the first sends of an attempt. */
const PAUSES: readonly Millis[] = [300, 600, 1200, 2400];
const LONG_PAUSE: Millis = 5000;
const JITTER: Millis = 333;
/** For this long an attempt is repeated byte for byte. */
const SAME_BYTES_FOR: Millis = 3000;
/** Other RETRYs are ignored for this long after one was answered. */
const RETRY_PAUSE: Millis = 1000;

/** The session that a resume continues. */
export interface Resumable {
	readonly localId: number;
	readonly peerId: number;
	readonly exporter: Uint8Array;
}

/** What a RESP brought. */
export interface HandshakeResult {
	readonly resp: RespPayload;
	readonly keys: SessionKeys;
	readonly localId: number;
	/** Whether the INIT asked to resume. */
	readonly resume: Resumable | undefined;
}

interface Attempt {
	readonly noise: NoiseInitiator;
	readonly bytes: Uint8Array;
	readonly localId: number;
	readonly resume: Resumable | undefined;
	readonly since: Millis;
}

/**
 * The client's side of the handshake: what to send when, until an answer verifies. It never gives
 * up. Any change of the payload takes a new ephemeral key, else one key and nonce would seal two
 * plaintexts. A path that was given a cookie has an INIT of its own, all others share one, so that
 * no path can keep the others from going on; only the answer to the latest INIT of a path is taken.
 */
export class ClientHandshake {
	readonly #environment: Environment;
	readonly #psk: Uint8Array;
	readonly #clientId: Uint8Array;
	readonly #encrypt: boolean;
	readonly #frames: readonly number[];
	/** What goes out on paths without a cookie. */
	#attempt: Attempt | undefined;
	/** What goes out on those that have one, their cookies, and when each was given last. */
	readonly #attempts = new Map<number, Attempt>();
	readonly #cookies = new Map<number, Uint8Array>();
	readonly #retried = new Map<number, Millis>();
	#resume: Resumable | undefined;
	#localId = 0;
	#next: Millis = NEVER;
	#sends = 0;
	#lastTime = 0;

	/**
	 * @param clientId 16 bytes; zeros in keyless mode
	 * @param frames the frame types from 0x30 up that this end understands
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
		this.#clientId = clientId;
		this.#encrypt = encrypt;
	}

	/** Whether an answer is waited for. */
	get active(): boolean {
		return this.#next !== NEVER;
	}

	/** Begins anew; the first INIT is due at once. */
	begin(resume: Resumable | undefined, now: Millis): void {
		this.#resume = resume;
		// One id for all attempts: the cookie of a RETRY is bound to it.
		this.#localId = resume?.localId ?? this.#environment.random.uint32();
		this.#forget();
		this.#sends = 0;
		this.#next = now;
	}

	/** Stops, because there is an answer or nothing is wanted any more. */
	stop(): void {
		this.#forget();
		this.#next = NEVER;
	}

	#forget(): void {
		this.#attempt = undefined;
		this.#attempts.clear();
		this.#cookies.clear();
		this.#retried.clear();
	}

	/** When `poll` has an INIT to send. */
	nextTimeout(): Millis {
		return this.#next;
	}

	/** The INIT due now on every path that has none of its own (see `current`). */
	poll(now: Millis): {readonly bytes: Uint8Array} | undefined {
		if (now < this.#next) return undefined;
		let attempt = this.#attempt;
		if (attempt === undefined || now - attempt.since >= SAME_BYTES_FOR) {
			attempt = this.#renew(now);
		}
		const {random} = this.#environment;
		const jitter = (random.uint32() / 2 ** 32) * JITTER;
		this.#next = now + (PAUSES[this.#sends] ?? LONG_PAUSE + jitter);
		this.#sends++;
		return attempt;
	}

	#renew(now: Millis): Attempt {
		this.#lastTime = Math.max(this.#lastTime + 1, Math.floor(this.#environment.wallTime(now)));
		this.#attempt = this.#makeAttempt(now, new Uint8Array(COOKIE_LENGTH));
		for (const [path, cookie] of this.#cookies) {
			this.#attempts.set(path, this.#makeAttempt(now, cookie));
		}
		return this.#attempt;
	}

	/** The INIT under way on a path. */
	current(path: number): Uint8Array | undefined {
		return (this.#attempts.get(path) ?? this.#attempt)?.bytes;
	}

	#makeAttempt(now: Millis, cookie: Uint8Array): Attempt {
		const {random, aead, dh} = this.#environment;
		const resume = this.#resume;
		const localId = this.#localId;
		const noise = new NoiseInitiator({
			psk: this.#psk,
			prologue: new TextEncoder().encode(PROLOGUE),
			random,
			aead,
			dh,
		});
		const header = encodeInitHeader(VERSION, localId, keyHint(this.#psk));
		const e = noise.beginMessageA(header);
		const payload = encodeInitPayload({
			kind: resume === undefined ? InitKind.FRESH : InitKind.RESUME,
			clientId: this.#clientId,
			time: this.#lastTime,
			cookie,
			resumeId: resume?.peerId ?? 0,
			proof: resume ? mac(resume.exporter, noise.handshakeHash) : new Uint8Array(PROOF_LENGTH),
			parameters: {encrypt: this.#encrypt, frames: this.#frames},
		});
		const bytes = new Uint8Array(256);
		bytes.set(header, 0);
		bytes.set(e, header.length);
		bytes.set(noise.finishMessageA(payload), header.length + e.length);
		return {noise, bytes, localId, resume, since: now};
	}

	/** Takes a RESP that came over `path`; undefined when it does not answer the INIT under way there. */
	receiveResp(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
	): HandshakeResult | undefined {
		if (end - start < RESP_HEADER_LENGTH + 48) return undefined;
		const packet = bytes.slice(start, end);
		for (const attempt of this.#underWay(path)) {
			const result = readResp(attempt, packet);
			if (result !== undefined) return result;
		}
		return undefined;
	}

	/** A path with a cookie may still get the answer to the INIT that it sent before. */
	#underWay(path: number): readonly Attempt[] {
		return [this.#attempts.get(path), this.#attempt].filter((attempt) => attempt !== undefined);
	}

	/** Takes a RETRY that came over `path`: the INIT to answer with, on that path only. */
	receiveRetry(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): Uint8Array | undefined {
		const last = this.#retried.get(path) ?? Number.NEGATIVE_INFINITY;
		if (end - start !== RETRY_LENGTH || now - last < RETRY_PAUSE) return undefined;
		const packet = bytes.slice(start, end);
		if (!this.#verified(path, packet, 'retry')) return undefined;
		this.#retried.set(path, now);
		const cookie = packet.slice(RESP_HEADER_LENGTH, RESP_HEADER_LENGTH + COOKIE_LENGTH);
		// The first cookie of a path is news: from there the attempt goes on as from its beginning.
		if (!this.#cookies.has(path)) {
			this.#sends = Math.min(this.#sends, 1);
			this.#next = Math.min(this.#next, now + PAUSES[0]!);
		}
		this.#cookies.set(path, cookie);
		// Of the same time as the others', so that the server takes one of them for a resume, not each.
		const attempt = this.#makeAttempt(now, cookie);
		this.#attempts.set(path, attempt);
		return attempt.bytes;
	}

	/** Takes a VERSION that came over `path`: the versions that the server speaks. */
	receiveVersion(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
	): number[] | undefined {
		if (end - start < RESP_HEADER_LENGTH + 1 + COOKIE_LENGTH || end - start > 256) return undefined;
		const packet = bytes.slice(start, end);
		if (!this.#verified(path, packet, 'version')) return undefined;
		const versions = packet.subarray(RESP_HEADER_LENGTH + 1, packet.length - COOKIE_LENGTH);
		return packet[RESP_HEADER_LENGTH] === versions.length ? [...versions] : undefined;
	}

	/** Whether the mac at the end covers the packet and the INIT under way on that path. */
	#verified(path: number, packet: Uint8Array, purpose: string): boolean {
		if (this.#attempt === undefined || !namesSession(packet, this.#localId)) return false;
		const covered = packet.subarray(0, packet.length - COOKIE_LENGTH);
		const mac = packet.subarray(packet.length - COOKIE_LENGTH);
		return this.#underWay(path).some(({bytes}) =>
			equalBytes(replyMac(this.#psk, purpose, covered, bytes.subarray(10, 42)), mac),
		);
	}
}

/** The RESP that answers the attempt; undefined when `packet` does not. */
function readResp(attempt: Attempt, packet: Uint8Array): HandshakeResult | undefined {
	const header = packet.subarray(0, RESP_HEADER_LENGTH);
	if (packet[1] !== VERSION || !namesSession(packet, attempt.localId)) return undefined;
	const payload = attempt.noise.readMessageB(header, packet.subarray(RESP_HEADER_LENGTH));
	const resp = payload === undefined ? undefined : decodeRespPayload(payload);
	if (resp === undefined) return undefined;
	const {localId, resume, noise} = attempt;
	// Taking it would end the handshake without a session.
	if (resp.status === RespStatus.RESUMED && resp.sessionId !== resume?.peerId) return undefined;
	return {resp, keys: noise.split(), localId, resume};
}

function namesSession(packet: Uint8Array, id: number): boolean {
	return readUint32(packet, 2) === id;
}

/** The mac of RETRY and VERSION: over the packet before it and the `e` of the INIT it answers. */
export function replyMac(
	psk: Uint8Array,
	purpose: string,
	packet: Uint8Array,
	e: Uint8Array,
): Uint8Array {
	return mac(deriveKey(psk, `mptunnel ${purpose}`), packet, e).subarray(0, COOKIE_LENGTH);
}
