import {isNameOnWire} from '../text/host-name.ts';
import {formatAddress, formatIp, parseIp, unmap} from '../text/ip.ts';

/**
 * A destination as a SOCKS5 client names it. `address` has 4 or 16 bytes according to `kind`; IPv4
 * inside IPv6 (::ffff:a.b.c.d) never occurs as 'ipv6', so that one host has one form.
 */
export interface IpTarget {
	readonly kind: 'ipv4' | 'ipv6';
	readonly address: Uint8Array;
	readonly port: number;
}

/** A destination by name, resolved at the far end only. */
export interface DomainTarget {
	readonly kind: 'domain';
	readonly name: string;
	readonly port: number;
}

/** A destination of any kind. */
export type SocksTarget = IpTarget | DomainTarget;

/** Returns the target of an address of 4 or 16 bytes, unmapped. The bytes are kept, not copied. */
export function ipTarget(address: Uint8Array, port: number): IpTarget {
	const plain = unmap(address);
	return {kind: plain.length === 4 ? 'ipv4' : 'ipv6', address: plain, port};
}

/**
 * Returns the target for text in the place of a name: an IP literal becomes an address (OpenVPN
 * sends literals this way). `undefined`: no name that a frame can carry.
 */
export function namedTarget(name: string, port: number): SocksTarget | undefined {
	const address = parseIp(name);
	if (address !== undefined) return ipTarget(address, port);
	return isNameOnWire(name) ? {kind: 'domain', name, port} : undefined;
}

/** Encodes a target as frames and SOCKS5 carry it (RFC 1928, section 5). */
export function encodeTarget(target: SocksTarget): Uint8Array {
	const {kind, port} = target;
	const ends = [port >> 8, port & 0xff];
	if (kind !== 'domain') {
		return Uint8Array.of(kind === 'ipv4' ? 1 : 4, ...target.address, ...ends);
	}
	const name = Array.from(target.name, (letter) => letter.charCodeAt(0));
	return Uint8Array.of(3, name.length, ...name, ...ends);
}

/** Formats `host:port` for people, an IPv6 address in brackets. */
export function formatTarget(target: SocksTarget): string {
	return formatAddress(
		target.kind === 'domain' ? target.name : formatIp(target.address),
		target.port,
	);
}
