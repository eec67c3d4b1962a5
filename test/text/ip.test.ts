import {isIPv4, isIPv6, SocketAddress} from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
	canonicalAddress,
	familyOf,
	formatAddress,
	formatIp,
	isLinkLocal,
	isLoopback,
	parseIp,
	parseIpv4,
	parseIpv6,
	sameAddress,
	unmap,
	withoutZone,
} from '../../src/text/ip.ts';
import {fromHex, toHex} from '../crypto/fixtures.ts';

const oneOf = (characters: string) => fc.constantFrom(...characters);
/** Text that is nearly an address, so that both answers are frequent. */
const nearlyIpv4 = fc
	.array(
		fc.oneof(fc.nat(300).map(String), fc.string({unit: oneOf('0123456789x.'), maxLength: 4})),
		{
			minLength: 3,
			maxLength: 5,
		},
	)
	.map((parts) => parts.join('.'));
const nearlyIpv6 = fc
	.tuple(
		fc.array(
			fc.oneof(
				{weight: 6, arbitrary: fc.string({unit: oneOf('0123456789abcdefABCDEF'), maxLength: 4})},
				{weight: 1, arbitrary: fc.constantFrom('', '12345', 'g', '1.2.3.4', '01.2.3.4')},
			),
			{minLength: 1, maxLength: 9},
		),
		fc.constantFrom('', '::', ':'),
		fc.constantFrom('', '::', ':', ':1.2.3.4'),
	)
	.map(([groups, before, after]) => before + groups.join(':') + after);
const sparse = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), {minLength: 8, maxLength: 8});
const ipv6Bytes = fc
	.oneof(
		sparse,
		sparse.map((groups) => [0, 0, 0, 0, 0, 0xffff, ...groups.slice(6)]),
	)
	.map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));

test('text is an IPv4 address exactly when reported by the system', (t) => {
	fc.assert(
		fc.property(fc.oneof(nearlyIpv4, fc.ipV4(), fc.string()), (text) => {
			t.is(parseIpv4(text) !== undefined, isIPv4(text), text);
		}),
		{seed: 1, numRuns: 500},
	);
});

test('text is an IPv6 address exactly when reported by the system, zones apart', (t) => {
	fc.assert(
		fc.property(fc.oneof(nearlyIpv6, fc.ipV6(), fc.string()), (text) => {
			t.is(parseIpv6(text) !== undefined, isIPv6(text) && !text.includes('%'), text);
		}),
		{seed: 2, numRuns: 1000},
	);
});

test('an IPv6 address has the bytes and the text that the system gives it', (t) => {
	fc.assert(
		fc.property(ipv6Bytes, (bytes) => {
			const full = `${toHex(bytes)}`.replaceAll(/(.{4})(?=.)/g, '$1:');
			t.deepEqual(parseIpv6(full), bytes);
			const {address} = new SocketAddress({address: full, family: 'ipv6'});
			t.is(formatIp(bytes), address);
			t.deepEqual(parseIpv6(address), bytes);
			t.deepEqual(parseIpv6(address.toUpperCase()), bytes);
		}),
		{seed: 3, numRuns: 1000},
	);
});

test('every IPv4 address is read again', (t) => {
	fc.assert(
		fc.property(fc.uint8Array({minLength: 4, maxLength: 4}), (bytes) => {
			t.deepEqual(parseIp(formatIp(bytes)), bytes);
		}),
		{seed: 4},
	);
});

for (const text of [
	'1.2.3',
	'0x7f.0.0.1',
	'0177.0.0.1',
	'127.1',
	'2130706433',
	'１.2.3.4',
	'1.2.3.4 ',
]) {
	test(`is no IPv4 address: ${text}`, (t) => {
		t.is(parseIp(text), undefined);
	});
}

for (const text of [
	'fe80::1%eth0',
	'1::2::3',
	':::',
	'::1.2.3',
	'1.2.3.4::',
	'[::1]',
	'::ffff:1.2.3.04',
]) {
	test(`is no IPv6 address: ${text}`, (t) => {
		t.is(parseIp(text), undefined);
	});
}

