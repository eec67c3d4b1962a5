import {readUint32} from '../../bytes/cursor.ts';
import {equalBytes, keyHint, mac} from '../../crypto/keys.ts';
import {NoiseResponder} from '../../crypto/noise.ts';
import {PacketType, PROLOGUE, VERSION} from '../../wire/constants.ts';
import {
	COOKIE_LENGTH,
	decodeInitPayload,
	encodeReplyHeader,
	encodeRespPayload,
	INIT_HEADER_LENGTH,
	INIT_LENGTH,
	type InitPayload,
	type RespPayload,
} from '../../wire/handshake.ts';
import type {Environment} from '../environment.ts';
import type {RemoteAddress} from '../remote-address.ts';
import type {Millis} from '../time.ts';
import {replyMac} from './client-handshake.ts';

/** An answer is repeated for copies of its INIT for this long. */
const CACHE_FOR: Millis = 10_000;
const CACHE_SIZE = 512;
const SECRET_LIFE: Millis = 120_000;

/** A user as the handshake knows it. */
export interface HandshakeUser {
	readonly name: string;
	readonly psk: Uint8Array;
}

/** An INIT whose tag verified. */
export interface VerifiedInit<User extends HandshakeUser = HandshakeUser> {
	readonly user: User;
	readonly noise: NoiseResponder;
	readonly payload: InitPayload;
	/** The client's session id. */
	readonly clientSession: number;
	readonly bytes: Uint8Array;
}

interface CachedAnswer {
	readonly init: Uint8Array;
	readonly answer: Uint8Array;
	readonly at: Millis;
}

/** Why an INIT was not accepted, or the answer that it draws without more ado. */
export type InitOutcome<User extends HandshakeUser = HandshakeUser> =
	| {readonly type: 'verified'; readonly init: VerifiedInit<User>}
	| {readonly type: 'repeat'; readonly answer: Uint8Array}
	| {readonly type: 'other-version'; readonly answer: Uint8Array; readonly version: number}
	| {readonly type: 'unknown-key'; readonly keyless: boolean}
	| {readonly type: 'rejected'};

/**
 * The server's side of the handshake up to the point where an INIT is known to be genuine, and the
 * making of answers. A stranger never gets one: everything starts with the tag of INIT, which takes
 * a few hashes and no key agreement.
 */
export class ServerHandshake<User extends HandshakeUser = HandshakeUser> {
	readonly #environment: Environment;
	readonly #users = new Map<number, User[]>();
	readonly #prologue = new TextEncoder().encode(PROLOGUE);
	readonly #cache = new Map<string, CachedAnswer>();
	readonly #keylessHint = keyHint(new Uint8Array(32));
	#secret = new Uint8Array(32);
	#oldSecret = new Uint8Array(32);
	#secretSince: Millis = Number.NEGATIVE_INFINITY;

	constructor(environment: Environment, users: readonly User[]) {
		this.#environment = environment;
		for (const user of users) {
			const hint = keyHint(user.psk);
			this.#users.set(hint, [...(this.#users.get(hint) ?? []), user]);
		}
	}

	/** Examines a packet of type INIT. */
	receive(bytes: Uint8Array, start: number, end: number): InitOutcome<User> {
		if (end - start !== INIT_LENGTH || (bytes[start]! & 15) !== 0) return {type: 'rejected'};
		const packet = bytes.slice(start, end);
		const cached = this.#cache.get(cacheKey(packet));
		// Only the very same bytes: anything else with this `e` has to pass the tag.
		if (cached !== undefined && equalBytes(cached.init, packet)) {
			return {type: 'repeat', answer: cached.answer};
		}
		const hint = readUint32(packet, 6);
		const users = this.#users.get(hint);
		if (users === undefined) {
			return {type: 'unknown-key', keyless: hint === this.#keylessHint};
		}
		return this.#verify(packet, users);
	}

	#verify(packet: Uint8Array, users: readonly User[]): InitOutcome<User> {
		const {random, aead, dh} = this.#environment;
		const header = packet.subarray(0, INIT_HEADER_LENGTH);
		for (const user of users) {
			const prologue = this.#prologue;
			const noise = new NoiseResponder({psk: user.psk, prologue, random, aead, dh});
			const plaintext = noise.readMessageA(header, packet.subarray(INIT_HEADER_LENGTH));
			if (plaintext === undefined) continue;
			const clientSession = readUint32(packet, 2);
			if (packet[1] !== VERSION) {
				const answer = this.#versionAnswer(user, clientSession, packet);
				return {type: 'other-version', answer, version: packet[1]!};
			}
			const payload = decodeInitPayload(plaintext);
			if (payload === undefined) return {type: 'rejected'};
			return {type: 'verified', init: {user, noise, payload, clientSession, bytes: packet}};
		}
		return {type: 'rejected'};
	}

