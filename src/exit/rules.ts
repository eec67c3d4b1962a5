/*
 * Items of --allow and --deny:
 *
 *   10.0.0.0/8   192.0.2.7   fd00::/8   2001:db8::7   intranet.example   *
 *   10.0.0.0/8:443   192.0.2.7:1000-2000   [2001:db8::7]:53   [fd00::/8]:443   *:25
 */

import {quoteText} from '../text/escape-text.ts';
import {endsInNumber, hostName} from '../text/host-name.ts';
import {parseIp, sameAddress, unmap} from '../text/ip.ts';
import {ValueError} from '../text/value-error.ts';
import {NAT64_LENGTHS} from './embedded.ts';
import {contains, isFirstOf, type Prefix} from './prefix.ts';

/** Targets of a rule; a host name stands for the addresses it has at the moment. */
export type RuleTarget =
	| {readonly kind: 'any'}
	| {readonly kind: 'prefix'; readonly prefix: Prefix}
	| {readonly kind: 'name'; readonly name: string};

/** One item of an allow or deny list. */
export interface Rule {
	/** As the user wrote it. */
	readonly text: string;
	readonly target: RuleTarget;
	/** First and last port, 1 to 65535. */
	readonly firstPort: number;
	readonly lastPort: number;
}

/** Bits in front of the IPv4 address in ::ffff:a.b.c.d. */
const MAPPED_LENGTH = 96;

/** Longer than any item with a meaning. */
const ITEM_LIMIT = 300;

function readPort(text: string, whole: string): number {
	const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
	if (port >= 1 && port <= 65_535) return port;
	throw new ValueError('a rule with a port or ports 1 to 65535 (:443, :1000-2000)', whole);
}

function readPorts(text: string | undefined, whole: string): readonly [number, number] {
	if (text === undefined) return [1, 65_535];
	const [first = '', last, ...more] = text.split('-');
	const from = readPort(first, whole);
	const to = last === undefined ? from : readPort(last, whole);
	if (more.length > 0 || to < from) {
		throw new ValueError('a rule with ports in order (:1000-2000)', whole);
	}
	return [from, to];
}

/** Target and ports of an item; in IPv6 a colon is ambiguous, so ports need brackets there. */
function split(text: string, whole: string): readonly [string, string | undefined] {
	if (text.startsWith('[')) {
		// [fd00::]/8 and [fd00::/8] are both in use elsewhere.
		const match = /^\[([^[\]]*)\](\/[^:]*)?(?::(.*))?$/s.exec(text);
		const [, inside = '', length = '', ports] = match ?? [];
		if (!inside.includes(':')) throw new ValueError('a rule with IPv6 in the brackets', whole);
		return [inside + length, ports];
	}
	const colon = text.indexOf(':');
	if (colon < 0) return [text, undefined];
	if (text.indexOf(':', colon + 1) < 0) return [text.slice(0, colon), text.slice(colon + 1)];
	if (/\/.*:/s.test(text))
		throw new ValueError('a rule with IPv6 in brackets before a port', whole);
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

function readTarget(text: string, whole: string): RuleTarget {
	if (text === '*') return {kind: 'any'};
	if (/[:/%]/.test(text) || endsInNumber(text)) {
		return {kind: 'prefix', prefix: readPrefix(text, whole)};
	}
	const name = hostName(text);
	if (name !== undefined) return {kind: 'name', name};
	throw new ValueError('a rule (10.0.0.0/8, [fd00::/8]:443, host.example:1000-2000 or *)', whole);
}

/** Reads one item of --allow or --deny; throws a {@link ValueError} for what is none. */
export function parseRule(text: string): Rule {
	const whole = quoteText(text);
	if (text.length > ITEM_LIMIT) throw new ValueError('a rule, it is too long', whole);
	const [targetText, portsText] = split(text, whole);
	const target = readTarget(targetText, whole);
	const [firstPort, lastPort] = readPorts(portsText, whole);
	return {text, target, firstPort, lastPort};
}

/** Reads one --nat64-prefix; throws a {@link ValueError} for what is none. */
export function parseNat64Prefix(text: string): Prefix {
	const whole = quoteText(text);
	const expected = `an IPv6 prefix of ${NAT64_LENGTHS.join(', ')} bits`;
	if (text.length > ITEM_LIMIT) throw new ValueError(expected, whole);
	const prefix = readPrefix(text, whole);
	// Byte 8 is no part of any such address and must be zero (RFC 6052 2.2).
	const isSound = prefix.bytes[8] === 0 && NAT64_LENGTHS.includes(prefix.length);
	if (!isSound) throw new ValueError(expected, whole);
	return prefix;
}

/**
 * A list of rules and the addresses that its host names have at the moment. Its owner looks the
 * names up, at once and every 60 s, and passes the addresses in; until then, and where a name has
 * no answer, a rule keeps the addresses it had, at first none.
 */
export class RuleSet {
	/** In the order given. */
	readonly rules: readonly Rule[];
	readonly #addresses = new Map<string, readonly Uint8Array[]>();

	constructor(rules: readonly Rule[] = []) {
		this.rules = rules;
	}

	/** The host names of all rules, each once, in lower case. */
	names(): string[] {
		const names = this.rules.map(({target}) => (target.kind === 'name' ? target.name : ''));
		return [...new Set(names)].filter((name) => name !== '');
	}

	/** Sets the addresses of a name, each of 4 or 16 bytes. */
	setAddresses(name: string, addresses: readonly Uint8Array[]): void {
		this.#addresses.set(name, addresses.map(unmap));
	}

	/**
	 * The first rule about any of these addresses (one target in several forms) with this port;
	 * `specific` passes over the rules about all addresses.
	 */
	find(forms: readonly Uint8Array[], port: number, specific = false): Rule | undefined {
		return this.rules.find(
			(rule) =>
				port >= rule.firstPort &&
				port <= rule.lastPort &&
				(!specific || rule.target.kind !== 'any') &&
				forms.some((address) => this.#matches(rule.target, address)),
		);
	}

	/** The first rule that gives this very name or any target, with this port. */
	findName(name: string, port: number): Rule | undefined {
		return this.rules.find(
			({target, firstPort, lastPort}) =>
				port >= firstPort &&
				port <= lastPort &&
				(target.kind === 'any' || (target.kind === 'name' && target.name === name)),
		);
	}

	#matches(target: RuleTarget, address: Uint8Array): boolean {
		if (target.kind === 'any') return true;
		if (target.kind === 'prefix') return contains(target.prefix, address);
		const addresses = this.#addresses.get(target.name) ?? [];
		return addresses.some((known) => sameAddress(known, address));
	}
}
