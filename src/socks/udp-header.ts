/*
 * The header in front of every datagram between the application and the relay (RFC 1928 7):
 *
 *   RSV 2 | FRAG 1 | ATYP 1 | DST.ADDR 4, 16 or 1 + length | DST.PORT 2 | payload
 */
import {copyBytes, writeUint16} from '../bytes/cursor.ts';
import {isMapped, unmap} from '../text/ip.ts';
import {namedTarget, type SocksTarget} from './target.ts';

/** Kinds of address in requests, replies and UDP headers. */
export const AddressType = {IPV4: 1, DOMAIN: 3, IPV6: 4} as const;

/** Offset of the address type in a header. */
const ADDRESS_TYPE_AT = 3;
/** The longest header: a name of 255 bytes. */
export const MAX_UDP_HEADER = 262;

/**
 * A header as it was read, as offsets into the datagram's bytes. One record is reused for many
 * datagrams.
 */
export interface UdpHeader {
	/** FRAG as it came: 0 for a datagram of its own. */
	fragment: number;
	/** Kind of target; an IPv4 address inside IPv6 counts as 'ipv4'. */
	kind: SocksTarget['kind'];
	/** Offset of ATYP; the bytes from here to the payload identify the target. */
	targetStart: number;
	/** The address or name itself. */
	addressStart: number;
	addressEnd: number;
	port: number;
	payloadStart: number;
}

/** A record for {@link decodeUdpHeader} to fill. */
export function emptyUdpHeader(): UdpHeader {
	return {
		fragment: 0,
		kind: 'ipv4',
		targetStart: 0,
		addressStart: 0,
		addressEnd: 0,
		port: 0,
		payloadStart: 0,
	};
}

/**
 * Reads the header of the datagram bytes[start, end) into `header`; false when it is cut short or
 * of an unknown kind. The reserved bytes may have any value. Names are not judged here.
 */
export function decodeUdpHeader(
	bytes: Uint8Array,
	start: number,
	end: number,
	header: UdpHeader,
): boolean {
	const at = start + ADDRESS_TYPE_AT;
	// The shortest header has an empty name.
	if (end - at < 4) return false;
	const type = bytes[at];
	let address = at + 1;
	let length = 4;
	header.kind = 'ipv4';
	if (type === AddressType.IPV6) {
		length = 16;
		header.kind = 'ipv6';
	} else if (type === AddressType.DOMAIN) {
		length = bytes[address++]!;
		header.kind = 'domain';
	} else if (type !== AddressType.IPV4) return false;
	const port = address + length;
	if (port + 2 > end) return false;
	if (type === AddressType.IPV6 && isMapped(bytes, address)) {
		header.kind = 'ipv4';
		address += 12;
	}
	header.fragment = bytes[start + 2]!;
	header.targetStart = at;
	header.addressStart = address;
	header.addressEnd = port;
	header.port = (bytes[port]! << 8) | bytes[port + 1]!;
	header.payloadStart = port + 2;
	return true;
}

/** The target of a header that was just read, as a copy. `undefined`: its name is none. */
export function targetOf(bytes: Uint8Array, header: UdpHeader): SocksTarget | undefined {
	const {kind, addressStart, addressEnd, port} = header;
	if (kind !== 'domain') return {kind, address: bytes.slice(addressStart, addressEnd), port};
	let name = '';
	for (let i = addressStart; i < addressEnd; i++) name += String.fromCharCode(bytes[i]!);
	return namedTarget(name, port);
}

/** Returns the start of the header of an address of this many bytes that ends at `end`. */
function startOf(length: number, end: number): number {
	const start = end - (6 + length);
	if (start < 0) throw new RangeError(`"end" expected at least ${6 + length}, got ${end}`);
	return start;
}

/** Writes what stands before the address and returns its offset. */
function writeType(bytes: Uint8Array, start: number, type: number): number {
	bytes[start] = 0;
	bytes[start + 1] = 0;
	bytes[start + 2] = 0;
	bytes[start + ADDRESS_TYPE_AT] = type;
	return start + ADDRESS_TYPE_AT + 1;
}

/**
 * Writes the header of an IP address (4 or 16 bytes, unmapped first) in front of a payload that
 * begins at `end`, FRAG 0, and returns the header's length. The head room must be there.
 */
export function encodeIpUdpHeader(
	address: Uint8Array,
	port: number,
	bytes: Uint8Array,
	end: number,
): number {
	const plain = unmap(address);
	const start = startOf(plain.length, end);
	const at = writeType(bytes, start, plain.length === 4 ? AddressType.IPV4 : AddressType.IPV6);
	writeUint16(bytes, copyBytes(bytes, at, plain, 0, plain.length), port);
	return end - start;
}

/** As {@link encodeIpUdpHeader}, for a target of any kind; a name must be ASCII. */
export function encodeUdpHeader(target: SocksTarget, bytes: Uint8Array, end: number): number {
	if (target.kind !== 'domain') {
		return encodeIpUdpHeader(target.address, target.port, bytes, end);
	}
	const {name} = target;
	if (name.length > 255) throw new RangeError(`"name" expected up to 255, got ${name.length}`);
	const start = startOf(name.length + 1, end);
	let at = writeType(bytes, start, AddressType.DOMAIN);
	bytes[at++] = name.length;
	for (let i = 0; i < name.length; i++) bytes[at++] = name.charCodeAt(i);
	writeUint16(bytes, at, target.port);
	return end - start;
}
