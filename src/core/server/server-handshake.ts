import type {Millis} from '../../bytes/time.ts';
import {beginsHash} from '../../crypto/keyed-hash.ts';
import {equalBytes, keyHint, mac} from '../../crypto/keys.ts';
import {NoiseResponder} from '../../crypto/noise.ts';
import {PacketType, PROLOGUE, VERSION} from '../../wire/constants.ts';
import {
	COOKIE_LENGTH,
	decodeInitPayload,
	encodeReplyHeader,
	encodeRespPayload,
	encodeRetry,
	encodeVersion,
	handshakeSessionBytes,
	handshakeSessionId,
	handshakeVersion,
	hasCookieMac,
	INIT_COOKIE_MAC,
	INIT_MAC,
	INIT_MAC_LENGTH,
	type InitPayload,
	initCovered,
	initEphemeral,
	initHeader,
	initHint,
	initMac,
	initMessage,
	isInit,
	joinBytes,
	type RespPayload,
} from '../../wire/handshake.ts';
import type {Environment} from '../environment.ts';
import {RateLimit} from '../rate-limit.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {cookieMac, UserKeys} from '../user-keys.ts';

/** Time for which copies of an INIT get its answer again; later copies are replays. */
const CACHE_FOR: Millis = 10_000;
const CACHE_SIZE = 512;
/** INITs remembered, so that a recording costs no more than a look-up. */
const SEEN_SIZE = 8192;
/** Time after which the secret of cookies is replaced; cookies of the last one stay valid. */
const SECRET_LIFE: Millis = 120_000;
/** INITs opened per second without a valid cookie: of one user, and of all. */
const OPENED_PER_USER = 100;
const OPENED_PER_SECOND = 400;
/** INITs opened per second with a valid cookie, which proves the address, of one user. */
const OPENED_WITH_COOKIE = 500;
/** INITs of other versions opened per second: these have no mac, or another one. */
const OTHERS_PER_SECOND = 20;
/** Copies per second that get the answer again. */
const REPEATS_PER_SECOND = 5000;

/** The parts of a user that the handshake uses. */
export interface HandshakeUser {
	readonly name: string;
	readonly psk: Uint8Array;
}

/** An INIT whose mac is right: its sender has the key, or a recording of a client's INIT. */
export interface SealedInit<User extends HandshakeUser = HandshakeUser> {
	readonly user: User;
	readonly keys: UserKeys;
	/** The client's session id. */
	readonly clientSession: number;
	readonly bytes: Uint8Array;
}

/** An INIT whose tag verified. */
export interface VerifiedInit<User extends HandshakeUser = HandshakeUser> extends SealedInit<User> {
	readonly noise: NoiseResponder;
	readonly payload: InitPayload;
}

interface CachedAnswer {
	readonly init: Uint8Array;
	readonly answer: Uint8Array;
	readonly at: Millis;
}

/** Outcome of an INIT: accepted, answered at once, or the reason for which it is rejected. */
export type InitOutcome<User extends HandshakeUser = HandshakeUser> =
	| {readonly type: 'verified'; readonly init: VerifiedInit<User>}
	/** Too many were opened to open this one without a cookie. */
	| {readonly type: 'busy'; readonly init: SealedInit<User>}
	| {readonly type: 'repeat'; readonly answer: Uint8Array}
	| {readonly type: 'other-version'; readonly answer: Uint8Array; readonly version: number}
	| {readonly type: 'unknown-key'; readonly keyless: boolean}
	| {readonly type: 'flood' | 'replayed' | 'rejected'};

interface KnownUser<User> {
	readonly user: User;
	/** The key that `keys` were made of. */
	readonly psk: Uint8Array;
	readonly keys: UserKeys;
}

const REJECTED = {type: 'rejected'} as const;
const REPLAYED = {type: 'replayed'} as const;
const FLOOD = {type: 'flood'} as const;

/**
 * The server's side of the handshake up to the point where an INIT is known to be genuine, and the
 * making of answers. A host without a key never gets one: everything starts with the mac of INIT,
 * which takes one hash, rejects what was made without the key, and identifies recordings. The rest
 * is opened, as far as a budget allows that cookies override.
 */
