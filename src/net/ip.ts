import {isIPv4, isIPv6, SocketAddress} from 'node:net';

/** IP version 4 or 6. */
export type IpFamily = 4 | 6;

/** The version of an IP literal; anything without a colon counts as 4. */
export function familyOf(address: string): IpFamily {
	return address.includes(':') ? 6 : 4;
}

/** The address that stands for all of a family. */
export function wildcardOf(family: IpFamily): string {
	return family === 4 ? '0.0.0.0' : '::';
}

/**
 * An IP literal as the system writes it in the source of a datagram, IPv4 inside IPv6 unwrapped;
 * undefined for anything else. A zone (`fe80::1%eth0`) is kept.
 */
export function canonicalAddress(text: string): string | undefined {
	if (isIPv4(text)) return text;
	if (!isIPv6(text)) return undefined;
	const [bare = '', zone] = text.split('%');
	const {address} = new SocketAddress({address: bare, family: 'ipv6'});
	const mapped = address.startsWith('::ffff:') ? address.slice(7) : '';
	if (isIPv4(mapped)) return mapped;
	return zone === undefined ? address : `${address}%${zone}`;
}

/** `host:port` for people, an IPv6 address in brackets. */
export function formatAddress(host: string, port: number): string {
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether an address only has a meaning on one link. */
export function isLinkLocal(address: string): boolean {
	return /^(?:169\.254\.|fe[89ab][0-9a-f]:)/i.test(address);
}
