import {KeyedHash} from '../crypto/keyed-hash.ts';
import {deriveKey, keyHint, mac} from '../crypto/keys.ts';
import {type NoiseStart, prepareNoise} from '../crypto/noise.ts';
import {PROLOGUE} from '../wire/constants.ts';
import {COOKIE_LENGTH, INIT_COOKIE_MAC, INIT_MAC} from '../wire/handshake.ts';
import type {Environment} from './environment.ts';

/** State that handshakes under one pre-shared key begin with, computed once. */
export class UserKeys {
	readonly hint: number;
	readonly start: NoiseStart;
	readonly #init: KeyedHash;
	readonly #retry: Uint8Array;
	readonly #version: Uint8Array;

	constructor(psk: Uint8Array, {aead}: Pick<Environment, 'aead'>) {
		this.hint = keyHint(psk);
		this.start = prepareNoise({psk, prologue: new TextEncoder().encode(PROLOGUE), aead});
		this.#init = new KeyedHash(deriveKey(psk, 'mptunnel init'), INIT_MAC);
		this.#retry = deriveKey(psk, 'mptunnel retry');
		this.#version = deriveKey(psk, 'mptunnel version');
	}

	/** Returns the hash whose first bytes are the mac of an INIT that begins at `start`. */
	initMac(bytes: Uint8Array, start: number): string {
		return this.#init.of(bytes, start);
	}

	/**
	 * Returns the mac of a RETRY: over the packet before it and the `e` of the INIT that it answers.
	 */
	retryMac(packet: Uint8Array, e: Uint8Array): Uint8Array {
		return mac(this.#retry, packet, e).subarray(0, COOKIE_LENGTH);
	}

	/** Returns the mac of a VERSION, over the same. */
	versionMac(packet: Uint8Array, e: Uint8Array): Uint8Array {
		return mac(this.#version, packet, e).subarray(0, COOKIE_LENGTH);
	}
}

/** Returns the hash whose first bytes show that the sender of an INIT was given that cookie. */
export function cookieMac(cookie: Uint8Array, bytes: Uint8Array, start: number): string {
	return new KeyedHash(cookie, INIT_COOKIE_MAC).of(bytes, start);
}