export class ServerHandshake<User extends HandshakeUser = HandshakeUser> {
	readonly #environment: Environment;
	readonly #users = new Map<number, KnownUser<User>[]>();
	readonly #prologue = new TextEncoder().encode(PROLOGUE);
	/** Answers by the mac of their INIT, and the time at which each INIT was opened first. */
	readonly #cache = new Map<string, CachedAnswer>();
	readonly #seen = new Map<string, Millis>();
	readonly #keylessHint = keyHint(new Uint8Array(32));
	readonly #openedOf: RateLimit;
	readonly #openedWithCookie: RateLimit;
	readonly #opened = new RateLimit(OPENED_PER_SECOND, 1);
	readonly #others = new RateLimit(OTHERS_PER_SECOND, 1);
	readonly #repeats = new RateLimit(REPEATS_PER_SECOND, 1);
	#secret = new Uint8Array(32);
	#oldSecret = new Uint8Array(32);
	#secretSince: Millis = Number.NEGATIVE_INFINITY;

	constructor(environment: Environment, users: readonly User[]) {
		this.#environment = environment;
		this.#openedOf = new RateLimit(OPENED_PER_USER, users.length);
		this.#openedWithCookie = new RateLimit(OPENED_WITH_COOKIE, users.length);
		this.reconfigure(users);
	}

