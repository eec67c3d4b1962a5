import {
	AEAD_BACK_ENDS,
	AEAD_BACK_ENDS_IN_CLEAR,
	type AeadFactory,
	type AeadName,
	TAG_LENGTH,
} from './aead.ts';
import {loadNoble} from './aead-noble.ts';
import {loadNode} from './aead-node.ts';
import {loadOpenssl} from './aead-openssl.ts';
import {loadSodium} from './aead-sodium.ts';
import {type NonceAeadFactory, packetAeadFactory} from './packet-aead.ts';

/** Loader of each back end. Its promise rejects with the reason why it cannot be loaded. */
export type AeadLoaders = Readonly<Record<AeadName, () => Promise<NonceAeadFactory>>>;

/** A back end that is not used, and why, in one line. */
export interface RejectedAead {
	readonly name: AeadName;
	readonly reason: string;
}

/** The chosen back end, and the faster ones that were passed over. */
export interface AeadChoice {
	readonly name: AeadName;
	readonly factory: AeadFactory;
	readonly rejected: readonly RejectedAead[];
}

/** The loaders of the real back ends. */
export const AEAD_LOADERS: AeadLoaders = {
	openssl: loadOpenssl,
	sodium: loadSodium,
	node: loadNode,
	noble: loadNoble,
};

const MAX_REASON_LENGTH = 200;

/**
 * Chooses the fastest back end that loads and passes its self test, or exactly the `forced` one.
 * Rejects when none does, with a message for the user. `loaders` is for tests; `encrypts` is false
 * when the user has switched the encryption of packets off.
 */
export async function chooseAead(
	forced?: AeadName,
	loaders: AeadLoaders = AEAD_LOADERS,
	encrypts = true,
): Promise<AeadChoice> {
	const rejected: RejectedAead[] = [];
	const order = encrypts ? AEAD_BACK_ENDS : AEAD_BACK_ENDS_IN_CLEAR;
	for (const name of forced === undefined ? order : [forced]) {
		try {
			const create = await loaders[name]();
			selfTest(create);
			return {name, factory: packetAeadFactory(create), rejected};
		} catch (error) {
			rejected.push({name, reason: reasonOf(error)});
		}
	}
	const reasons = rejected.map(({name, reason}) => `${name}: ${reason}`).join('; ');
	throw new Error(
		forced === undefined
			? `no crypto back end can be used: ${reasons}`
			: `the crypto back end that was asked for cannot be used: ${reasons}`,
	);
}

// Errors of native loaders go on for pages: the places searched, then a stack of requires.
function reasonOf(error: unknown): string {
	const message = error instanceof Error ? error.message : String(error);
	// Where a package is missing from is a path of this installation, of no use to the user.
	const line = message
		.trim()
		.split('\n')[0]!
		.replace(/ imported from .*$/, '');
	return line.length <= MAX_REASON_LENGTH ? line : `${line.slice(0, MAX_REASON_LENGTH - 3)}...`;
}

const VECTORS = [
	{
		// RFC 8439, section 2.8.2.
		name: 'the vector of RFC 8439',
		nonce: '070000004041424344454647',
		ad: '50515253c0c1c2c3c4c5c6c7',
		text:
			'4c616469657320616e642047656e746c656d656e206f662074686520636c6173' +
			'73206f66202739393a204966204920636f756c64206f6666657220796f75206f' +
			'6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73' +
			'637265656e20776f756c642062652069742e',
		sealed:
			'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
			'3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
			'92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
			'3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
	},
	{
		// Our own, from the Python package cryptography: that form may have a way of its own.
		name: 'a DATA packet',
		nonce: '000000000605040302010000',
		ad: '0605040302010000450000000b',
		text: '1005006d7074756e6e656c',
		sealed: '4a443fe044b2fc0d7767bc3cc0079dae8c4cf8d41239127fcb939e',
	},
];
/**
 * A DATA packet so long that a cipher may take another way; the tag is of node:crypto and noble.
 */
const LONG = {
	nonce: '000000000605040302010000',
	ad: '060504030201000045000004b0',
	length: 1200,
	tag: 'fe489028b5d827906d214b41dae408f4',
};
const VECTOR_KEY = '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f';

function selfTest(create: NonceAeadFactory): void {
	const aead = create(Buffer.from(VECTOR_KEY, 'hex'));
	for (const {name, ...vector} of VECTORS) {
		const nonce = Buffer.from(vector.nonce, 'hex');
		const ad = Buffer.from(vector.ad, 'hex');
		const text = Buffer.from(vector.text, 'hex');
		const sealed = Buffer.from(vector.sealed, 'hex');
		const end = text.length;

		const bytes = Buffer.concat([text, Buffer.alloc(TAG_LENGTH)]);
		aead.seal(nonce, ad, bytes, 0, end);
		if (!bytes.equals(sealed)) throw new Error(`self test: wrong cipher text for ${name}`);
		if (!aead.open(nonce, ad, bytes, 0, end)) throw new Error(`self test: does not open ${name}`);
		if (!bytes.subarray(0, end).equals(text)) throw new Error(`self test: wrong text for ${name}`);
		const forgedAd = Uint8Array.from(ad);
		forgedAd[8]! ^= 1;
		for (const [position, each] of [
			[undefined, forgedAd],
			[0, ad],
			[end, ad],
		] as const) {
			const forged = Uint8Array.from(sealed);
			if (position !== undefined) forged[position]! ^= 1;
			if (aead.open(nonce, each, forged, 0, end)) {
				throw new Error(`self test: opens a forgery of ${name}`);
			}
		}
	}
	const [nonce, ad] = [Buffer.from(LONG.nonce, 'hex'), Buffer.from(LONG.ad, 'hex')];
	const text = Uint8Array.from({length: LONG.length}, (_, i) => i);
	const bytes = Buffer.concat([text, Buffer.alloc(TAG_LENGTH)]);
	aead.seal(nonce, ad, bytes, 0, LONG.length);
	const tag = bytes.toString('hex', LONG.length);
	if (tag !== LONG.tag) throw new Error('self test: wrong tag for a long packet');
	const opens = aead.open(nonce, ad, bytes, 0, LONG.length);
	if (!opens || text.some((byte, i) => byte !== bytes[i])) {
		throw new Error('self test: does not open a long packet');
	}
}
