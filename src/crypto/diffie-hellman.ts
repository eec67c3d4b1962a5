import {createPrivateKey, createPublicKey, diffieHellman, type KeyObject} from 'node:crypto';
import type {Random} from '../bytes/random.ts';

/** Length of a public key, a private key and a shared secret in bytes. */
export const DH_LENGTH = 32;

/** A key pair of a {@link DiffieHellman}, each half {@link DH_LENGTH} bytes. */
export interface KeyPair {
	readonly privateKey: Uint8Array;
	readonly publicKey: Uint8Array;
}

/** A Diffie-Hellman function; simulations pass a cheap stand-in. */
export interface DiffieHellman {
	/** A new key pair, the caller's to wipe; `random` is asked once, for {@link DH_LENGTH} bytes. */
	generate(random: Random): KeyPair;
	/** The shared secret, or undefined when it would be all zeros: never throws for 32-byte keys. */
	shared(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}

// Keys go in and out as JWK, for speed: OpenSSL's DER decoders cost ten times the multiplication
// (measured: 490 us for a private key, 42 us as JWK).
const JWK = {kty: 'OKP', crv: 'X25519'};

// The DER of RFC 8410 up to the raw key: all its lengths are fixed.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Stands for the public key that a private JWK must have; OpenSSL computes the real one. */
const UNKNOWN_X = Buffer.alloc(DH_LENGTH).toString('base64url');

/** X25519 (RFC 7748) through node:crypto. */
export const X25519: DiffieHellman = {
	generate(random) {
		const privateKey = new Uint8Array(DH_LENGTH);
		random.fill(privateKey);
		const {x = ''} = createPublicKey(importPrivate(privateKey)).export({format: 'jwk'});
		return {privateKey, publicKey: Uint8Array.from(Buffer.from(x, 'base64url'))};
	},

	shared(privateKey, publicKey) {
		const theirs = createPublicKey({key: {...JWK, x: base64url(publicKey)}, format: 'jwk'});
		try {
			const secret = diffieHellman({privateKey: importPrivate(privateKey), publicKey: theirs});
			// OpenSSL refuses points of small order itself; RFC 7748, section 6.1 leaves it open.
			return secret.every((byte) => byte === 0) ? undefined : new Uint8Array(secret);
		} catch {
			return undefined;
		}
	},
};

function importPrivate(privateKey: Uint8Array): KeyObject {
	const d = base64url(privateKey);
	try {
		return createPrivateKey({key: {...JWK, d, x: UNKNOWN_X}, format: 'jwk'});
	} catch {
		// A Node that compares d with x takes the slow way.
		const pkcs8 = Buffer.concat([PKCS8_PREFIX, privateKey]);
		return createPrivateKey({key: pkcs8, format: 'der', type: 'pkcs8'});
	}
}

function base64url(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
