import {parseIp} from './ip.ts';

/** All addresses whose first `length` bits are those of `bytes`. */
export interface Prefix {
	/** The first address of the prefix: 4 or 16 bytes. */
	readonly bytes: Uint8Array;
	/** 0 to 32 for IPv4, 0 to 128 for IPv6. */
	readonly length: number;
}

/** True when an address (4 or 16 bytes) lies in a prefix; an IPv4 one never lies in an IPv6 one. */
export function contains(prefix: Prefix, address: Uint8Array): boolean {
	const {bytes, length} = prefix;
	if (bytes.length !== address.length) return false;
	const whole = length >> 3;
	for (let i = 0; i < whole; i++) if (bytes[i] !== address[i]) return false;
	const rest = length & 7;
	return rest === 0 || (bytes[whole]! ^ address[whole]!) >> (8 - rest) === 0;
}

/** True when only zeros follow the first `length` bits, as a prefix is written. */
export function isFirstOf(bytes: Uint8Array, length: number): boolean {
	return bytes.every(
		(byte, i) => (byte & (0xff >> Math.min(8, Math.max(0, length - 8 * i)))) === 0,
	);
}

/** A prefix out of this program's own tables; throws a RangeError for anything malformed. */
export function prefixOf(text: string): Prefix {
	const [address = '', length = ''] = text.split('/');
	const bytes = parseIp(address);
	if (bytes === undefined || !isFirstOf(bytes, Number(length))) {
		throw new RangeError(`not a prefix: ${text}`);
	}
	return {bytes, length: Number(length)};
}
