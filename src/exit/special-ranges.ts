/**
 * Treatment of targets in a range: `denied`; `reachable`, an exception inside a denied range;
 * `embedded`, the IPv4 address inside decides.
 */
export type Treatment = 'denied' | 'reachable' | 'embedded';

/** A range of addresses that is not simply a part of the internet. */
export interface SpecialRange {
	/** CIDR text. */
	readonly prefix: string;
	readonly treatment: Treatment;
	/** Purpose of the range in a few words. */
	readonly name: string;
	/** The document that made it so. */
	readonly source: string;
}

function range(prefix: string, treatment: Treatment, name: string, source: string): SpecialRange {
	return {prefix, treatment, name, source};
}

/**
 * The ranges that the IANA IPv4 and IPv6 special-purpose address registries do not call globally
 * reachable (a "no" or no answer), their reachable exceptions, and what else is no place on the
 * internet. The longest prefix that holds an address decides; in none of them it is reachable.
 */
export const SPECIAL_RANGES: readonly SpecialRange[] = [
	range('0.0.0.0/8', 'denied', 'this network', 'RFC 791'),
	range('0.0.0.0/32', 'denied', 'this host', 'RFC 1122'),
	range('10.0.0.0/8', 'denied', 'private use', 'RFC 1918'),
	range('100.64.0.0/10', 'denied', 'shared address space', 'RFC 6598'),
	range('127.0.0.0/8', 'denied', 'loopback', 'RFC 1122'),
	// Not in the registries: a public address that every machine in Azure reaches, and that serves
	// it certificates and configuration.
	range('168.63.129.16/32', 'denied', 'platform service of a cloud', 'Azure'),
	range('169.254.0.0/16', 'denied', 'link-local', 'RFC 3927'),
	range('172.16.0.0/12', 'denied', 'private use', 'RFC 1918'),
	range('192.0.0.0/24', 'denied', 'IETF protocol assignments', 'RFC 6890'),
	range('192.0.0.0/29', 'denied', 'IPv4 service continuity', 'RFC 7335'),
	range('192.0.0.8/32', 'denied', 'IPv4 dummy address', 'RFC 7600'),
	range('192.0.0.9/32', 'reachable', 'port control anycast', 'RFC 7723'),
	range('192.0.0.10/32', 'reachable', 'TURN anycast', 'RFC 8155'),
	range('192.0.0.170/32', 'denied', 'NAT64/DNS64 discovery', 'RFC 8880'),
	range('192.0.0.171/32', 'denied', 'NAT64/DNS64 discovery', 'RFC 8880'),
	range('192.0.2.0/24', 'denied', 'documentation', 'RFC 5737'),
	range('192.88.99.0/24', 'denied', 'deprecated 6to4 relay anycast', 'RFC 7526'),
	range('192.88.99.2/32', 'denied', '6a44 relay anycast', 'RFC 6751'),
	range('192.168.0.0/16', 'denied', 'private use', 'RFC 1918'),
	range('198.18.0.0/15', 'denied', 'benchmarking', 'RFC 2544'),
	range('198.51.100.0/24', 'denied', 'documentation', 'RFC 5737'),
	range('203.0.113.0/24', 'denied', 'documentation', 'RFC 5737'),
	range('224.0.0.0/4', 'denied', 'multicast', 'RFC 5771'),
	range('240.0.0.0/4', 'denied', 'reserved (class E)', 'RFC 1112'),
	range('255.255.255.255/32', 'denied', 'limited broadcast', 'RFC 8190'),

	// IANA has given out unicast space in 2000::/3 only. What routes elsewhere is a private overlay
	// (some use 200::/7), which has no more business with tunnel users than a private network.
	range('::/3', 'denied', 'not global unicast', 'RFC 4291'),
	range('4000::/2', 'denied', 'not global unicast', 'RFC 4291'),
	range('8000::/1', 'denied', 'not global unicast', 'RFC 4291'),
	range('::/96', 'embedded', 'IPv4-compatible', 'RFC 4291'),
	range('::/128', 'denied', 'unspecified', 'RFC 4291'),
	range('::1/128', 'denied', 'loopback', 'RFC 4291'),
	range('::ffff:0:0/96', 'embedded', 'IPv4-mapped', 'RFC 4291'),
	range('::ffff:0:0:0/96', 'embedded', 'IPv4-translated', 'RFC 2765'),
	range('64:ff9b::/96', 'embedded', 'NAT64', 'RFC 6052'),
	range('64:ff9b:1::/48', 'denied', 'local-use NAT64', 'RFC 8215'),
	range('100::/64', 'denied', 'discard-only', 'RFC 6666'),
	range('100:0:0:1::/64', 'denied', 'dummy prefix', 'RFC 9780'),
	range('2001::/23', 'denied', 'IETF protocol assignments', 'RFC 2928'),
	range('2001::/32', 'embedded', 'Teredo', 'RFC 4380'),
	range('2001:1::1/128', 'reachable', 'port control anycast', 'RFC 7723'),
	range('2001:1::2/128', 'reachable', 'TURN anycast', 'RFC 8155'),
	range('2001:1::3/128', 'reachable', 'DNS-SD registration anycast', 'RFC 9665'),
	range('2001:2::/48', 'denied', 'benchmarking', 'RFC 5180'),
	range('2001:3::/32', 'reachable', 'AMT', 'RFC 7450'),
	range('2001:4:112::/48', 'reachable', 'AS112', 'RFC 7535'),
	range('2001:10::/28', 'denied', 'deprecated ORCHID', 'RFC 4843'),
	range('2001:20::/28', 'reachable', 'ORCHIDv2', 'RFC 7343'),
	range('2001:30::/28', 'reachable', 'drone remote ID', 'RFC 9374'),
	range('2001:db8::/32', 'denied', 'documentation', 'RFC 3849'),
	range('2002::/16', 'embedded', '6to4', 'RFC 3056'),
	range('3fff::/20', 'denied', 'documentation', 'RFC 9637'),
	range('5f00::/16', 'denied', 'segment routing', 'RFC 9602'),
	range('fc00::/7', 'denied', 'unique local', 'RFC 4193'),
	range('fe80::/10', 'denied', 'link-local', 'RFC 4291'),
	range('fec0::/10', 'denied', 'deprecated site-local', 'RFC 3879'),
	range('ff00::/8', 'denied', 'multicast', 'RFC 4291'),
];
