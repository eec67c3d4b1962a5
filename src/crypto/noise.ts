// Noise_NNpsk0_25519_ChaChaPoly_SHA256, revision 34 of the specification, whose letters are kept:
// h handshake hash, ck chaining key, k cipher key, n its nonce, e the own ephemeral key pair,
// re the peer's ephemeral public key.
//
//     -> psk, e     message A: e | AEAD(payload A)
//     <- e, ee      message B: e | AEAD(payload B)
//
// One addition: the clear header of the packet that carries a message is mixed into h after the
// tokens and before the payload, so that a payload authenticates its header. An empty header is
// not mixed at all; with empty headers the published vectors hold.

import {createHash} from 'node:crypto';
import type {Random} from '../bytes/random.ts';
import {type AeadFactory, KEY_LENGTH, TAG_LENGTH} from './aead.ts';
import {DH_LENGTH, type DiffieHellman, type KeyPair, X25519} from './diffie-hellman.ts';
import {mac} from './keys.ts';

export type {DiffieHellman, KeyPair} from './diffie-hellman.ts';

const PROTOCOL_NAME = 'Noise_NNpsk0_25519_ChaChaPoly_SHA256';
const EMPTY = new Uint8Array(0);

/** Bytes that a handshake message has besides its payload: ephemeral key and tag. */
export const NOISE_OVERHEAD: number = DH_LENGTH + TAG_LENGTH;

/** Inputs of either end of a handshake. */
export interface NoiseInit {
	/** The pre-shared key, 32 bytes. */
	readonly psk: Uint8Array;
	/** Bytes that must be equal at both ends. */
	readonly prologue: Uint8Array;
	/** Source of the ephemeral private key. */
	readonly random: Random;
	readonly aead: AeadFactory;
	/** The ephemeral private key instead of a random one: for vectors only, never used twice. */
	readonly ephemeral?: Uint8Array | undefined;
	/** {@link X25519} unless given. */
	readonly dh?: DiffieHellman | undefined;
	/** From {@link prepareNoise} of the same key, prologue and AEAD; computed anew unless given. */
	readonly start?: NoiseStart | undefined;
}

/** Keys from a finished handshake, 32 bytes each: one per sender, and one to derive others from. */
export interface SessionKeys {
	readonly initiatorKey: Uint8Array;
	readonly responderKey: Uint8Array;
	readonly exporter: Uint8Array;
}

/** State that handshakes under one key and prologue share before their first message. */
export type NoiseStart = SymmetricState;

/**
 * The initiator's half: beginMessageA, finishMessageA, readMessageB, split. Calls out of this
 * order throw, except readMessageB, whose caller is the network: it returns undefined.
 */
export class NoiseInitiator {
	readonly #dh: DiffieHellman;
	readonly #e: KeyPair;
	#phase: 'new' | 'begun' | 'sent' | 'done' = 'new';
	#state: SymmetricState;

	constructor(init: NoiseInit) {
		this.#dh = init.dh ?? X25519;
		this.#state = initialize(init);
		this.#e = generateEphemeral(init, this.#dh);
	}

