/*
 * Targets as --allow, --deny and the rules of policies give them:
 *
 *   10.0.0.0/8   192.0.2.7   fd00::/8   2001:db8::7   intranet.example   *.example.net   *
 *   10.0.0.0/8:443   192.0.2.7:1000-2000   [2001:db8::7]:53   [fd00::/8]:443   *:25
 */

import {quoteText} from './escape-text.ts';
import {endsInNumber, hostName} from './host-name.ts';
import {parseIp, unmap} from './ip.ts';
import {isFirstOf, type Prefix} from './prefix.ts';
import {ValueError} from './value-error.ts';

/** Hosts of a pattern. */
export type HostPattern =
	| {readonly kind: 'any'}
	| {readonly kind: 'prefix'; readonly prefix: Prefix}
	| {readonly kind: 'name'; readonly name: string}
	/** All names that end in a dot and this one. */
	| {readonly kind: 'below'; readonly name: string};

/** Ports from the first to the last, 1 to 65535. */
export interface PortRange {
	readonly firstPort: number;
	readonly lastPort: number;
}

/** Hosts and their ports. */
export interface TargetPattern extends PortRange {
	/** As the user wrote it. */
	readonly text: string;
	readonly target: HostPattern;
}

const ALL_PORTS: PortRange = {firstPort: 1, lastPort: 65_535};

/** Bits in front of the IPv4 address in ::ffff:a.b.c.d. */
const MAPPED_LENGTH = 96;

/** Longer than any item with a meaning. */
const ITEM_LIMIT = 300;

function readPort(text: string, whole: string): number {
	const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
	if (port >= 1 && port <= 65_535) return port;
	throw new ValueError('ports 1 to 65535 (443, 1000-2000)', whole);
}

function readPorts(text: string | undefined, whole: string): PortRange {
	if (text === undefined) return ALL_PORTS;
	const [first = '', last, ...more] = text.split('-');
	const firstPort = readPort(first, whole);
	const lastPort = last === undefined ? firstPort : readPort(last, whole);
	if (more.length > 0 || lastPort < firstPort) {
		throw new ValueError('ports in order (1000-2000)', whole);
	}
	return {firstPort, lastPort};
}

/** Target and ports of an item; in IPv6 a colon is ambiguous, so ports need brackets there. */
function split(text: string, whole: string): readonly [string, string | undefined] {
	if (text.startsWith('[')) {
		// [fd00::]/8 and [fd00::/8] are both in use elsewhere.
		const match = /^\[([^[\]]*)\](\/[^:]*)?(?::(.*))?$/s.exec(text);
		const [, inside = '', length = '', ports] = match ?? [];
		if (!inside.includes(':')) throw new ValueError('a target with IPv6 in the brackets', whole);
		return [inside + length, ports];
	}
	const colon = text.indexOf(':');
	if (colon < 0) return [text, undefined];
	if (text.indexOf(':', colon + 1) < 0) return [text.slice(0, colon), text.slice(colon + 1)];
	if (/\/.*:/s.test(text)) {
		throw new ValueError('a target with IPv6 in brackets before a port', whole);
	}
	return [text, undefined];
}

function readPrefix(text: string, whole: string): Prefix {
	const slash = text.indexOf('/');
	const addressText = slash < 0 ? text : text.slice(0, slash);
	if (addressText.includes('%')) throw new ValueError('an address without a zone id', whole);
	const bytes = parseIp(addressText);
	if (bytes === undefined) {
		if (addressText.includes(':')) throw new ValueError('an IPv6 address', whole);
		throw new ValueError('an IPv4 address of four decimal numbers (10.0.0.1)', whole);
	}
	const bits = bytes.length * 8;
	const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1);
	const length = /^(?:0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) : bits + 1;
	if (length > bits) throw new ValueError(`an address with a prefix length 0 to ${bits}`, whole);
	if (!isFirstOf(bytes, length)) {
		throw new ValueError('a prefix with zeros after its length (10.0.0.0/8)', whole);
	}
	// The system turns mapped addresses into IPv4, and so is every target before it is compared.
	const plain = length >= MAPPED_LENGTH ? unmap(bytes) : bytes;
	return {bytes: plain, length: length - (bits - plain.length * 8)};
}

function readHosts(text: string, whole: string): HostPattern {
	if (text === '*') return {kind: 'any'};
	if (/[:/%]/.test(text) || endsInNumber(text)) {
		return {kind: 'prefix', prefix: readPrefix(text, whole)};
	}
	const isBelow = text.startsWith('*.');
	const name = hostName(isBelow ? text.slice(2) : text);
	if (name !== undefined) return {kind: isBelow ? 'below' : 'name', name};
	throw new ValueError('a target (10.0.0.0/8, [fd00::/8]:443, host.example:1000-2000 or *)', whole);
}

/** Reads one target; throws a {@link ValueError} for what is none. */
export function parseTargetPattern(text: string): TargetPattern {
	const whole = quoteText(text);
	if (text.length > ITEM_LIMIT) throw new ValueError('a target, it is too long', whole);
	const [hosts, ports] = split(text, whole);
	const target = readHosts(hosts, whole);
	return {text, target, ...readPorts(ports, whole)};
}

/** Reads `443` or `1000-2000`; throws a {@link ValueError} for anything else. */
export function parsePortRange(text: string): PortRange {
	return readPorts(text, quoteText(text));
}

/** Reads an address or a prefix; throws a {@link ValueError} for what is neither. */
export function parsePrefix(text: string): Prefix {
	const whole = quoteText(text);
	if (text.length > ITEM_LIMIT) throw new ValueError('a prefix, it is too long', whole);
	return readPrefix(text, whole);
}
