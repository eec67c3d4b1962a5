import test from 'ava';
import fc from 'fast-check';
import {ipTarget, type SocksTarget} from '../../src/socks/target.ts';
import {
	decodeUdpHeader,
	emptyUdpHeader,
	encodeIpUdpHeader,
	encodeUdpHeader,
	MAX_UDP_HEADER,
	targetOf,
} from '../../src/socks/udp-header.ts';
import {unmap} from '../../src/text/ip.ts';
import {fromHex, toHex} from '../crypto/fixtures.ts';

function decode(bytes: Uint8Array, start = 0, end: number = bytes.length) {
	const header = emptyUdpHeader();
	if (!decodeUdpHeader(bytes, start, end, header)) return undefined;
	return {header, target: targetOf(bytes, header)};
}

const port = fc.nat(0xffff);
const name = fc
	.string({unit: fc.constantFrom(...'abcXYZ019-_.'), minLength: 1, maxLength: 252})
	.map((text) => `x${text}`);
const target: fc.Arbitrary<SocksTarget> = fc.oneof(
	fc
		.record({address: fc.uint8Array({minLength: 4, maxLength: 4}), port})
		.map((ip) => ipTarget(ip.address, ip.port)),
	fc
		.record({address: fc.uint8Array({minLength: 16, maxLength: 16}), port})
		.map((ip) => ipTarget(ip.address, ip.port)),
	fc.record({kind: fc.constant('domain' as const), name, port}),
);

for (const [hex, kind, text] of [
	['00000001010203040035', 'ipv4', '01020304'],
	['0000000420010db80000000000000000000000010035', 'ipv6', '20010db8000000000000000000000001'],
	['0000000400000000000000000000ffff010203040035', 'ipv4', '01020304'],
	['0000000301610035', 'domain', '61'],
] as const) {
	test(`the header ${hex} is read without copying`, (t) => {
		const bytes = fromHex(`ff${hex}aabb`);
		const read = decode(bytes, 1)!.header;
		t.is(read.kind, kind);
		t.is(toHex(bytes.slice(read.addressStart, read.addressEnd)), text);
		t.is(read.port, 53);
		t.is(read.fragment, 0);
		t.is(toHex(bytes.slice(read.payloadStart)), 'aabb');
	});
}

test('every target is read again, wherever the payload begins', (t) => {
	fc.assert(
		fc.property(target, fc.nat(40), fc.uint8Array({maxLength: 20}), (written, room, payload) => {
			const at = MAX_UDP_HEADER + room;
			const bytes = new Uint8Array(at + payload.length).fill(0xee);
			bytes.set(payload, at);
			const length = encodeUdpHeader(written, bytes, at);
			t.true(bytes.subarray(0, at - length).every((byte) => byte === 0xee));
			t.deepEqual(bytes.subarray(at), payload);
			const read = decode(bytes, at - length)!;
			t.is(read.header.payloadStart, at);
			t.deepEqual(read.target, written);
		}),
		{seed: 1, numRuns: 200},
	);
});

test('an IPv4 address inside IPv6 is written as ATYP 1', (t) => {
	const bytes = new Uint8Array(22);
	const mapped = fromHex('00000000000000000000ffff01020304');
	t.is(encodeIpUdpHeader(mapped, 53, bytes, 22), 10);
	t.is(toHex(bytes.subarray(12)), '00000001010203040035');
	t.is(unmap(mapped).length, 4);
});

test('arbitrary bytes never throw and are never read past their end', (t) => {
	const likely = fc
		.tuple(fc.constantFrom(1, 3, 4), fc.uint8Array({maxLength: 40}))
		.map(([type, rest]) => Uint8Array.of(0, 0, 0, type, ...rest));
	fc.assert(
		fc.property(
			fc.oneof(likely, fc.uint8Array({maxLength: 300})),
			fc.nat(300),
			(bytes, shorter) => {
				const end = Math.min(shorter, bytes.length);
				const read = decode(bytes, 0, end);
				t.deepEqual(decode(bytes.slice(0, end)), read);
				t.true(read === undefined || read.header.payloadStart <= end);
			},
		),
		{seed: 2, numRuns: 1000},
	);
});

for (const hex of [
	'',
	'000000',
	'0000000101020304',
	'000000010102030400',
	'00000003',
	'0000000300',
	'00000003ff610035',
	'0000000400',
	'00000002010203040035',
	'00000000010203040035',
	'000000ff010203040035',
]) {
	test(`refuses the header ${hex === '' ? 'of no bytes' : hex}`, (t) => {
		t.is(decode(fromHex(hex)), undefined);
	});
}

test('a name of no bytes, with a NUL or of 254 bytes is no target', (t) => {
	t.is(decode(fromHex('00000003000035'))?.target, undefined);
	t.is(decode(fromHex('000000030361006200350000'))?.target, undefined);
	const long = Uint8Array.of(0, 0, 0, 3, 254, ...new Uint8Array(254).fill(0x61), 0, 53);
	t.is(decode(long)?.target, undefined);
	t.is(decode(long)?.header.kind, 'domain');
});

test('too little head room and a name beyond 255 bytes are the fault of the caller', (t) => {
	t.throws(() => encodeIpUdpHeader(new Uint8Array(4), 1, new Uint8Array(9), 9), {
		instanceOf: RangeError,
	});
	const long = {kind: 'domain', name: 'a'.repeat(256), port: 1} as const;
	t.throws(() => encodeUdpHeader(long, new Uint8Array(600), 600), {instanceOf: RangeError});
});
