import {type Native, type NativeFunction, native} from '../native/native.ts';
import {ArrayAddresses, NativeMemory, SMALLEST_FIXED} from '../native/native-memory.ts';
import {TAG_LENGTH} from './aead.ts';
import type {NonceAead, NonceAeadFactory} from './packet-aead.ts';

/*
 * OpenSSL's ChaCha20-Poly1305 without an object for each packet, as node:crypto makes them. A call
 * through koffi costs about as much as 200 bytes of cipher, so the number of calls decides:
 *
 * - In general: set key and nonce, associated data, text, end, tag; five or six.
 * - For a record of TLS 1.2 (RFC 5246, section 6.2.3.3, and RFC 7905) OpenSSL has a way with two:
 *   its parameter "tlsaad" takes the 13 bytes of associated data, of which the first 8, the number
 *   of the record, are also the varying part of the nonce; one more call seals the text and writes
 *   the tag behind it, or opens both. The associated data of DATA have this form.
 *
 * Both give the same bytes; the form only decides how they are made.
 */

/** Associated data of a record: number 8, type 1, version 2, length of the text 2. */
const RECORD_AD = 13;
const RECORD_LENGTH_AT = 11;

/** Its length field has room for the tag as well. */
const MAX_RECORD = 0xffff - TAG_LENGTH;

/** From the beginning of a nonce to the number of the record. */
const NUMBER_AT = 4;
const NUMBER_LENGTH = 8;

/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of openssl/evp.h. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;

const OPEN = 0;
const SEAL = 1;

/*
 * The memory that OpenSSL reads and writes, in bytes: two OSSL_PARAM (openssl/core.h), the second
 * of zeros, which ends the list:
 *
 *      0 key          8  pointer to the name
 *      8 data_type    4  OSSL_PARAM_OCTET_STRING, 5
 *     16 data         8  pointer
 *     24 data_size    8
 *     32 return_size  8
 *
 * then the things that pointers lead to, then copies of what lies in memory that may move.
 */
const NAME = 80;
const RECORD = 96;
const NONCE = 112;
const KEY = 128;
const TAG = 160;
const LENGTH = 176;
const AD_COPY = 4096;
const TEXT_COPY = AD_COPY + SMALLEST_FIXED;
const SIZE = TEXT_COPY + SMALLEST_FIXED;

const OCTET_STRING = 5;
const PARAMETER = 'tlsaad';

/** Loads the back end; rejects without koffi, and where Node.js keeps its OpenSSL to itself. */
export async function loadOpenssl(): Promise<NonceAeadFactory> {
	const openssl = new Openssl(native());
	return (key) => new OpensslAead(openssl, key);
}

/** The functions of libcrypto that are used; they are the same in every OpenSSL 3. */
class Openssl {
	readonly #memory: NativeMemory;
	readonly #arrays: ArrayAddresses;
	readonly #newContext: NativeFunction;
	readonly #freeContext: NativeFunction;
	readonly #init: NativeFunction;
	readonly #setParameters: NativeFunction;
	readonly #cipher: NativeFunction;
	readonly #final: NativeFunction;
	readonly #control: NativeFunction;
	readonly #clearErrors: NativeFunction;
	readonly #chacha20Poly1305: number;
	/** The context of everything that is not a record. */
	readonly #general: number;
	readonly #contexts = new FinalizationRegistry<number>((context) => this.#freeContext(context));

	constructor(library: Native) {
		this.#arrays = new ArrayAddresses(library);
		this.#newContext = library.function('EVP_CIPHER_CTX_new', 0, 'intptr_t');
		this.#freeContext = library.function('EVP_CIPHER_CTX_free', 1, 'void');
		this.#init = library.function('EVP_CipherInit_ex', 6, 'int');
		this.#setParameters = library.function('EVP_CIPHER_CTX_set_params', 2, 'int');
		this.#cipher = library.function('EVP_Cipher', 4, 'int');
		this.#final = library.function('EVP_CipherFinal_ex', 3, 'int');
		this.#control = library.function('EVP_CIPHER_CTX_ctrl', 4, 'int');
		this.#clearErrors = library.function('ERR_clear_error', 0, 'void');
		this.#chacha20Poly1305 = library.function('EVP_chacha20_poly1305', 0, 'intptr_t')();
		const memory = new NativeMemory(library, SIZE);
		memory.setPointer(0, memory.address + NAME);
		memory.words[2] = OCTET_STRING;
		memory.setPointer(4, memory.address + RECORD);
		memory.words[6] = RECORD_AD;
		new TextEncoder().encodeInto(PARAMETER, memory.bytes.subarray(NAME));
		this.#memory = memory;
		this.#general = this.#context(new Uint8Array(memory.bytes.subarray(KEY, KEY + 32)), SEAL);
	}

	/**
	 * A context for records sealed or opened with that key; freed some time after its owner is gone.
	 */
	contextOf(owner: OpensslAead, key: Uint8Array, direction: number): number {
		const context = this.#context(key, direction);
		this.#contexts.register(owner, context);
		return context;
	}

