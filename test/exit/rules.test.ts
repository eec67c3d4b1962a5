import test from 'ava';
import fc from 'fast-check';
import {parseNat64Prefix, parseRule, RuleSet} from '../../src/exit/rules.ts';
import {hostName} from '../../src/text/host-name.ts';
import {formatIp} from '../../src/text/ip.ts';
import {contains} from '../../src/text/prefix.ts';
import {ValueError} from '../../src/text/value-error.ts';
import {fromNumber, ip, toNumber} from './addresses.ts';

/** A rule in one line, to compare it by. */
function show(text: string): string {
	const {target, firstPort, lastPort} = parseRule(text);
	const ports = firstPort === 1 && lastPort === 65_535 ? 'all' : `${firstPort}-${lastPort}`;
	if (target.kind === 'any') return `any ${ports}`;
	if (target.kind === 'name') return `name ${target.name} ${ports}`;
	return `${formatIp(target.prefix.bytes)}/${target.prefix.length} ${ports}`;
}

const GOOD: readonly (readonly [string, string])[] = [
	['*', 'any all'],
	['*:443', 'any 443-443'],
	['*:1-65535', 'any all'],
	['10.0.0.0/8', '10.0.0.0/8 all'],
	['0.0.0.0/0', '0.0.0.0/0 all'],
	['10.0.0.1', '10.0.0.1/32 all'],
	['10.0.0.1/32', '10.0.0.1/32 all'],
	['10.0.0.0/8:443', '10.0.0.0/8 443-443'],
	['10.0.0.1:1000-2000', '10.0.0.1/32 1000-2000'],
	['::/0', '::/0 all'],
	['::1', '::1/128 all'],
	['fd00::/8', 'fd00::/8 all'],
	['FD00::/8', 'fd00::/8 all'],
	['[::1]', '::1/128 all'],
	['[::1]:53', '::1/128 53-53'],
	['[fd00::/8]:443', 'fd00::/8 443-443'],
	['[fd00::]/8:443-444', 'fd00::/8 443-444'],
	['[fd00::]/8', 'fd00::/8 all'],
	['::ffff:10.0.0.0/104', '10.0.0.0/8 all'],
	['::ffff:10.1.2.3', '10.1.2.3/32 all'],
	['64:ff9b::10.1.2.3', '64:ff9b::a01:203/128 all'],
	['host.example', 'name host.example all'],
	['Host.Example.', 'name host.example all'],
	['host.example:25', 'name host.example 25-25'],
	['intranet', 'name intranet all'],
	['_dns.example', 'name _dns.example all'],
	['3com.example', 'name 3com.example all'],
	['1.2.3.4.example', 'name 1.2.3.4.example all'],
];

for (const [text, expected] of GOOD) {
	test(`reads the rule ${text}`, (t) => {
		t.is(show(text), expected);
	});
}

const BAD: readonly (readonly [string, RegExp])[] = [
	['', /target/],
	[' ', /target/],
	[' 10.0.0.1', /target|IPv4/],
	['**', /target/],
	['*/8', /IPv4/],
	// Octal, decimal, short and hexadecimal spellings, which other readers take.
	['0177.0.0.1', /four decimal numbers/],
	['010.0.0.0/8', /four decimal numbers/],
	['10.0.0.01', /four decimal numbers/],
	['2130706433', /four decimal numbers/],
	['127.1', /four decimal numbers/],
	['127', /four decimal numbers/],
	['10/8', /four decimal numbers/],
	['0x7f.0.0.1', /four decimal numbers/],
	['0x7f000001', /four decimal numbers/],
	['127.0.0.0x1', /four decimal numbers/],
	['127.0.0.1.', /four decimal numbers/],
	['256.0.0.1', /four decimal numbers/],
	['1.2.3.4.5', /four decimal numbers/],
	['\uff11\uff12\uff17.0.0.1', /four decimal/],
	['127.0.0.\uff11', /target/],
	['127\u30020.0.1', /four decimal/],
	['127\u30020\u30020\u30021', /target/],
	['bücher.example', /target/],
	['\u212aelvin.example', /target/],
	['fe80::1%eth0', /zone id/],
	['[fe80::1%eth0]:443', /zone id/],
	['fe80::%1/10', /zone id/],
	['10.0.0.1%lo', /zone id/],
	['10.0.0.1/8', /zeros after/],
	['fd00::1/8', /zeros after/],
	['10.0.0.0/33', /0 to 32/],
	['10.0.0.0/', /0 to 32/],
	['10.0.0.0/08', /0 to 32/],
	['10.0.0.0/255.0.0.0', /0 to 32/],
	['10.0.0.0/-1', /0 to 32/],
	['10.0.0.0/8/8', /0 to 32/],
	['fd00::/129', /0 to 128/],
	['fd00::/8:443', /brackets/],
	['[10.0.0.1]:443', /IPv6 in the brackets/],
	['[host]:443', /IPv6 in the brackets/],
	['[::1', /IPv6/],
	['::1]', /IPv6/],
	['[::1]443', /IPv6/],
	['[[::1]]', /IPv6/],
	[':::1', /IPv6/],
	['1::2::3', /IPv6/],
	['12345::', /IPv6/],
	['::1.2.3', /IPv6/],
	['::01.2.3.4', /IPv6/],
	['host:', /ports/],
	['host:0', /ports/],
	['host:00443', /ports/],
	['host:65536', /ports/],
	['host:443-', /ports/],
	['host:-443', /ports/],
	['host:2-1', /order/],
	['host:1-2-3', /ports/],
	['host:+1', /ports/],
	['host:\uff14\uff14\uff13', /ports/],
	['host:http', /ports/],
	['host/8', /IPv4/],
	['host..example', /target/],
	['.example', /target/],
	['*.example', /target/],
	['host name', /target/],
	['ho\0st', /target/],
	[`${'a'.repeat(64)}.example`, /target/],
	[`${'a.'.repeat(127)}example`, /target/],
	['1'.repeat(400), /too long/],
];

