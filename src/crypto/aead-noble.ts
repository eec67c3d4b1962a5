import {TAG_LENGTH} from './aead.ts';
import type {NonceAead, NonceAeadFactory} from './packet-aead.ts';

type Cipher = typeof import('@noble/ciphers/chacha.js').chacha20poly1305;

/** Loads the back end in plain JavaScript: the slowest one, but there on every machine. */
export async function loadNoble(): Promise<NonceAeadFactory> {
	const {chacha20poly1305} = await import('@noble/ciphers/chacha.js');
	return (key) => new NobleAead(chacha20poly1305, key);
}

class NobleAead implements NonceAead {
	readonly #cipher: Cipher;
	readonly #key: Uint8Array;

	constructor(cipher: Cipher, key: Uint8Array) {
		this.#cipher = cipher;
		this.#key = Uint8Array.from(key);
	}

	seal(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void {
		const text = bytes.subarray(textStart, textEnd);
		// noble copies the text to the output first, so that the two may be the same memory.
		const output = bytes.subarray(textStart, textEnd + TAG_LENGTH);
		this.#cipher(this.#key, nonce, ad).encrypt(text, output);
	}

	open(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean {
		const sealed = bytes.subarray(textStart, textEnd + TAG_LENGTH);
		const output = bytes.subarray(textStart, textEnd);
		const stackTraceLimit = Error.stackTraceLimit;
		Error.stackTraceLimit = 0;
		try {
			this.#cipher(this.#key, nonce, ad).decrypt(sealed, output);
			return true;
		} catch {
			return false;
		} finally {
			Error.stackTraceLimit = stackTraceLimit;
		}
	}
}
