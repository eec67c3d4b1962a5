import type {DiffieHellman} from '../../../src/crypto/noise.ts';

const MASK = 0x5a;

/**
 * A Diffie-Hellman that is not secure at all: the public key is the private key under a fixed
 * mask, the shared secret the xor of both private keys. Commutative, deterministic, and a few
 * hundred times cheaper than X25519, for simulations of many handshakes.
 */
export const CHEAP_DH: DiffieHellman = {
	generate(random) {
		const privateKey = new Uint8Array(32);
		random.fill(privateKey);
		return {privateKey, publicKey: privateKey.map((byte) => byte ^ MASK)};
	},

	shared(privateKey, publicKey) {
		const secret = privateKey.map((byte, index) => byte ^ publicKey[index]! ^ MASK);
		return secret.some((byte) => byte !== 0) ? secret : undefined;
	},
};