	/** Returns e, the first 32 bytes of message A, with `header` mixed into the hash after it. */
	beginMessageA(header: Uint8Array): Uint8Array {
		expect(this.#phase === 'new', 'beginMessageA() comes first and once');
		this.#state.mixEphemeral(this.#e.publicKey);
		this.#state.mixHeader(header);
		this.#phase = 'begun';
		return this.#e.publicKey.slice();
	}

	/**
	 * A copy of h as it is now; between begin and finish, what payload A may prove something about.
	 */
	get handshakeHash(): Uint8Array {
		return this.#state.h.slice();
	}

	/** Returns the rest of message A: payload, encrypted, and tag. */
	finishMessageA(payload: Uint8Array): Uint8Array {
		expect(this.#phase === 'begun', 'finishMessageA() follows beginMessageA()');
		this.#phase = 'sent';
		return this.#state.encryptAndHash(payload);
	}

	/**
	 * Takes message B and returns its payload, or undefined when anything about it is wrong or
	 * none is expected; then nothing has changed and the genuine one is still accepted.
	 */
	readMessageB(header: Uint8Array, message: Uint8Array): Uint8Array | undefined {
		if (this.#phase !== 'sent' || message.length < NOISE_OVERHEAD) {
			return undefined;
		}
		const state = this.#state.clone();
		const re = message.subarray(0, DH_LENGTH);
		state.mixEphemeral(re);
		const ee = this.#dh.shared(this.#e.privateKey, re);
		if (ee === undefined) {
			return undefined;
		}
		state.mixKey(ee);
		state.mixHeader(header);
		const payload = state.decryptAndHash(message.subarray(DH_LENGTH));
		if (payload !== undefined) {
			this.#state = state;
			this.#phase = 'done';
			this.#e.privateKey.fill(0);
		}
		return payload;
	}

	/** The keys of the session, once message B has been read. */
	split(): SessionKeys {
		expect(this.#phase === 'done', 'split() follows a message B that was accepted');
		return this.#state.split();
	}
}

/**
 * The responder's half: readMessageA, writeMessageB, split. Calls out of this order throw, except
 * readMessageA, whose caller is the network: it returns undefined.
 */
export class NoiseResponder {
	readonly #init: NoiseInit;
	readonly #dh: DiffieHellman;
	#phase: 'new' | 'read' | 'done' = 'new';
	#state: SymmetricState;
	#re: Uint8Array = EMPTY;
	#hashA: Uint8Array = EMPTY;

	constructor(init: NoiseInit) {
		this.#init = init;
		this.#dh = init.dh ?? X25519;
		this.#state = initialize(init);
	}

	/**
	 * Takes message A and returns its payload, or undefined when anything about it is wrong or
	 * none is expected; then nothing has changed. Hashes and one tag check, no Diffie-Hellman and
	 * no key generation: a forged message A is cheap.
	 */
	readMessageA(header: Uint8Array, message: Uint8Array): Uint8Array | undefined {
		if (this.#phase !== 'new' || message.length < NOISE_OVERHEAD) {
			return undefined;
		}
		const state = this.#state.clone();
		const re = message.slice(0, DH_LENGTH);
		state.mixEphemeral(re);
		state.mixHeader(header);
		const hashA = state.h;
		const payload = state.decryptAndHash(message.subarray(DH_LENGTH));
		if (payload !== undefined) {
			this.#state = state;
			this.#re = re;
			this.#hashA = hashA;
			this.#phase = 'read';
		}
		return payload;
	}

	/**
	 * A copy of h as the initiator had it between begin and finish of message A; empty before that.
	 */
	get handshakeHashA(): Uint8Array {
		return this.#hashA.slice();
	}

	/** A copy of h as it is now; after message B it is the same at both ends. */
	get handshakeHash(): Uint8Array {
		return this.#state.h.slice();
	}

	/**
	 * Returns message B, or undefined when the initiator's ephemeral key is one that no honest
	 * initiator sends (all-zero shared secret); the handshake is then to be dropped.
	 */
	writeMessageB(header: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
		expect(this.#phase === 'read', 'writeMessageB() follows a message A that was accepted');
		const state = this.#state.clone();
		const e = generateEphemeral(this.#init, this.#dh);
		state.mixEphemeral(e.publicKey);
		const ee = this.#dh.shared(e.privateKey, this.#re);
		e.privateKey.fill(0);
		if (ee === undefined) {
			return undefined;
		}
		state.mixKey(ee);
		state.mixHeader(header);
		const sealed = state.encryptAndHash(payload);
		this.#state = state;
		this.#phase = 'done';
		const message = new Uint8Array(DH_LENGTH + sealed.length);
		message.set(e.publicKey);
		message.set(sealed, DH_LENGTH);
		return message;
	}

	/** The keys of the session, once message B has been written. */
	split(): SessionKeys {
		expect(this.#phase === 'done', 'split() follows writeMessageB()');
		return this.#state.split();
	}
}

/** SymmetricState and CipherState of the specification; no array in it is ever changed in place. */
class SymmetricState {
	readonly #aead: AeadFactory;
	h: Uint8Array;
	#ck: Uint8Array;
	#k: Uint8Array = EMPTY;
	#n = 0;

	constructor(aead: AeadFactory, h: Uint8Array, ck: Uint8Array) {
		this.#aead = aead;
		this.h = h;
		this.#ck = ck;
	}

	clone(): SymmetricState {
		const copy = new SymmetricState(this.#aead, this.h, this.#ck);
		copy.#k = this.#k;
		copy.#n = this.#n;
		return copy;
	}

	mixHash(data: Uint8Array): void {
		this.h = hash(this.h, data);
	}

	mixKey(inputKeyMaterial: Uint8Array): void {
		const [ck, k] = hkdf(this.#ck, inputKeyMaterial);
		this.#ck = ck;
		this.#k = k;
		this.#n = 0;
	}

	mixKeyAndHash(inputKeyMaterial: Uint8Array): void {
		const [ck, tempH, k] = hkdf(this.#ck, inputKeyMaterial);
		this.#ck = ck;
		this.mixHash(tempH);
		this.#k = k;
		this.#n = 0;
	}

	/** The token e: in patterns with a psk the public key goes into ck too (section 9.2). */
	mixEphemeral(publicKey: Uint8Array): void {
		this.mixHash(publicKey);
		this.mixKey(publicKey);
	}

	mixHeader(header: Uint8Array): void {
		if (header.length > 0) {
			this.mixHash(header);
		}
	}

	encryptAndHash(payload: Uint8Array): Uint8Array {
		const sealed = new Uint8Array(payload.length + TAG_LENGTH);
		sealed.set(payload);
		this.#aead(this.#k).seal(this.#n++, this.h, sealed, 0, payload.length);
		this.mixHash(sealed);
		return sealed;
	}

	decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
		const bytes = Uint8Array.from(sealed);
		const textEnd = sealed.length - TAG_LENGTH;
		if (!this.#aead(this.#k).open(this.#n, this.h, bytes, 0, textEnd)) {
			return undefined;
		}
		this.#n++;
		this.mixHash(sealed);
		return bytes.slice(0, textEnd);
	}

	split(): SessionKeys {
		const [initiatorKey, responderKey, exporter] = hkdf(this.#ck, EMPTY);
		return {initiatorKey, responderKey, exporter};
	}
}

function initialize(init: NoiseInit): SymmetricState {
	return init.start?.clone() ?? prepareNoise(init);
}

/** Everything up to and including the token psk, which both ends can do before any message. */
export function prepareNoise(init: Pick<NoiseInit, 'psk' | 'prologue' | 'aead'>): NoiseStart {
	if (init.psk.length !== KEY_LENGTH) {
		throw new RangeError(`psk is ${KEY_LENGTH} bytes, this has ${init.psk.length}`);
	}
	// The name is longer than a hash, so it is hashed and not padded (section 5.2).
	const h = hash(Buffer.from(PROTOCOL_NAME));
	const state = new SymmetricState(init.aead, h, h);
	state.mixHash(init.prologue);
	state.mixKeyAndHash(init.psk);
	return state;
}

function generateEphemeral(init: NoiseInit, dh: DiffieHellman): KeyPair {
	const {ephemeral} = init;
	if (ephemeral === undefined) {
		return dh.generate(init.random);
	}
	return dh.generate({fill: (bytes) => bytes.set(ephemeral), uint32: () => init.random.uint32()});
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
	const sha256 = createHash('sha256');
	for (const part of parts) {
		sha256.update(part);
	}
	return new Uint8Array(sha256.digest());
}

/** HKDF of section 4.3 with three outputs; with two the first two would be the same. */
function hkdf(ck: Uint8Array, ikm: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
	const temp = mac(ck, ikm);
	const output1 = mac(temp, Uint8Array.of(1));
	const output2 = mac(temp, output1, Uint8Array.of(2));
	const output3 = mac(temp, output2, Uint8Array.of(3));
	return [output1, output2, output3];
}

function expect(condition: boolean, order: string): void {
	if (!condition) {
		throw new TypeError(`handshake calls out of order: ${order}`);
	}
}
