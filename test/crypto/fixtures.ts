import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {AEAD_BACK_ENDS, type AeadFactory, type AeadName} from '../../src/crypto/aead.ts';
import {AEAD_LOADERS} from '../../src/crypto/aead-choice.ts';
import {type NonceAeadFactory, packetAeadFactory} from '../../src/crypto/packet-aead.ts';

export interface BackEnd {
	readonly name: AeadName;
	readonly create: NonceAeadFactory;
	readonly factory: AeadFactory;
}

/** The back ends that this machine can load, and why the others cannot. */
export async function loadBackEnds(): Promise<{available: BackEnd[]; absent: string[]}> {
	const available: BackEnd[] = [];
	const absent: string[] = [];
	for (const name of AEAD_BACK_ENDS) {
		try {
			const create = await AEAD_LOADERS[name]();
			available.push({name, create, factory: packetAeadFactory(create)});
		} catch (error) {
			// Only optional dependencies may be missing.
			if (name !== 'openssl' && name !== 'sodium') {
				throw error;
			}
			absent.push(name);
		}
	}
	return {available, absent};
}

/** The vectors of fixtures/vectors/`name`.json; the tests run in the top folder. */
export function readVectors<T>(name: string): T {
	return JSON.parse(readFileSync(`fixtures/vectors/${name}.json`, 'utf8'));
}

export function fromHex(hex: string): Uint8Array {
	return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array | undefined): string | undefined {
	return bytes && Buffer.from(bytes).toString('hex');
}

/** `length` bytes that depend on `seed` only. */
export function seededBytes(seed: string, length: number): Uint8Array {
	return new Uint8Array(createHash('shake256', {outputLength: length}).update(seed).digest());
}
