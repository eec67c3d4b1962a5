import test from 'ava';
import {Cursor} from '../../src/bytes/cursor.ts';
import {decodeTarget, encodeForwardTarget, TargetKind} from '../../src/wire/address.ts';

function decode(...bytes: number[]) {
	const cursor = new Cursor();
	cursor.reset(Uint8Array.from(bytes), 0, bytes.length);
	return decodeTarget(cursor);
}

const name = (text: string) => [3, text.length, ...Buffer.from(text), 0, 80];

test('an IPv4 target is an address of four bytes and a port', (t) => {
	t.like(decode(1, 9, 8, 7, 6, 0x12, 0x34, 99), {
		kind: TargetKind.IPV4,
		host: Uint8Array.of(9, 8, 7, 6),
		port: 0x1234,
		encoded: Uint8Array.of(1, 9, 8, 7, 6, 0x12, 0x34),
	});
});

test('an IPv6 target is an address of sixteen bytes and a port', (t) => {
	const address = Uint8Array.from({length: 16}, (_, i) => i);
	t.like(decode(4, ...address, 0, 53), {kind: TargetKind.IPV6, host: address, port: 53});
});

test('a domain target is a name and a port', (t) => {
	t.like(decode(...name('a_b.Example-1.org')), {
		kind: TargetKind.DOMAIN,
		host: Uint8Array.from(Buffer.from('a_b.Example-1.org')),
		port: 80,
	});
});

for (const [why, bytes] of [
	['is empty', name('')],
	['has 254 bytes', name('a'.repeat(254))],
	['has a NUL', name('a\0b')],
	['has a space', name('a b')],
	['has a colon', name('::1')],
	['has a zone', name('fe80%1')],
	['is cut', name('example.org').slice(0, -3)],
] as const) {
	test(`a name that ${why} is malformed`, (t) => t.is(decode(...bytes), undefined));
}

for (const kind of [5, 6, 255]) {
	test(`kind ${kind} is unknown`, (t) => t.is(decode(kind, 1, 2, 3, 4, 5, 6, 7, 8), undefined));
}

test('a forward has the names of a fixed target and one target behind them', (t) => {
	const to = Uint8Array.of(...name('a.b'));
	const bytes = encodeForwardTarget('udp 5353', '::1 7', to);
	t.deepEqual([...bytes], [2, 8, ...Buffer.from('udp 5353'), 5, ...Buffer.from('::1 7'), ...to]);
	t.like(decode(...bytes), {
		kind: TargetKind.FORWARD,
		listener: 'udp 5353',
		application: '::1 7',
		to: {kind: TargetKind.DOMAIN, port: 80, encoded: to},
	});
	for (let length = 1; length < bytes.length; length++) {
		t.is(decode(...bytes.subarray(0, length)), undefined);
	}
});

for (const [what, to] of [
	['the fixed target', [0, 0, 0]],
	['another forward', [2, 0, 0, 1, 1, 2, 3, 4, 0, 53]],
	['an unknown kind', [5, 1, 2, 3, 4, 0, 53]],
] as const) {
	test(`a forward to ${what} is malformed`, (t) => t.is(decode(2, 0, 0, ...to), undefined));
}
