import {contains, type Prefix, prefixOf} from '../text/prefix.ts';
import {embeddedIpv4} from './embedded.ts';
import {SPECIAL_RANGES, type SpecialRange, type Treatment} from './special-ranges.ts';

interface Range {
	readonly prefix: Prefix;
	readonly treatment: Treatment;
	readonly description: string;
}

function compile({prefix, treatment, name, source}: SpecialRange): Range {
	return {prefix: prefixOf(prefix), treatment, description: `${prefix} ${name} (${source})`};
}

/** Ranges by the first byte of their addresses, longest first: most of the internet has none. */
function index(ranges: readonly Range[], addressLength: number): readonly (readonly Range[])[] {
	const table: Range[][] = Array.from({length: 256}, () => []);
	for (const range of ranges) {
		const {bytes, length} = range.prefix;
		if (bytes.length !== addressLength) continue;
		const count = length >= 8 ? 1 : 1 << (8 - length);
		for (let i = 0; i < count; i++) table[bytes[0]! + i]?.push(range);
	}
	for (const list of table) list.sort((a, b) => b.prefix.length - a.prefix.length);
	return table;
}

const RANGES = SPECIAL_RANGES.map(compile);
const IPV4 = index(RANGES, 4);
const IPV6 = index(RANGES, 16);

/** The smallest special range that holds an address. */
function rangeOf(address: Uint8Array): Range | undefined {
	const table = address.length === 4 ? IPV4 : IPV6;
	return table[address[0]!]!.find(({prefix}) => contains(prefix, address));
}

/**
 * Returns the reason why an address (4 or 16 bytes) is no place on the internet, in a few words for
 * a log. `undefined`: it is one. IPv4 addresses inside IPv6 ones are judged like any other; behind
 * the prefixes of `nat64`, those of translators in use here, they alone count.
 */
export function classify(address: Uint8Array, nat64: readonly Prefix[] = []): string | undefined {
	if (address.length !== 4 && address.length !== 16) return 'not an IP address';
	const range = rangeOf(address);
	// The owner of a local-use prefix defines it; its IPv4 addresses decide, as elsewhere.
	const isTranslated = nat64.some((prefix) => contains(prefix, address));
	if (range?.treatment === 'denied' && !isTranslated) return range.description;
	for (const inner of embeddedIpv4(address, nat64)) {
		const innerRange = rangeOf(inner);
		if (innerRange?.treatment !== 'denied') continue;
		const description = isTranslated ? 'a NAT64 prefix' : range?.description;
		return `${innerRange.description} inside ${description}`;
	}
	return undefined;
}
