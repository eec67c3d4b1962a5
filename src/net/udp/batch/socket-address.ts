import {networkInterfaces} from 'node:os';
import type {RemoteAddress} from '../../../core/remote-address.ts';
import {formatIp, type IpFamily, parseIp} from '../../../text/ip.ts';

/** Bytes of a sockaddr_in and of a sockaddr_in6. */
export const ADDRESS_LENGTH = {4: 16, 6: 28} as const;

/** Words of the longer one. */
export const ADDRESS_WORDS = 7;

export const AF_INET = 2;
export const AF_INET6 = 10;

/** An address of this back end: it knows the form that the kernel takes. */
export class BatchRemote implements RemoteAddress {
	readonly key: string;
	readonly socket: number;
	readonly host: string;
	readonly port: number;
	/**
	 * A sockaddr_in or sockaddr_in6, ADDRESS_WORDS long. `undefined`: none of the socket's family.
	 */
	readonly words: Uint32Array | undefined;
	/** Bytes of it. */
	readonly length: number;

	constructor(key: string, socket: number, host: string, port: number) {
		this.key = key;
		this.socket = socket;
		this.host = host;
		this.port = port;
		const address = host.includes(':') ? AF_INET6 : AF_INET;
		this.words = encodeSocketAddress(host, port);
		this.length = address === AF_INET6 ? ADDRESS_LENGTH[6] : ADDRESS_LENGTH[4];
	}

	/** True when words[at...] of `memory` are this address, its flow label aside. */
	isAt(memory: Uint32Array, at: number): boolean {
		const own = this.words;
		if (own === undefined || own[0] !== memory[at]) return false;
		if (this.length === ADDRESS_LENGTH[4]) return own[1] === memory[at + 1];
		for (let i = 2; i < ADDRESS_WORDS; i++) if (own[i] !== memory[at + i]) return false;
		return true;
	}
}

/**
 * The kernel's form of an IP literal and a port. `undefined`: it is none. Both begin with the
 * family in the machine's order of bytes and the port in the network's; then
 *
 *     sockaddr_in    4 address 4, zero 8
 *     sockaddr_in6   4 flow label 4, address 16, interface 4
 */
export function encodeSocketAddress(host: string, port: number): Uint32Array | undefined {
	const [literal = '', zone] = host.split('%');
	const address = parseIp(literal);
	if (address === undefined) return undefined;
	const words = new Uint32Array(ADDRESS_WORDS);
	const bytes = new Uint8Array(words.buffer);
	bytes[0] = address.length === 4 ? AF_INET : AF_INET6;
	bytes[2] = port >> 8;
	bytes[3] = port;
	bytes.set(address, address.length === 4 ? 4 : 8);
	if (zone !== undefined) words[6] = interfaceNumber(zone);
	return words;
}

/** The family of what lies at words[at...]. `undefined`: any but IPv4 and IPv6. */
export function familyAt(memory: Uint32Array, at: number): IpFamily | undefined {
	const family = memory[at]! & 0xffff;
	return family === AF_INET ? 4 : family === AF_INET6 ? 6 : undefined;
}

/** The port of what lies at words[at...]. */
export function portAt(memory: Uint32Array, at: number): number {
	const word = memory[at]!;
	return ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** The address of what lies at words[at...], written as Node writes it. */
export function hostAt(memory: Uint32Array, at: number, family: IpFamily): string {
	const bytes = new Uint8Array(memory.buffer, memory.byteOffset + at * 4, 28);
	if (family === 4) return formatIp(bytes.slice(4, 8));
	const address = bytes.slice(8, 24);
	const number = memory[at + 6]!;
	// As Node does: only where the address has no meaning without it.
	const linkLocal = address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
	const host = formatIp(address);
	return linkLocal && number !== 0 ? `${host}%${interfaceName(number)}` : host;
}

function interfaceNumber(zone: string): number {
	for (const address of networkInterfaces()[zone] ?? []) {
		if (address.family === 'IPv6') return address.scopeid;
	}
	return Number(zone) || 0;
}

function interfaceName(number: number): string {
	for (const [name, addresses] of Object.entries(networkInterfaces())) {
		for (const address of addresses ?? []) {
			if (address.family === 'IPv6' && address.scopeid === number) return name;
		}
	}
	return String(number);
}
