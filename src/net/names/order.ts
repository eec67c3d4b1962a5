import {networkInterfaces} from 'node:os';
import {parseIp} from '../../text/ip.ts';
import {contains, type Prefix, prefixOf} from '../../text/prefix.ts';

/** Kinds of address that this machine could send from. */
export interface Sources {
	readonly ipv4: boolean;
	/** `local`: unique local addresses only, which reach no more than others of their kind. */
	readonly ipv6: 'none' | 'local' | 'global';
}

const LOOPBACK_IPV6 = prefixOf('::1/128');
const UNIQUE_LOCAL = prefixOf('fc00::/7');
const LINK_LOCAL_IPV6 = prefixOf('fe80::/10');
const LOOPBACK = prefixOf('127.0.0.0/8');
const LINK_LOCAL = prefixOf('169.254.0.0/16');

/** The sources that a list of own addresses gives; loopback and link-local ones are none. */
export function sourcesOf(addresses: readonly string[]): Sources {
	let ipv4 = false;
	let ipv6: Sources['ipv6'] = 'none';
	for (const text of addresses) {
		const address = parseIp(text);
		if (address === undefined) continue;
		const useless = [LOOPBACK_IPV6, LINK_LOCAL_IPV6, LOOPBACK, LINK_LOCAL];
		if (useless.some((prefix) => contains(prefix, address))) continue;
		if (address.length === 4) ipv4 = true;
		else if (!contains(UNIQUE_LOCAL, address)) ipv6 = 'global';
		else if (ipv6 === 'none') ipv6 = 'local';
	}
	return {ipv4, ipv6};
}

/** The sources of this machine at the moment; never throws. */
export function systemSources(): Sources {
	try {
		const lists = Object.values(networkInterfaces());
		return sourcesOf(lists.flatMap((list) => (list ?? []).map(({address}) => address)));
	} catch {
		// Some sandboxes forbid the question; then both are tried.
		return {ipv4: true, ipv6: 'global'};
	}
}

/** The default policy table of RFC 6724 2.1, longest prefix first, without the IPv4 row. */
const PRECEDENCE: readonly (readonly [Prefix, number])[] = [
	[LOOPBACK_IPV6, 50],
	[prefixOf('::/96'), 1],
	[prefixOf('2001::/32'), 5],
	[prefixOf('2002::/16'), 30],
	[prefixOf('3ffe::/16'), 1],
	[prefixOf('fec0::/10'), 1],
	[UNIQUE_LOCAL, 3],
];
const PRECEDENCE_IPV4 = 35;
const PRECEDENCE_IPV6 = 40;

function precedenceOf(address: Uint8Array): number {
	if (address.length === 4) return PRECEDENCE_IPV4;
	return PRECEDENCE.find(([prefix]) => contains(prefix, address))?.[1] ?? PRECEDENCE_IPV6;
}

/** 0 where a source of the same kind exists, 1 where only another kind does, 2 where none does. */
function remoteness(address: Uint8Array, sources: Sources): number {
	// Every machine reaches itself.
	if (contains(LOOPBACK, address) || contains(LOOPBACK_IPV6, address)) return 0;
	if (address.length === 4) return sources.ipv4 ? 0 : 2;
	if (sources.ipv6 === 'none') return 2;
	return contains(UNIQUE_LOCAL, address) || sources.ipv6 === 'global' ? 0 : 1;
}

/**
 * Addresses of a name, best first, each once: the rules 1 (usable), 5 (matching label) and 6
 * (precedence) of RFC 6724 section 6, as far as own addresses decide; equals keep their order.
 */
export function orderAddresses(addresses: readonly Uint8Array[], sources: Sources): Uint8Array[] {
	const distinct = new Map(addresses.map((address) => [address.join(), address]));
	return [...distinct.values()]
		.map((address) => ({
			address,
			remoteness: remoteness(address, sources),
			precedence: precedenceOf(address),
		}))
		.sort((a, b) => a.remoteness - b.remoteness || b.precedence - a.precedence)
		.map(({address}) => address);
}