test('text is printed as RFC 5952 wants it', (t) => {
	for (const [hex, text] of [
		['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
		['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
		['20010db8000100000000000000000000', '2001:db8:1::'],
		['00000000000000000000000000000000', '::'],
		['00000000000000000000000000000001', '::1'],
		['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
	] as const) {
		t.is(formatIp(fromHex(hex)), text);
	}
});

test('only ::ffff:0:0/96 is unmapped', (t) => {
	t.deepEqual(unmap(parseIpv6('::ffff:1.2.3.4')!), Uint8Array.of(1, 2, 3, 4));
	for (const text of ['::1.2.3.4', '64:ff9b::1.2.3.4', '::ffff:0:1.2.3.4', '1::ffff:1.2.3.4']) {
		t.is(unmap(parseIpv6(text)!).length, 16, text);
	}
});

/** Spellings of an address, and the one by which they are compared; undefined: no IP literal. */
const SPELLINGS: readonly (readonly [string, string | undefined])[] = [
	['127.0.0.1', '127.0.0.1'],
	['::FFFF:7f00:1', '127.0.0.1'],
	['::ffff:192.0.2.1', '192.0.2.1'],
	['::ffff:192.0.2.1%eth0', '192.0.2.1'],
	['0:0:0:0:0:0:0:1', '::1'],
	['2001:DB8:0::0001', '2001:db8::1'],
	['FE80:0::1%eth0', 'fe80::1%eth0'],
	['fe80::1%Wi-Fi_2', 'fe80::1%Wi-Fi_2'],
	['fe80::1%', undefined],
	['fe80::1%a%b', undefined],
	['fe80::1%a b', undefined],
	['127.0.0.1%lo', undefined],
	['[::1]', undefined],
	['127.1', undefined],
	['example.org', undefined],
	['', undefined],
];

for (const [text, expected] of SPELLINGS) {
	test(`the canonical spelling of "${text}" is ${expected}`, (t) => {
		t.is(canonicalAddress(text), expected);
		if (expected !== undefined) t.is(canonicalAddress(expected), expected);
	});
}

test('the canonical spelling of an address is the one of the system, IPv4 unwrapped', (t) => {
	fc.assert(
		fc.property(ipv6Bytes, (bytes) => {
			const {address} = new SocketAddress({address: formatIp(bytes), family: 'ipv6'});
			const mapped = /^::ffff:(?<ipv4>[\d.]+)$/.exec(address)?.groups?.['ipv4'];
			t.is(canonicalAddress(address.toUpperCase()), mapped ?? address);
		}),
		{seed: 5, numRuns: 1000},
	);
});

test('loopback is 127.0.0.0/8 and ::1 in any spelling', (t) => {
	for (const text of ['127.0.0.1', '127.8.9.1', '::1', '0:0::1', '::ffff:127.0.0.1']) {
		t.true(isLoopback(text), text);
	}
	for (const text of ['128.0.0.1', '10.127.0.1', '::', '::2', '::127.0.0.1', '127.example', '']) {
		t.false(isLoopback(text), text);
	}
});

test('link-local is 169.254.0.0/16 and fe80::/10, with or without a zone', (t) => {
	for (const text of ['fe80::1', 'FEBF::1%eth0', '169.254.1.1']) t.true(isLinkLocal(text), text);
	for (const text of ['fec0::1', '10.0.0.1', '169.25.4.1', '::1']) t.false(isLinkLocal(text), text);
});

test('a zone is taken off, and nothing else', (t) => {
	t.is(withoutZone('fe80::1%eth0'), 'fe80::1');
	t.is(withoutZone('192.0.2.1'), '192.0.2.1');
	t.is(withoutZone(''), '');
});

test('an address with its port is printed with brackets for IPv6', (t) => {
	t.is(formatAddress('192.0.2.1', 53), '192.0.2.1:53');
	t.is(formatAddress('2001:db8::1', 53), '[2001:db8::1]:53');
	t.deepEqual(['::', '0.0.0.0', 'localhost'].map(familyOf), [6, 4, 4]);
});

test('addresses are the same only with the same bytes', (t) => {
	t.true(sameAddress(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
	t.false(sameAddress(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
	t.false(sameAddress(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)));
});
