import {parseIp} from '../../src/text/ip.ts';

/** The bytes of an IP literal; throws for anything else. */
export function ip(text: string): Uint8Array {
	const bytes = parseIp(text);
	if (bytes === undefined) throw new Error(`no address: ${text}`);
	return bytes;
}

/** An address as a number. */
export function toNumber(bytes: Uint8Array): bigint {
	return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** A number as an address of `length` bytes. */
export function fromNumber(value: bigint, length: number): Uint8Array {
	return Uint8Array.from({length}, (_, i) =>
		Number((value >> BigInt(8 * (length - 1 - i))) & 255n),
	);
}
