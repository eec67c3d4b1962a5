/**
 * A destination as a SOCKS5 client names it. `address` has 4 or 16 bytes according to `kind`; IPv4
 * inside IPv6 (::ffff:a.b.c.d) never occurs as 'ipv6', so that one host has one form.
 */
export interface IpTarget {
	readonly kind: 'ipv4' | 'ipv6';
	readonly address: Uint8Array;
	readonly port: number;
}

/** A destination by name, which only the far end resolves. */
export interface DomainTarget {
	readonly kind: 'domain';
	readonly name: string;
	readonly port: number;
}

/** A destination of any kind. */
export type SocksTarget = IpTarget | DomainTarget;

/** The longest name in the DNS, in its text form. */
const MAX_NAME = 253;
/**
 * Above all neither NUL nor bytes that a resolver might fold to others. A colon occurs in literals
 * of IPv6 only, and the wire format has none in names.
 */
const NAME = /^[A-Za-z0-9\-_.]+$/;
const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** The 4 bytes of a dotted quad; undefined for octal, short and every other spelling. */
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

/** Appends the groups of one side of a `::`; false when the text is not made of groups. */
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

/** The 16 bytes of an address in a form of RFC 4291 2.2; undefined for the rest, zones included. */
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

/** The bytes of an IP literal of either version, not unmapped; undefined for anything else. */
export function parseIp(text: string): Uint8Array | undefined {
	return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Whether the 16 bytes at `at` are ::ffff:a.b.c.d. */
export function isMapped(bytes: Uint8Array, at: number): boolean {
	for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
	return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** The IPv4 address inside ::ffff:a.b.c.d (a view), every other address as it is. */
export function unmap(address: Uint8Array): Uint8Array {
	return address.length === 16 && isMapped(address, 0) ? address.subarray(12) : address;
}

/** Start and length of the first longest run of at least two zero groups; length 0 without one. */
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
 * An address of 4 or 16 bytes as text: RFC 5952 for IPv6, with a dotted quad at the end where the
 * C library writes one, so that the text equals what the system says of the same address.
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

/**
 * The one text by which two spellings of an address are compared: unmapped and shortest. What is no
 * plain literal, such as a link-local address with its zone, stays as it is.
 */
export function canonicalText(address: string): string {
	const bytes = parseIp(address);
	return bytes === undefined ? address : formatIp(unmap(bytes));
}

/** Whether two addresses have the same bytes. */
export function sameAddress(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

/** A target from the 4 or 16 bytes of an address, unmapped. The bytes are kept, not copied. */
export function ipTarget(address: Uint8Array, port: number): IpTarget {
	const plain = unmap(address);
	return {kind: plain.length === 4 ? 'ipv4' : 'ipv6', address: plain, port};
}

/**
 * A target from what came in the place of a name: an IP literal becomes an address (OpenVPN sends
 * literals this way), and undefined means that it is no name at all.
 */
export function namedTarget(name: string, port: number): SocksTarget | undefined {
	const address = parseIp(name);
	if (address !== undefined) return ipTarget(address, port);
	if (name.length > MAX_NAME || !NAME.test(name)) return undefined;
	return {kind: 'domain', name, port};
}

/** A target as frames and SOCKS5 carry it (RFC 1928, section 5). */
export function encodeTarget(target: SocksTarget): Uint8Array {
	const {kind, port} = target;
	const ends = [port >> 8, port & 0xff];
	if (kind !== 'domain') {
		return Uint8Array.of(kind === 'ipv4' ? 1 : 4, ...target.address, ...ends);
	}
	const name = Array.from(target.name, (letter) => letter.charCodeAt(0));
	return Uint8Array.of(3, name.length, ...name, ...ends);
}

/** `host:port` for people, an IPv6 address in brackets. */
export function formatTarget(target: SocksTarget): string {
	if (target.kind === 'domain') return `${target.name}:${target.port}`;
	const host = formatIp(target.address);
	return target.kind === 'ipv6' ? `[${host}]:${target.port}` : `${host}:${target.port}`;
}
