import {TAG_LENGTH} from './aead.ts';
import type {NonceAead, NonceAeadFactory} from './packet-aead.ts';

type Binding = typeof import('sodium-native/binding.js').default;

// Static memory instead of a view of the packet: a loop over 16 bytes costs less than an object
// for the collector. One view per packet, that of the text, remains.
const tag = new Uint8Array(TAG_LENGTH);

/**
 * Loads the back end of libsodium; rejects where sodium-native, an optional dependency, is not
 * installed or has no addon for this machine.
 *
 * It calls the addon itself, not the package's index.js: that one throws on every wrong tag,
 * which makes opening garbage four times as expensive (measured: 4 us against 0.9 us).
 */
export async function loadSodium(): Promise<NonceAeadFactory> {
	const {default: binding} = await import('sodium-native/binding.js');
	if (
		typeof binding.crypto_aead_chacha20poly1305_ietf_encrypt_detached !== 'function' ||
		typeof binding.crypto_aead_chacha20poly1305_ietf_decrypt_detached !== 'function'
	) {
		throw new Error('this sodium-native has no chacha20poly1305_ietf functions');
	}
	return (key) => new SodiumAead(binding, key);
}

class SodiumAead implements NonceAead {
	readonly #binding: Binding;
	readonly #key: Uint8Array;

	constructor(binding: Binding, key: Uint8Array) {
		this.#binding = binding;
		this.#key = Uint8Array.from(key);
	}

	seal(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void {
		const text = view(bytes, textStart, textEnd);
		this.#binding.crypto_aead_chacha20poly1305_ietf_encrypt_detached(
			text,
			tag,
			text,
			ad.length === 0 ? undefined : ad,
			nonce,
			this.#key,
		);
		for (let index = 0; index < TAG_LENGTH; index++) {
			bytes[textEnd + index] = tag[index]!;
		}
	}

	open(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean {
		const text = view(bytes, textStart, textEnd);
		for (let index = 0; index < TAG_LENGTH; index++) {
			tag[index] = bytes[textEnd + index]!;
		}
		const status = this.#binding.crypto_aead_chacha20poly1305_ietf_decrypt_detached(
			text,
			text,
			tag,
			ad.length === 0 ? undefined : ad,
			nonce,
			this.#key,
		);
		return status === 0;
	}
}

// Not `subarray`: of a Buffer that makes another Buffer, through its slower species constructor.
function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
	return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
