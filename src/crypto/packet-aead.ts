import {type Aead, type AeadFactory, KEY_LENGTH} from './aead.ts';

/** Length of a ChaCha20-Poly1305 nonce in bytes (RFC 8439, section 2.8). */
const NONCE_LENGTH = 12;

/**
 * One key of a back end, with the nonce in the caller's hands; otherwise the contract of
 * {@link Aead}. `nonce` is 12 bytes and only read during the call.
 */
export interface NonceAead {
	/** As {@link Aead.seal}. */
	seal(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void;
	/** As {@link Aead.open}. */
	open(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean;
}

/**
 * Makes a {@link NonceAead} for a key of {@link KEY_LENGTH} bytes, which the caller has checked.
 */
export type NonceAeadFactory = (key: Uint8Array) => NonceAead;

const TWO_TO_32 = 2 ** 32;

// One nonce for all keys: seal and open are synchronous and no back end keeps it.
const nonce = new Uint8Array(NONCE_LENGTH);
const nonceView = new DataView(nonce.buffer);

/**
 * Turns a {@link NonceAead} into the {@link Aead} of the protocol: nonce = four zero bytes, then
 * the packet number as 64-bit little-endian.
 */
class PacketAead implements Aead {
	readonly #inner: NonceAead;

	constructor(inner: NonceAead) {
		this.#inner = inner;
	}

	seal(
		packetNumber: number,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void {
		writeNonce(packetNumber);
		this.#inner.seal(nonce, ad, bytes, textStart, textEnd);
	}

	open(
		packetNumber: number,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean {
		writeNonce(packetNumber);
		return this.#inner.open(nonce, ad, bytes, textStart, textEnd);
	}
}

/**
 * Makes the {@link AeadFactory} of a back end; the factory throws RangeError for a key of wrong
 * length.
 */
export function packetAeadFactory(create: NonceAeadFactory): AeadFactory {
	return (key) => {
		if (key.length !== KEY_LENGTH) {
			throw new RangeError(`an AEAD key is ${KEY_LENGTH} bytes, this has ${key.length}`);
		}
		return new PacketAead(create(key));
	};
}

function writeNonce(packetNumber: number): void {
	// `>>> 0` takes a number modulo 2^32, exactly, all the way up to 2^53.
	nonceView.setUint32(4, packetNumber >>> 0, true);
	nonceView.setUint32(8, (packetNumber / TWO_TO_32) >>> 0, true);
}