	#versionAnswer(user: HandshakeUser, session: number, init: Uint8Array): Uint8Array {
		const head = encodeReplyHeader(PacketType.VERSION, session);
		return this.#withMac(user, 'version', join(head, Uint8Array.of(1, VERSION)), init);
	}

	#withMac(user: HandshakeUser, purpose: string, packet: Uint8Array, init: Uint8Array): Uint8Array {
		return join(packet, replyMac(user.psk, purpose, packet, init.subarray(10, 42)));
	}

	/** The RETRY for an INIT from `remote`. */
	retry(init: VerifiedInit, remote: RemoteAddress, now: Millis): Uint8Array {
		this.#rotate(now);
		const cookie = this.#cookie(this.#secret, init, remote);
		const head = encodeReplyHeader(PacketType.RETRY, init.clientSession);
		return this.#withMac(init.user, 'retry', join(head, cookie), init.bytes);
	}

	/** Whether the INIT brings a cookie that a RETRY to this address gave. */
	cookieValid(init: VerifiedInit, remote: RemoteAddress, now: Millis): boolean {
		this.#rotate(now);
		const {cookie} = init.payload;
		return (
			equalBytes(cookie, this.#cookie(this.#secret, init, remote)) ||
			equalBytes(cookie, this.#cookie(this.#oldSecret, init, remote))
		);
	}

	#cookie(secret: Uint8Array, init: VerifiedInit, remote: RemoteAddress): Uint8Array {
		const where = new TextEncoder().encode(`${remote.host} ${remote.port}`);
		const session = init.bytes.subarray(2, 6);
		return mac(secret, session, where).subarray(0, COOKIE_LENGTH);
	}

	#rotate(now: Millis): void {
		if (now - this.#secretSince < SECRET_LIFE) return;
		const {random} = this.#environment;
		// Nobody asked for a while: the last secret is older than any cookie may be.
		const outdated = now - this.#secretSince >= 2 * SECRET_LIFE;
		this.#oldSecret = this.#secret;
		this.#secret = new Uint8Array(32);
		random.fill(this.#secret);
		if (outdated) random.fill(this.#oldSecret);
		this.#secretSince = now;
	}

	/** The RESP for an INIT, remembered for its copies; undefined when the client's `e` is no key. */
	respond(init: VerifiedInit, payload: RespPayload, now: Millis): Uint8Array | undefined {
		const header = encodeReplyHeader(PacketType.RESP, init.clientSession);
		const message = init.noise.writeMessageB(header, encodeRespPayload(payload));
		if (message === undefined) return undefined;
		const answer = join(header, message);
		this.expire(now);
		this.#cache.set(cacheKey(init.bytes), {init: init.bytes, answer, at: now});
		return answer;
	}

	/** Forgets answers that no copy will ask for any more. */
	expire(now: Millis): void {
		for (const [key, {at}] of this.#cache) {
			if (now - at < CACHE_FOR && this.#cache.size < CACHE_SIZE) return;
			this.#cache.delete(key);
		}
	}
}

/** `e` as text. */
function cacheKey(init: Uint8Array): string {
	return String.fromCharCode(...init.subarray(INIT_HEADER_LENGTH, INIT_HEADER_LENGTH + 32));
}

function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(head.length + tail.length);
	bytes.set(head, 0);
	bytes.set(tail, head.length);
	return bytes;
}
