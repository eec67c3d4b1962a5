import test from 'ava';
import fc from 'fast-check';
import {classify} from '../../src/exit/classify.ts';
import {embeddedIpv4} from '../../src/exit/embedded.ts';
import {SPECIAL_RANGES, type SpecialRange} from '../../src/exit/special-ranges.ts';
import {formatIp} from '../../src/text/ip.ts';
import {prefixOf} from '../../src/text/prefix.ts';
import {fromNumber, ip, toNumber} from './addresses.ts';

interface Span {
	readonly first: bigint;
	readonly last: bigint;
	readonly length: number;
	readonly range: SpecialRange;
}

function spanOf(range: SpecialRange): Span {
	const {bytes, length} = prefixOf(range.prefix);
	const first = toNumber(bytes);
	return {
		first,
		last: first + (1n << BigInt(bytes.length * 8 - length)) - 1n,
		length: bytes.length,
		range,
	};
}

const SPANS = SPECIAL_RANGES.map(spanOf);

/** What the table says, by arithmetic instead of bytes: the smallest span that holds the number. */
function narrowest(value: bigint, length: number): SpecialRange | undefined {
	return SPANS.filter((span) => span.length === length && span.first <= value && value <= span.last)
		.sort((a, b) => (a.last - a.first < b.last - b.first ? -1 : 1))
		.at(0)?.range;
}

for (const {first, last, length, range} of SPANS) {
	test(`judges the first, last and outer addresses of ${range.prefix} (${range.name})`, (t) => {
		const end = 1n << BigInt(length * 8);
		for (const value of [first, last, first - 1n, last + 1n]) {
			if (value < 0n || value >= end) continue;
			const address = fromNumber(value, length);
			const expected = narrowest(value, length);
			const shown = formatIp(address);
			if (expected?.treatment === 'denied') {
				t.is(classify(address), `${expected.prefix} ${expected.name} (${expected.source})`, shown);
			} else if (expected?.treatment !== 'embedded') {
				t.is(classify(address), undefined, shown);
			} else {
				const denied = embeddedIpv4(address, []).some((inner) => classify(inner) !== undefined);
				t.is(classify(address) !== undefined, denied, shown);
			}
		}
	});
}

const DENIED = `0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
	127.0.0.0 127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255
	172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.11 192.0.0.170 192.0.0.171 192.0.0.192
	192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255 198.18.0.0
	198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255
	240.0.0.0 255.255.255.254 255.255.255.255
	:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
	64:ff9b:1:: 64:ff9b:1::808:808 64:ff9b:1:ffff:ffff:ffff:ffff:ffff 64:ff9b:2:: 64:ff9b:0:0:0:1::
	100:: 100::ffff:ffff:ffff:ffff 100:0:0:1:: 200::1 1fff::1 2001:2:: 2001:2:0:ffff::1 2001:2:1::
	2001:1:: 2001:1::4 2001:4:111:ffff::1 2001:4:113:: 2001:10:: 2001:1f:ffff::1 2001:40::
	2001:1ff:ffff::1 2001:db8:: 2001:db8:ffff:: 2002:7f00:1:: 2002:a00:1::5 3fff:: 3fff:fff:ffff::1
	4000::1 5f00:: 5f00:ffff:: 8000:: bfff::1 c000:: fbff::1 fc00:: fd00:ec2::254 fdff:ffff:: fe00::
	fe80:: fe80::1 febf:ffff:: fec0:: feff:: ff00:: ff02::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`;

const REACHABLE = `1.0.0.0 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
	128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
	191.255.255.255 192.0.0.9 192.0.0.10 192.0.1.0 192.0.3.0 192.31.196.1 192.52.193.1 192.88.98.255
	192.88.100.0 192.167.255.255 192.169.0.0 192.175.48.1 198.17.255.255 198.20.0.0 198.51.99.255
	198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
	::8.8.8.8 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::808:808 2000:: 2001:1::1 2001:1::2 2001:1::3
	2001:3:: 2001:3:ffff:: 2001:4:112:: 2001:20:: 2001:2f:ffff:: 2001:30:: 2001:3f:ffff::
	2001:200:: 2001:db7:ffff:: 2001:db9:: 2002:808:808::1 2003:: 2606:4700:4700::1111
	2620:4f:8000::1 3ffe:ffff:: 3fff:1000::`;

test('denies what the registries do not call globally reachable, by a list written by hand', (t) => {
	for (const text of DENIED.split(/\s+/)) t.truthy(classify(ip(text)), text);
});

test('lets everything beside it pass, by a list written by hand', (t) => {
	for (const text of REACHABLE.split(/\s+/)) t.is(classify(ip(text)), undefined, text);
});

