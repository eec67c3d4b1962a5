/** Length of the authentication tag in bytes (RFC 8439, section 2.8). */
export const TAG_LENGTH = 16;

/** Length of a ChaCha20-Poly1305 key in bytes. */
export const KEY_LENGTH = 32;

/** The names of the back ends, fastest first. */
export const AEAD_BACK_ENDS = ['openssl', 'sodium', 'node', 'noble'] as const;

/**
 * The same where nothing is encrypted, and packets are associated data but for their last bytes:
 * they have not the form for which `openssl` needs two calls only.
 */
export const AEAD_BACK_ENDS_IN_CLEAR: readonly AeadName[] = ['sodium', 'openssl', 'node', 'noble'];

/** The name of an AEAD back end, as `--crypto` takes it. */
export type AeadName = (typeof AEAD_BACK_ENDS)[number];

/**
 * ChaCha20-Poly1305 (RFC 8439) under one key, working in place. The nonce is four zero bytes and
 * the packet number as 64-bit little-endian; `ad` are the associated data. All offsets are into
 * `bytes`, 0 <= start <= end <= bytes.length - TAG_LENGTH; the caller guarantees them, nothing is
 * checked here. The bytes are only used during the call; the arrays may be remembered, so they must
 * never be detached.
 */
export interface Aead {
	/**
	 * Encrypts bytes[textStart, textEnd) in place and writes the tag to
	 * bytes[textEnd, textEnd + 16).
	 */
	seal(
		packetNumber: number,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void;
	/**
	 * Verifies the tag at bytes[textEnd, textEnd + 16) and decrypts bytes[textStart, textEnd) in
	 * place. Returns false, never throws, when the tag is wrong; the text bytes are then unspecified.
	 */
	open(
		packetNumber: number,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean;
}

/**
 * Makes an {@link Aead} for a key of {@link KEY_LENGTH} bytes; the key is copied or referenced, not
 * wiped.
 */
export type AeadFactory = (key: Uint8Array) => Aead;
