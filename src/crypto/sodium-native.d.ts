// sodium-native ships no types. This is the part of its addon that aead-sodium.ts calls; the
// functions are those of libsodium, with a status as the result instead of an exception.
declare module 'sodium-native/binding.js' {
	const binding: {
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(
			cipherText: Uint8Array,
			tag: Uint8Array,
			text: Uint8Array,
			ad: Uint8Array | undefined,
			nonce: Uint8Array,
			key: Uint8Array,
		): number;
		crypto_aead_chacha20poly1305_ietf_decrypt_detached(
			text: Uint8Array,
			cipherText: Uint8Array,
			tag: Uint8Array,
			ad: Uint8Array | undefined,
			nonce: Uint8Array,
			key: Uint8Array,
		): number;
	};
	// The addon is CommonJS: its only export is the default one.
	// biome-ignore lint/style/noDefaultExport: it describes another package
	export default binding;
}
