import {createCipheriv, createDecipheriv} from 'node:crypto';
import {TAG_LENGTH} from './aead.ts';
import type {NonceAead, NonceAeadFactory} from './packet-aead.ts';

const ALGORITHM = 'chacha20-poly1305';
const OPTIONS = {authTagLength: TAG_LENGTH};
// The types ask for it; only CCM looks at it.
const AD_OPTIONS = {plaintextLength: 0};

/**
 * Loads the back end of node:crypto; whether this OpenSSL has the cipher shows in the self test.
 */
export async function loadNode(): Promise<NonceAeadFactory> {
	return (key) => new NodeAead(key);
}

class NodeAead implements NonceAead {
	readonly #key: Uint8Array;

	constructor(key: Uint8Array) {
		this.#key = Uint8Array.from(key);
	}

	seal(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void {
		const cipher = createCipheriv(ALGORITHM, this.#key, nonce, OPTIONS);
		if (ad.length > 0) {
			cipher.setAAD(ad, AD_OPTIONS);
		}
		bytes.set(cipher.update(bytes.subarray(textStart, textEnd)), textStart);
		cipher.final();
		bytes.set(cipher.getAuthTag(), textEnd);
	}

	open(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean {
		const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, OPTIONS);
		decipher.setAuthTag(bytes.subarray(textEnd, textEnd + TAG_LENGTH));
		if (ad.length > 0) {
			decipher.setAAD(ad, AD_OPTIONS);
		}
		const text = decipher.update(bytes.subarray(textStart, textEnd));
		// Garbage may come by the hundred thousand a second: collecting a stack is half its cost.
		const stackTraceLimit = Error.stackTraceLimit;
		Error.stackTraceLimit = 0;
		try {
			decipher.final();
		} catch {
			return false;
		} finally {
			Error.stackTraceLimit = stackTraceLimit;
		}
		bytes.set(text, textStart);
		return true;
	}
}
