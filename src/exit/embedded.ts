/*
 * IPv4 addresses inside IPv6 ones: a target that looks like a harmless IPv6 address may end,
 * through a translator, a relay or the system itself, at an IPv4 address.
 *
 *   ::a.b.c.d  ::ffff:a.b.c.d  ::ffff:0:a.b.c.d  64:ff9b::a.b.c.d   bytes 12-15
 *   2002:AABB:CCDD::                                                bytes 2-5
 *   2001:0:SERVER:FLAGS:PORT:CLIENT                                 bytes 4-7, bytes 12-15 inverted
 *   NAT64 prefix of 32, 40, 48, 56, 64 or 96 bits                   the 4 bytes after it without
 *                                                                   byte 8 (RFC 6052 2.2)
 */
import {contains, type Prefix, prefixOf} from '../text/prefix.ts';

const LAST_FOUR: readonly Prefix[] = [
	prefixOf('::/96'),
	prefixOf('::ffff:0:0/96'),
	prefixOf('::ffff:0:0:0/96'),
	prefixOf('64:ff9b::/96'),
];
const SIX_TO_FOUR = prefixOf('2002::/16');
const TEREDO = prefixOf('2001::/32');
/** Any prefix of it may be in use; these are the layouts that operators give it. */
const LOCAL_NAT64: readonly Prefix[] = [prefixOf('64:ff9b:1::/48'), prefixOf('64:ff9b:1::/96')];

/** The lengths that a NAT64 prefix may have (RFC 6052 2.2). */
export const NAT64_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];

function fourAt(address: Uint8Array, at: number): Uint8Array {
	return address.slice(at, at + 4);
}

/** The IPv4 address that RFC 6052 puts behind a prefix of `length` bits. */
function translated(address: Uint8Array, length: number): Uint8Array {
	const four = new Uint8Array(4);
	for (let i = 0, at = length >> 3; i < 4; i++, at++) {
		if (at === 8) at++;
		four[i] = address[at]!;
	}
	return four;
}

/** Every IPv4 address that an IPv6 address may lead to; none for an IPv4 address. */
export function embeddedIpv4(address: Uint8Array, nat64: readonly Prefix[]): readonly Uint8Array[] {
	if (address.length !== 16) return [];
	const found: Uint8Array[] = [];
	if (LAST_FOUR.some((prefix) => contains(prefix, address))) found.push(fourAt(address, 12));
	if (contains(SIX_TO_FOUR, address)) found.push(fourAt(address, 2));
	if (contains(TEREDO, address)) {
		found.push(
			fourAt(address, 4),
			fourAt(address, 12).map((byte) => byte ^ 0xff),
		);
	}
	const configured = nat64.filter((prefix) => contains(prefix, address));
	// Where the prefix in use is known the other layouts would only find numbers that are nothing.
	const prefixes = configured.length > 0 ? configured : LOCAL_NAT64;
	for (const prefix of prefixes) {
		if (contains(prefix, address)) found.push(translated(address, prefix.length));
	}
	return found;
}