for (const [text, expected] of BAD) {
	test(`refuses the rule ${JSON.stringify(text.slice(0, 40))}`, (t) => {
		const error = t.throws(() => parseRule(text), {instanceOf: ValueError});
		t.regex(error?.message ?? '', expected);
	});
}

test('throws nothing but its error value, whatever the text', (t) => {
	const piece = fc.constantFrom(
		...'0123456789abcdefx.:/[]%*-_ '.split(''),
		'::',
		'10.0.0.0',
		'ffff',
	);
	const text = fc.oneof(
		fc.string(),
		fc.string({unit: 'binary'}),
		fc.array(piece, {maxLength: 14}).map((pieces) => pieces.join('')),
	);
	fc.assert(
		fc.property(text, (item) => {
			for (const read of [parseRule, parseNat64Prefix]) {
				try {
					read(item);
				} catch (error) {
					t.true(error instanceof ValueError, item);
				}
			}
			t.notThrows(() => hostName(item));
		}),
		{numRuns: 2000},
	);
});

test('reads back every prefix with every port range', (t) => {
	const prefix = fc.constantFrom(4, 16).chain((length) =>
		fc.record({
			bytes: fc.uint8Array({minLength: length, maxLength: length}),
			length: fc.integer({min: 0, max: length * 8}),
		}),
	);
	const port = fc.integer({min: 1, max: 65_535});
	fc.assert(
		fc.property(prefix, port, port, ({bytes, length}, a, b) => {
			const bits = BigInt(bytes.length * 8 - length);
			const first = fromNumber((toNumber(bytes) >> bits) << bits, bytes.length);
			const text = bytes.length === 4 ? formatIp(first) : `[${formatIp(first)}]`;
			const [from, to] = [Math.min(a, b), Math.max(a, b)];
			const rule = parseRule(`${text}/${length}:${from}-${to}`);
			t.deepEqual([rule.firstPort, rule.lastPort], [from, to]);
			if (rule.target.kind !== 'prefix') return t.fail();
			const outside = length === 0 ? undefined : bytes.map((byte, i) => byte ^ (i === 0 ? 128 : 0));
			const isMapped = rule.target.prefix.bytes.length !== bytes.length;
			if (isMapped) return;
			t.true(contains(rule.target.prefix, bytes));
			if (outside !== undefined) t.false(contains(rule.target.prefix, outside));
		}),
	);
});

test('compares prefixes bit by bit as arithmetic does', (t) => {
	const four = fc.uint8Array({minLength: 4, maxLength: 4});
	fc.assert(
		fc.property(four, four, fc.integer({min: 0, max: 32}), (a, b, length) => {
			const bits = BigInt(32 - length);
			t.is(contains({bytes: a, length}, b), toNumber(a) >> bits === toNumber(b) >> bits);
		}),
	);
	t.false(contains({bytes: ip('0.0.0.0'), length: 0}, ip('::')));
	t.false(contains({bytes: ip('::'), length: 0}, ip('0.0.0.0')));
});

test('reads NAT64 prefixes of the lengths that exist', (t) => {
	for (const text of ['2001:db8::/32', '64:ff9b:1::/48', 'fd00:64::/96', 'fd00::/64']) {
		t.notThrows(() => parseNat64Prefix(text), text);
	}
	for (const text of ['10.0.0.0/8', '64:ff9b::/80', 'fd00::', '::ffff:0:0/96', 'host', '*', '']) {
		t.throws(() => parseNat64Prefix(text), {instanceOf: ValueError}, text);
	}
	// Byte 8 has to be zero.
	t.throws(() => parseNat64Prefix('64:ff9b:1:fffe:ffff::/96'), {instanceOf: ValueError});
});

test('a set names its hosts once and matches the addresses that they have at the moment', (t) => {
	const set = new RuleSet(['a.example', 'A.example.:53', '10.0.0.0/8', 'b.example'].map(parseRule));
	t.deepEqual(set.names(), ['a.example', 'b.example']);
	t.is(set.find([ip('192.0.2.1')], 1), undefined);
	set.setAddresses('a.example', [ip('::ffff:192.0.2.1'), ip('2001:db8::1')]);
	t.is(set.find([ip('192.0.2.1')], 1)?.text, 'a.example');
	t.is(set.find([ip('2001:db8::1')], 1)?.text, 'a.example');
	t.is(set.find([ip('9.9.9.9'), ip('10.0.0.1')], 1)?.text, '10.0.0.0/8');
	set.setAddresses('a.example', []);
	t.is(set.find([ip('192.0.2.1')], 53), undefined);
});

test('a set finds a rule by its ports, and leaves rules about everything aside when asked', (t) => {
	const set = new RuleSet(['*:1-99', '10.0.0.0/8:50-60'].map(parseRule));
	t.is(set.find([ip('10.0.0.1')], 50)?.text, '*:1-99');
	t.is(set.find([ip('10.0.0.1')], 50, true)?.text, '10.0.0.0/8:50-60');
	t.is(set.find([ip('10.0.0.1')], 49, true), undefined);
	t.is(set.find([ip('10.0.0.1')], 61, true), undefined);
	t.is(set.find([ip('10.0.0.1')], 100), undefined);
});
