import {createHmac, hkdfSync, timingSafeEqual} from 'node:crypto';
import type {Random} from '../bytes/random.ts';
import {KEY_LENGTH} from './aead.ts';

/** Length of a key as text: base64 of {@link KEY_LENGTH} bytes, with its padding. */
export const KEY_TEXT_LENGTH = 44;

/** A parsed key, or a reason for the user that quotes nothing of the text. */
export type KeyParse =
	| {readonly ok: true; readonly key: Uint8Array}
	| {readonly ok: false; readonly reason: string};

const EXPECTED = `a key is ${KEY_TEXT_LENGTH} characters of base64`;

/**
 * Reads a key; takes exactly what {@link formatKey} writes and nothing else, and never a key of
 * zeros.
 */
export function parseKey(text: string): KeyParse {
	if (text.length !== KEY_TEXT_LENGTH) {
		return {ok: false, reason: `${EXPECTED}, this has ${text.length}`};
	}
	const wrong = text.search(/[^A-Za-z0-9+/]/);
	if (wrong !== KEY_TEXT_LENGTH - 1 || !text.endsWith('=')) {
		return {
			ok: false,
			reason: `${EXPECTED} that end in one "=", this is wrong at character ${wrong === -1 ? KEY_TEXT_LENGTH : wrong + 1}`,
		};
	}
	const key = Uint8Array.from(Buffer.from(text, 'base64'));
	// The last digit carries two bits too many; a decoder drops them, so other digits would do too.
	if (formatKey(key) !== text) {
		return {ok: false, reason: `${EXPECTED}, this has a last character that no key has`};
	}
	if (key.every((byte) => byte === 0)) {
		return {ok: false, reason: 'a key of zeros is no secret'};
	}
	return {ok: true, key};
}

/** The text of a key, for key files and configurations. */
export function formatKey(key: Uint8Array): string {
	return Buffer.from(key.buffer, key.byteOffset, key.length).toString('base64');
}

/** A new random key of {@link KEY_LENGTH} bytes. */
export function generateKey(random: Random): Uint8Array {
	const key = new Uint8Array(KEY_LENGTH);
	random.fill(key);
	return key;
}

/**
 * Returns the 32-bit number by which a server finds the keys that an INIT may be under; big-endian
 * on the wire.
 */
export function keyHint(psk: Uint8Array): number {
	return createHmac('sha256', psk).update('mptunnel hint').digest().readUInt32BE(0);
}

/**
 * A key of {@link KEY_LENGTH} bytes for the one purpose that `label` names (HKDF-SHA256, no salt).
 */
export function deriveKey(psk: Uint8Array, label: string): Uint8Array {
	return new Uint8Array(hkdfSync('sha256', psk, new Uint8Array(0), label, KEY_LENGTH));
}

/**
 * Returns the HMAC-SHA256 of the parts in a row, 32 bytes. Nothing marks the end of a part: at most
 * one part may vary in length, or the parts must contain their lengths.
 */
export function mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
	const hmac = createHmac('sha256', key);
	for (const part of parts) {
		hmac.update(part);
	}
	return new Uint8Array(hmac.digest());
}

/**
 * Returns the proof that the server which ended a session is back; `exporter` is that session's.
 */
export function backToken(exporter: Uint8Array): Uint8Array {
	return mac(exporter, Buffer.from('mptunnel back')).subarray(0, 16);
}

/** True when two byte strings are equal; takes a time that depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && timingSafeEqual(a, b);
}