function hex(address: Uint8Array): string {
	const [a = 0, b = 0, c = 0, d = 0] = address;
	return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

const inverted = (address: Uint8Array): Uint8Array => address.map((byte) => byte ^ 0xff);

/** Every embedding, as an address around a given IPv4 address. */
const EMBEDDINGS: Readonly<Record<string, (inner: Uint8Array) => string>> = {
	'IPv4-compatible': (inner) => `::${hex(inner)}`,
	'IPv4-mapped': (inner) => `::ffff:${hex(inner)}`,
	'IPv4-translated': (inner) => `::ffff:0:${hex(inner)}`,
	NAT64: (inner) => `64:ff9b::${hex(inner)}`,
	'6to4': (inner) => `2002:${hex(inner)}::1`,
	'Teredo server': (inner) => `2001:0:${hex(inner)}:0:0:${hex(inverted(ip('8.8.8.8')))}`,
	'Teredo client': (inner) => `2001:0:${hex(ip('8.8.8.8'))}:8000:63bf:${hex(inverted(inner))}`,
};

for (const [name, embed] of Object.entries(EMBEDDINGS)) {
	test(`judges ${name} by the IPv4 address inside, like that address itself`, (t) => {
		// ::0.0.0.1 and ::0.0.0.0 are addresses of their own.
		for (const {first, last} of SPANS.filter((span) => span.length === 4)) {
			for (const value of [first, last, first - 1n, last + 1n]) {
				if (value < 0n || value >= 1n << 32n) continue;
				const inner = fromNumber(value, 4);
				const outer = ip(embed(inner));
				const shown = formatIp(outer);
				const reason = classify(inner);
				t.is(classify(outer) === undefined, reason === undefined, shown);
				t.true(
					embeddedIpv4(outer, []).some((found) => formatIp(found) === formatIp(inner)),
					shown,
				);
			}
		}
	});
}

test('never gives local-use NAT64 away, whatever is inside', (t) => {
	for (const inner of ['8.8.8.8', '127.0.0.1']) {
		t.regex(classify(ip(`64:ff9b:1::${hex(ip(inner))}`)) ?? '', /local-use NAT64/);
	}
	const found = embeddedIpv4(ip('64:ff9b:1:a00:0:500::'), []).map(formatIp);
	t.true(found.includes('10.0.0.5'));
});

const NAT64_EXAMPLES: readonly (readonly [string, string, string])[] = [
	// RFC 6052 2.4.
	['2001:db8::/32', '2001:db8:c000:221::', '192.0.2.33'],
	['2001:db8:100::/40', '2001:db8:1c0:2:21::', '192.0.2.33'],
	['2001:db8:122::/48', '2001:db8:122:c000:2:2100::', '192.0.2.33'],
	['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::', '192.0.2.33'],
	['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::', '192.0.2.33'],
	['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33', '192.0.2.33'],
	['64:ff9b:1::/48', '64:ff9b:1:808:8:800::', '8.8.8.8'],
	['64:ff9b:1::/96', '64:ff9b:1::8.8.8.8', '8.8.8.8'],
	['2a00:1:2:3::/64', '2a00:1:2:3:a:0:500:0', '10.0.0.5'],
	['fd00:64::/96', 'fd00:64::1.1.1.1', '1.1.1.1'],
];

for (const [prefix, address, inner] of NAT64_EXAMPLES) {
	test(`judges ${address} by ${inner} where ${prefix} is a NAT64 prefix`, (t) => {
		const nat64 = [prefixOf(prefix)];
		t.true(embeddedIpv4(ip(address), nat64).some((found) => formatIp(found) === inner));
		t.is(classify(ip(address), nat64) === undefined, classify(ip(inner)) === undefined);
	});
}

test('denies what is no address at all', (t) => {
	for (const length of [0, 1, 3, 5, 8, 15, 17]) t.truthy(classify(new Uint8Array(length)));
});

test('agrees with the table read by arithmetic for any address', (t) => {
	const length = fc.constantFrom(4, 16);
	const near = fc
		.tuple(fc.constantFrom(...SPANS), fc.bigInt({min: 0n, max: 1n << 130n}))
		.map(([span, offset]) =>
			fromNumber(span.first + (offset % (span.last - span.first + 1n)), span.length),
		);
	const anywhere = length.chain((n) => fc.uint8Array({minLength: n, maxLength: n}));
	fc.assert(
		fc.property(fc.oneof(near, anywhere), (address) => {
			const expected = narrowest(toNumber(address), address.length);
			const inner = embeddedIpv4(address, []);
			const isDenied =
				expected?.treatment === 'denied' ||
				(expected?.treatment === 'embedded' &&
					inner.some((four) => narrowest(toNumber(four), 4)?.treatment === 'denied'));
			t.is(classify(address) !== undefined, isDenied, formatIp(address));
		}),
		{numRuns: 1000},
	);
});