	// Throws when there is no memory for one, or OpenSSL does not have the cipher.
	#context(key: Uint8Array, direction: number): number {
		const context = this.#newContext();
		const {bytes, address} = this.#memory;
		bytes.set(key, KEY);
		bytes.fill(0, NONCE, NONCE + 12);
		const cipher = this.#chacha20Poly1305;
		const [keyAt, nonceAt] = [address + KEY, address + NONCE];
		const ready = context !== 0 && this.#init(context, cipher, 0, keyAt, nonceAt, direction) === 1;
		if (!ready) throw new Error('OpenSSL makes no context for ChaCha20-Poly1305');
		return context;
	}

	/** Seals or opens a record and the tag behind it in place. Returns false for a wrong tag. */
	// biome-ignore lint/complexity/useMaxParams: once per packet, a record would be filled and read again
	record(
		context: number,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
		direction: number,
	): boolean {
		const memory = this.#memory;
		const length = textEnd - textStart;
		for (let i = 0; i < RECORD_LENGTH_AT; i++) memory.bytes[RECORD + i] = ad[i]!;
		// It counts the tag of a record that is to be opened, and leaves it out again.
		const stated = direction === SEAL ? length : length + TAG_LENGTH;
		memory.bytes[RECORD + RECORD_LENGTH_AT] = stated >>> 8;
		memory.bytes[RECORD + RECORD_LENGTH_AT + 1] = stated;
		const end = textEnd + TAG_LENGTH;
		const at = this.#place(bytes, textStart, end, TEXT_COPY);
		const done =
			this.#setParameters(context, memory.address) === 1 &&
			this.#cipher(context, at, at, length + TAG_LENGTH) >= 0;
		this.#takeBack(bytes, textStart, end, at);
		if (!done) this.#clearErrors();
		return done;
	}

	/** Seals or opens anything in place. Returns false for a wrong tag. */
	// biome-ignore lint/complexity/useMaxParams: the signature of Aead with a direction
	anything(
		key: Uint8Array,
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
		direction: number,
	): boolean {
		const context = this.#general;
		const memory = this.#memory;
		const length = textEnd - textStart;
		const tagAt = memory.address + TAG;
		memory.bytes.set(key, KEY);
		memory.bytes.set(nonce, NONCE);
		for (let i = 0; i < TAG_LENGTH; i++) memory.bytes[TAG + i] = bytes[textEnd + i]!;
		const at = this.#place(bytes, textStart, textEnd, TEXT_COPY);
		const adAt = this.#place(ad, 0, ad.length, AD_COPY);
		const [keyAt, nonceAt] = [memory.address + KEY, memory.address + NONCE];
		const done =
			this.#init(context, 0, 0, keyAt, nonceAt, direction) === 1 &&
			(direction === SEAL || this.#control(context, SET_TAG, TAG_LENGTH, tagAt) === 1) &&
			(ad.length === 0 || this.#cipher(context, 0, adAt, ad.length) >= 0) &&
			(length === 0 || this.#cipher(context, at, at, length) >= 0) &&
			// The end; EVP_Cipher would do nothing at all for no bytes, and find no tag wrong.
			this.#final(context, tagAt, memory.address + LENGTH) === 1 &&
			(direction === OPEN || this.#control(context, GET_TAG, TAG_LENGTH, tagAt) === 1);
		this.#takeBack(bytes, textStart, textEnd, at);
		if (done && direction === SEAL) {
			for (let i = 0; i < TAG_LENGTH; i++) bytes[textEnd + i] = memory.bytes[TAG + i]!;
		}
		if (!done) this.#clearErrors();
		return done;
	}

	// The address of bytes[start], or of a copy of bytes[start, end) at `copy`.
	#place(bytes: Uint8Array, start: number, end: number, copy: number): number {
		const address = this.#arrays.of(bytes);
		if (address !== 0) return address + start;
		this.#memory.bytes.set(bytes.subarray(start, end), copy);
		return this.#memory.address + copy;
	}

	#takeBack(bytes: Uint8Array, start: number, end: number, at: number): void {
		const memory = this.#memory;
		if (at !== memory.address + TEXT_COPY) return;
		bytes.set(memory.bytes.subarray(TEXT_COPY, TEXT_COPY + end - start), start);
	}
}

class OpensslAead implements NonceAead {
	readonly #openssl: Openssl;
	readonly #key: Uint8Array;
	// Made for the first record: most keys, those of handshakes, never see one. 0 = not yet.
	#sealing = 0;
	#opening = 0;

	constructor(openssl: Openssl, key: Uint8Array) {
		this.#openssl = openssl;
		this.#key = Uint8Array.from(key);
	}

	seal(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): void {
		const openssl = this.#openssl;
		let sealed: boolean;
		if (isRecord(nonce, ad, textEnd - textStart)) {
			if (this.#sealing === 0) this.#sealing = openssl.contextOf(this, this.#key, SEAL);
			sealed = openssl.record(this.#sealing, ad, bytes, textStart, textEnd, SEAL);
		} else {
			sealed = openssl.anything(this.#key, nonce, ad, bytes, textStart, textEnd, SEAL);
		}
		// Nothing may go out that was not sealed.
		if (!sealed) throw new Error('OpenSSL could not seal a packet');
	}

	open(
		nonce: Uint8Array,
		ad: Uint8Array,
		bytes: Uint8Array,
		textStart: number,
		textEnd: number,
	): boolean {
		const openssl = this.#openssl;
		if (!isRecord(nonce, ad, textEnd - textStart)) {
			return openssl.anything(this.#key, nonce, ad, bytes, textStart, textEnd, OPEN);
		}
		if (this.#opening === 0) this.#opening = openssl.contextOf(this, this.#key, OPEN);
		return openssl.record(this.#opening, ad, bytes, textStart, textEnd, OPEN);
	}
}

/** True when OpenSSL would take the same nonce and associated data for a record. */
function isRecord(nonce: Uint8Array, ad: Uint8Array, length: number): boolean {
	if (ad.length !== RECORD_AD || length > MAX_RECORD) return false;
	if (ad[RECORD_LENGTH_AT] !== length >>> 8) return false;
	if (ad[RECORD_LENGTH_AT + 1] !== (length & 0xff)) return false;
	for (let i = 0; i < NUMBER_AT; i++) if (nonce[i] !== 0) return false;
	for (let i = 0; i < NUMBER_LENGTH; i++) if (nonce[NUMBER_AT + i] !== ad[i]) return false;
	return true;
}
