import {isIPv4, isIPv6, SocketAddress} from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
	canonicalText,
	formatIp,
	formatTarget,
	ipTarget,
	namedTarget,
	parseIp,
	parseIpv4,
	parseIpv6,
	sameAddress,
	unmap,
} from '../../src/socks/address.ts';
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

test('text is an IPv4 address exactly when the system says so', (t) => {
	fc.assert(
		fc.property(fc.oneof(nearlyIpv4, fc.ipV4(), fc.string()), (text) => {
			t.is(parseIpv4(text) !== undefined, isIPv4(text), text);
		}),
		{seed: 1, numRuns: 500},
	);
});

test('text is an IPv6 address exactly when the system says so, zones apart', (t) => {
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

test('two spellings of an address have one canonical text', (t) => {
	t.is(canonicalText('::FFFF:7f00:1'), '127.0.0.1');
	t.is(canonicalText('0:0:0:0:0:0:0:1'), '::1');
	t.is(canonicalText('fe80::1%eth0'), 'fe80::1%eth0');
	t.is(canonicalText(''), '');
});

test('addresses are the same only with the same bytes', (t) => {
	t.true(sameAddress(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
	t.false(sameAddress(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
	t.false(sameAddress(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)));
});

test('a literal in the place of a name is an address', (t) => {
	t.deepEqual(namedTarget('1.2.3.4', 5), ipTarget(Uint8Array.of(1, 2, 3, 4), 5));
	t.deepEqual(namedTarget('::1', 5), ipTarget(parseIpv6('::1')!, 5));
	t.deepEqual(namedTarget('::ffff:1.2.3.4', 5), ipTarget(Uint8Array.of(1, 2, 3, 4), 5));
});

test('names have the characters of names and at most 253 of them', (t) => {
	for (const name of ['a', 'A-b_c.example.', '1.2.3', '0x7f.1', 'a'.repeat(253)]) {
		t.deepEqual(namedTarget(name, 1), {kind: 'domain', name, port: 1});
	}
	for (const name of [
		'',
		'a\0b',
		'a b',
		'a/b',
		'é',
		'a:b',
		'[::1]',
		'fe80::1%1',
		'a\n',
		'a'.repeat(254),
	]) {
		t.is(namedTarget(name, 1), undefined, name);
	}
});

test('targets are printed for people', (t) => {
	t.is(formatTarget(ipTarget(Uint8Array.of(1, 2, 3, 4), 5)), '1.2.3.4:5');
	t.is(formatTarget(ipTarget(parseIpv6('::1')!, 5)), '[::1]:5');
	t.is(formatTarget({kind: 'domain', name: 'a.example', port: 5}), 'a.example:5');
});
