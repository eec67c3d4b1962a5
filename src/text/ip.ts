// IP addresses as text: one toolkit for every folder. Bytes are 4 for IPv4 and 16 for IPv6.

/** IP version 4 or 6. */
export type IpFamily = 4 | 6;

const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Returns the 4 bytes of a dotted quad. `undefined`: octal, short or any other spelling. */
export function parseIpv4(text: string): Uint8Array | undefined {
	const parts = text.length > 15 ? [] : text.split('.');
	if (parts.length !== 4) return undefined;
	const address = new Uint8Array(4);
	for (const [i, part] of parts.entries()) {
		const value = Number(part);
		if (!OCTET.test(part) || value > 255) return undefined;
		address[i] = value;
	}
	return address;
}

/** Appends the groups of one side of a `::`. Returns false when the text is not made of groups. */
function readGroups(text: string, mayEmbed: boolean, groups: number[]): boolean {
	if (text === '') return true;
	const parts = text.split(':');
	for (const [i, part] of parts.entries()) {
		if (GROUP.test(part)) {
			groups.push(Number.parseInt(part, 16));
			continue;
		}
		const quad = mayEmbed && i === parts.length - 1 ? parseIpv4(part) : undefined;
		if (quad === undefined) return false;
		groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
	}
	return true;
}

/** Returns the 16 bytes of an address in a form of RFC 4291 2.2. `undefined`: none, or a zone. */
export function parseIpv6(text: string): Uint8Array | undefined {
	// The longest form has six groups and a dotted quad.
	if (text.length > 45) return undefined;
	const sides = text.split('::');
	const head: number[] = [];
	const tail: number[] = [];
	if (sides.length > 2 || !readGroups(sides[0]!, sides.length === 1, head)) return undefined;
	if (!readGroups(sides[1] ?? '', true, tail)) return undefined;
	const count = head.length + tail.length;
	// A `::` stands for one group at least.
	if (sides.length === 1 ? count !== 8 : count > 7) return undefined;
	const address = new Uint8Array(16);
	for (const [i, group] of head.entries()) writeGroup(address, i, group);
	for (const [i, group] of tail.entries()) writeGroup(address, 8 - tail.length + i, group);
	return address;
}

function writeGroup(address: Uint8Array, index: number, group: number): void {
	address[2 * index] = group >>> 8;
	address[2 * index + 1] = group & 0xff;
}

/** Returns the bytes of an IP literal of either version, not unmapped. `undefined`: no literal. */
export function parseIp(text: string): Uint8Array | undefined {
	return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** True when the 16 bytes at `at` are ::ffff:a.b.c.d. */
export function isMapped(bytes: Uint8Array, at: number): boolean {
	for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
	return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** Returns the IPv4 address inside ::ffff:a.b.c.d (a view), or the address itself. */
export function unmap(address: Uint8Array): Uint8Array {
	return address.length === 16 && isMapped(address, 0) ? address.subarray(12) : address;
}

/** Start and length of the longest run of two or more zero groups, the first of equals; 0: none. */
function longestZeros(groups: readonly number[]): {start: number; length: number} {
	const best = {start: -1, length: 0};
	for (let start = 0; start < 8; start++) {
		let end = start;
		while (end < 8 && groups[end] === 0) end++;
		if (end - start > Math.max(1, best.length)) {
			best.start = start;
			best.length = end - start;
		}
		start = end;
	}
	return best;
}

/**
 * Formats an address of 4 or 16 bytes: RFC 5952 for IPv6, with a dotted quad at the end where
 * inet_ntop writes one, so that the text equals the one that the system gives for the address.
 */
export function formatIp(address: Uint8Array): string {
	if (address.length === 4) return address.join('.');
	const groups: number[] = [];
	for (let i = 0; i < 16; i += 2) groups.push((address[i]! << 8) | address[i + 1]!);
	const zeros = longestZeros(groups);
	const dotted =
		zeros.start === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff));
	const words = groups.slice(0, dotted ? 6 : 8).map((group) => group.toString(16));
	if (dotted) words.push(address.subarray(12).join('.'));
	if (zeros.length === 0) return words.join(':');
	const head = words.slice(0, zeros.start).join(':');
	return `${head}::${words.slice(zeros.start + zeros.length).join(':')}`;
}

/** True when two addresses have the same bytes. */
export function sameAddress(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

/** Returns an IP literal without its zone, the `%eth0` of a link-local address. */
export function withoutZone(address: string): string {
	const at = address.indexOf('%');
	return at < 0 ? address : address.slice(0, at);
}

/**
 * Returns the one spelling by which IP literals are compared, which is also the one that the system
 * gives for the source of a datagram: lower case, shortest, IPv4 inside IPv6 unwrapped, the zone of
 * an IPv6 address kept. `undefined`: no IP literal.
 */
export function canonicalAddress(text: string): string | undefined {
	const bare = withoutZone(text);
	const zone = text.slice(bare.length);
	const bytes = parseIp(bare);
	if (bytes === undefined || (zone !== '' && !/^%[^\s%]+$/.test(zone))) return undefined;
	const plain = unmap(bytes);
	if (plain.length === 16) return formatIp(plain) + zone;
	return bytes.length === 4 && zone !== '' ? undefined : formatIp(plain);
}

/** Returns the version of an IP literal; anything without a colon counts as 4. */
export function familyOf(address: string): IpFamily {
	return address.includes(':') ? 6 : 4;
}

/** Returns the address that stands for all of a family. */
export function wildcardOf(family: IpFamily): string {
	return family === 4 ? '0.0.0.0' : '::';
}

/** True for an IP literal that only this machine itself reaches. */
export function isLoopback(address: string): boolean {
	const canonical = canonicalAddress(address);
	return canonical === '::1' || canonical?.startsWith('127.') === true;
}

/** True for an address that has a meaning on one link only. */
export function isLinkLocal(address: string): boolean {
	return /^(?:169\.254\.|fe[89ab][0-9a-f]:)/i.test(address);
}

/** Formats `host:port` for people, an IPv6 address in brackets. */
export function formatAddress(host: string, port: number): string {
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