	/** Takes other users, or other keys of theirs; an INIT with another key has no effect. */
	reconfigure(users: readonly User[]): void {
		const known = new Map([...this.#users.values()].flat().map((each) => [each.user, each]));
		this.#users.clear();
		this.#openedOf.resize(users.length);
		this.#openedWithCookie.resize(users.length);
		for (const user of users) {
			const before = known.get(user);
			const {psk} = user;
			const isKept = before !== undefined && equalBytes(before.psk, psk);
			const keys = isKept ? before.keys : new UserKeys(psk, this.#environment);
			this.#users.set(keys.hint, [...(this.#users.get(keys.hint) ?? []), {user, psk, keys}]);
		}
	}

	/** Examines a packet of type INIT. The bytes stay the caller's: what is kept is copied. */
	receive(
		bytes: Uint8Array,
		start: number,
		end: number,
		remote: RemoteAddress,
		now: Millis,
	): InitOutcome<User> {
		if (!isInit(bytes, start, end)) return REJECTED;
		const hint = initHint(bytes, start);
		const users = this.#users.get(hint);
		if (users === undefined) {
			return {type: 'unknown-key', keyless: hint === this.#keylessHint};
		}
		if (handshakeVersion(bytes, start) !== VERSION) {
			return this.#otherVersion(bytes.slice(start, end), users, now);
		}
		for (const known of users) {
			const hashed = known.keys.initMac(bytes, start);
			if (!beginsHash(hashed, bytes, start + INIT_MAC, INIT_MAC_LENGTH)) continue;
			const packet = bytes.slice(start, end);
			const id = hashed.slice(0, INIT_MAC_LENGTH);
			return this.#repeat(id, packet, now) ?? this.#open(id, packet, known, remote, now);
		}
		return REJECTED;
	}

	/** Returns the outcome of an INIT that is known already. `undefined`: it has to be opened. */
	#repeat(id: string, packet: Uint8Array, now: Millis): InitOutcome<User> | undefined {
		const cached = this.#cache.get(id);
		// Only the very same bytes, with any cookie: all else has to pass the tag.
		if (cached !== undefined && equalBytes(cached.init, initCovered(packet))) {
			return this.#repeats.allow('', now) ? {type: 'repeat', answer: cached.answer} : FLOOD;
		}
		const seen = this.#seen.get(id);
		return seen !== undefined && now - seen >= CACHE_FOR ? REPLAYED : undefined;
	}

	#open(
		id: string,
		packet: Uint8Array,
		known: KnownUser<User>,
		remote: RemoteAddress,
		now: Millis,
	): InitOutcome<User> {
		const {user, keys} = known;
		const init = {user, keys, clientSession: handshakeSessionId(packet, 0), bytes: packet};
		if (!this.#openedOf.allow(user.name, now) || !this.#opened.allow('', now)) {
			if (!this.cookieValid(init, remote, now)) return {type: 'busy', init};
			if (!this.#openedWithCookie.allow(user.name, now)) return FLOOD;
		}
		const noise = this.#responder(known);
		const plaintext = noise.readMessageA(initHeader(packet), initMessage(packet));
		const payload = plaintext && decodeInitPayload(plaintext);
		if (payload === undefined) return REJECTED;
		this.#remember(id, now);
		return {type: 'verified', init: {...init, noise, payload}};
	}

	#remember(id: string, now: Millis): void {
		if (this.#seen.has(id)) return;
		for (const oldest of this.#seen.keys()) {
			if (this.#seen.size < SEEN_SIZE) break;
			this.#seen.delete(oldest);
		}
		this.#seen.set(id, now);
	}

	#responder({psk, keys}: KnownUser<User>): NoiseResponder {
		const {random, aead, dh} = this.#environment;
		return new NoiseResponder({psk, prologue: this.#prologue, random, aead, dh, start: keys.start});
	}

	#otherVersion(
		packet: Uint8Array,
		users: readonly KnownUser<User>[],
		now: Millis,
	): InitOutcome<User> {
		if (!this.#others.allow('', now)) return FLOOD;
		const version = handshakeVersion(packet, 0);
		const header = initHeader(packet);
		const message = initMessage(packet);
		for (const known of users) {
			if (this.#responder(known).readMessageA(header, message) === undefined) continue;
			const covered = encodeVersion(handshakeSessionId(packet, 0), [VERSION]);
			const answer = joinBytes(covered, known.keys.versionMac(covered, initEphemeral(packet)));
			return {type: 'other-version', answer, version};
		}
		return REJECTED;
	}

	/** Returns the RETRY for an INIT from `remote`; its cookie is good for `purpose` only. */
	retry(init: SealedInit, remote: RemoteAddress, now: Millis, purpose = ''): Uint8Array {
		this.#rotate(now);
		const covered = encodeRetry(init.clientSession, cookieOf(this.#secret, init, remote, purpose));
		return joinBytes(covered, init.keys.retryMac(covered, initEphemeral(init.bytes)));
	}

	/** True when the INIT shows a cookie that a RETRY to this address gave for `purpose`. */
	cookieValid(init: SealedInit, remote: RemoteAddress, now: Millis, purpose = ''): boolean {
		const {bytes} = init;
		if (!hasCookieMac(bytes)) return false;
		this.#rotate(now);
		return [this.#secret, this.#oldSecret].some((secret) => {
			const hashed = cookieMac(cookieOf(secret, init, remote, purpose), bytes, 0);
			return beginsHash(hashed, bytes, INIT_COOKIE_MAC, INIT_MAC_LENGTH);
		});
	}

	#rotate(now: Millis): void {
		if (now - this.#secretSince < SECRET_LIFE) return;
		const {random} = this.#environment;
		// No cookie was needed for a while: the last secret is older than any cookie may be.
		const outdated = now - this.#secretSince >= 2 * SECRET_LIFE;
		this.#oldSecret = this.#secret;
		this.#secret = new Uint8Array(32);
		random.fill(this.#secret);
		if (outdated) random.fill(this.#oldSecret);
		this.#secretSince = now;
	}

	/** Returns the RESP for an INIT, kept for its copies. `undefined`: the client's `e` is no key. */
	respond(init: VerifiedInit, payload: RespPayload, now: Millis): Uint8Array | undefined {
		const header = encodeReplyHeader(PacketType.RESP, init.clientSession);
		const message = init.noise.writeMessageB(header, encodeRespPayload(payload));
		if (message === undefined) return undefined;
		const answer = joinBytes(header, message);
		this.expire(now);
		const known = initCovered(init.bytes);
		this.#cache.set(idOf(init.bytes), {init: known, answer, at: now});
		return answer;
	}

	/** Forgets answers that no copy needs any more. */
	expire(now: Millis): void {
		for (const [key, {at}] of this.#cache) {
			if (now - at < CACHE_FOR && this.#cache.size < CACHE_SIZE) return;
			this.#cache.delete(key);
		}
	}
}

/** Returns the mac of INIT as text, a character for each byte. */
function idOf(init: Uint8Array): string {
	return String.fromCharCode(...initMac(init));
}

function cookieOf(
	secret: Uint8Array,
	{bytes}: SealedInit,
	{host, port}: RemoteAddress,
	purpose: string,
): Uint8Array {
	const where = new TextEncoder().encode(`${host} ${port} ${purpose}`);
	return mac(secret, handshakeSessionBytes(bytes), where).subarray(0, COOKIE_LENGTH);
}
