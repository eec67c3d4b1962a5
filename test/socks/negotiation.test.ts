import test from 'ava';
import fc from 'fast-check';
import {NEVER} from '../../src/bytes/time.ts';
import {Negotiation} from '../../src/socks/negotiation.ts';
import {ipTarget} from '../../src/socks/target.ts';
import {fromHex, toHex} from '../crypto/fixtures.ts';
import {bytewise, cut, join, login, named, negotiate, OPEN, withUsers} from './handshake.ts';

const ASSOCIATE = '05030001000000000000';
const USERS = withUsers({alice: 'secret', bob: ''});

test('without users no login is asked for, whatever else is offered', (t) => {
	for (const greeting of ['050100', '05020002', '0503010200']) {
		const {outputs, command, target, user} = negotiate(OPEN, join(greeting), join(ASSOCIATE));
		t.deepEqual(outputs, ['0500', 'request']);
		t.is(command, 'associate');
		t.deepEqual(target, ipTarget(new Uint8Array(4), 0));
		t.is(user, undefined);
	}
});

test('with users a login is asked for, even if none would be offered too', (t) => {
	for (const greeting of ['050102', '05020002']) {
		const alice = login('alice', 'secret');
		const outcome = negotiate(USERS, join(greeting), alice, join(ASSOCIATE));
		t.deepEqual(outcome.outputs, ['0502', '0100', 'request']);
		t.is(outcome.user, 'alice');
	}
});

test('without a method that fits the answer is FF', (t) => {
	t.deepEqual(negotiate(OPEN, join('050102')).outputs, ['05ff', 'close:no-method']);
	t.deepEqual(negotiate(USERS, join('050100')).outputs, ['05ff', 'close:no-method']);
	t.deepEqual(negotiate(OPEN, join('0500')).outputs, ['05ff', 'close:no-method']);
	t.deepEqual(negotiate(OPEN, join('05020380')).outputs, ['05ff', 'close:no-method']);
});

test('a login by one of several users is taken, an empty password too', (t) => {
	t.is(negotiate(USERS, join('050102', login('bob', ''), ASSOCIATE)).user, 'bob');
});

for (const [what, bytes] of [
	['a wrong password', login('alice', 'Secret')],
	['the password of another user', login('bob', 'secret')],
	['a longer password', login('alice', 'secret\0')],
	['an unknown user', login('carol', 'secret')],
	['an empty user', login('', '')],
	['the name of a property of every object', login('constructor', '')],
	['another version', Uint8Array.of(5, ...login('alice', 'secret').subarray(1))],
] as const) {
	test(`${what} is answered 01 01, then the connection is closed`, (t) => {
		const {outputs} = negotiate(USERS, join('050102', bytes, ASSOCIATE));
		t.deepEqual(outputs, ['0502', '0101', 'close:bad-login']);
	});
}

test('the version of the answer to a login can be 5', (t) => {
	const options = withUsers({alice: 'secret'}, 5);
	t.is(negotiate(options, join('050102', login('alice', 'secret'))).outputs[1], '0500');
	t.is(negotiate(options, join('050102', login('alice', ''))).outputs[1], '0501');
});

test('user and password may have 255 bytes each, of any value', (t) => {
	const all = Uint8Array.from({length: 255}, (_, i) => i + 1);
	const seen: (string | undefined)[] = [];
	const verify = (user: Uint8Array, password: Uint8Array) => {
		seen.push(toHex(user), toHex(password));
		return true;
	};
	const bytes = join('05010201ff', all, 'ff', all.toReversed(), ASSOCIATE);
	for (const chunks of [[bytes], bytewise(bytes)]) {
		const {outputs} = negotiate({verify, authReplyVersion: 1}, ...chunks);
		t.deepEqual(outputs, ['0502', '0100', 'request']);
		t.deepEqual(seen.splice(0), [toHex(all), toHex(all.toReversed())]);
	}
});

test('interleaved logins on two connections do not mix', (t) => {
	const pair = [new Negotiation(USERS, 0), new Negotiation(USERS, 0)] as const;
	const streams = [
		join('050102', login('alice', 'secret'), ASSOCIATE),
		join('050102', login('bob', 'wrong'), ASSOCIATE),
	] as const;
	for (let i = 0; i < 40; i++) {
		for (const side of [0, 1] as const) pair[side].feed(streams[side].slice(i, i + 1), 0);
	}
	const drain = (negotiation: Negotiation) => {
		const kinds: (string | undefined)[] = [];
		for (let out = negotiation.poll(); out !== undefined; out = negotiation.poll()) {
			kinds.push(out.kind === 'reply' ? toHex(out.bytes) : out.kind);
		}
		return kinds;
	};
	t.deepEqual(drain(pair[0]), ['0502', '0100', 'request']);
	t.deepEqual(drain(pair[1]), ['0502', '0101', 'close']);
});

test('another version in the request is a general failure', (t) => {
	const {outputs} = negotiate(OPEN, join('050100', '04010001'));
	t.deepEqual(outputs, ['0500', '05010001000000000000', 'close:bad-request']);
});

test('the reserved byte of the request may have any value', (t) => {
	t.is(negotiate(OPEN, join('050100', '0503ff01000000000000')).command, 'associate');
});

test('a request for an IPv6 address has its 16 bytes', (t) => {
	const address = '20010db8000000000000000000000001';
	const {target} = negotiate(OPEN, join('050100', '05010004', address, '01bb'));
	t.deepEqual(target, ipTarget(fromHex(address), 443));
});

test('a request for an IPv4 address inside IPv6 is one for IPv4', (t) => {
	const {target} = negotiate(
		OPEN,
		join('050100', '05010004', '00000000000000000000ffff01020304', '01bb'),
	);
	t.deepEqual(target, ipTarget(Uint8Array.of(1, 2, 3, 4), 443));
});

test('ports have 16 bits', (t) => {
	t.is(negotiate(OPEN, join('050100', named(1, 'a', 0xfffe))).target?.port, 0xfffe);
	t.is(negotiate(OPEN, join('050100', named(1, 'a', 0))).target?.port, 0);
});

for (const [what, name] of [
	['an empty name', ''],
	['a name of 254 bytes', 'a'.repeat(254)],
	['a name of 255 bytes', 'a'.repeat(255)],
	['a name with a NUL', 'a\0.example'],
	['a name with a space', 'a b'],
	['a name in UTF-8', 'é.example'],
	['a literal with a zone', 'fe80::1%eth0'],
	['bytes that are no UTF-8', Uint8Array.of(0x61, 0xff, 0xc0)],
] as const) {
	test(`CONNECT to ${what} is answered 04, UDP ASSOCIATE with it is taken`, (t) => {
		for (const chunking of [(bytes: Uint8Array) => [bytes], bytewise]) {
			const refused = negotiate(OPEN, ...chunking(join('050100', named(1, name))));
			t.deepEqual(refused.outputs, ['0500', '05040001000000000000', 'close:bad-name']);
			const taken = negotiate(OPEN, ...chunking(join('050100', named(3, name), 'aa')));
			t.deepEqual(taken.outputs, ['0500', 'request']);
			t.is(taken.command, 'associate');
			t.is(taken.target, undefined);
			t.is(taken.rest, 'aa');
		}
	});
}

test('a name of 253 bytes is taken', (t) => {
	const name = 'a.'.repeat(126).concat('b');
	t.deepEqual(negotiate(OPEN, join('050100', named(1, name))).target, {
		kind: 'domain',
		name,
		port: 443,
	});
});

test('the deadline is 10 s after the connection, whatever has come', (t) => {
	const slow = new Negotiation(OPEN, 500);
	t.is(slow.nextTimeout(), 10_500);
	slow.feed(join('050100'), 10_000);
	slow.handleTimeout(10_499);
	t.deepEqual(slow.poll(), {kind: 'reply', bytes: Uint8Array.of(5, 0)});
	t.is(slow.poll(), undefined);
	t.is(slow.nextTimeout(), 10_500);
	slow.handleTimeout(10_500);
	slow.handleTimeout(10_501);
	t.deepEqual(slow.poll(), {kind: 'close', reason: 'timeout'});
	t.is(slow.poll(), undefined);
	t.is(slow.nextTimeout(), NEVER);
});

test('bytes that come after the deadline are not looked at', (t) => {
	const late = new Negotiation(OPEN, 0);
	late.feed(join('050100', ASSOCIATE), 10_000);
	t.deepEqual(late.poll(), {kind: 'close', reason: 'timeout'});
	t.is(late.poll(), undefined);
});

test('after the request there is no deadline, and bytes change nothing', (t) => {
	const negotiation = new Negotiation(OPEN, 0);
	negotiation.feed(join('050100', ASSOCIATE), 1);
	t.true(negotiation.done);
	t.is(negotiation.nextTimeout(), NEVER);
	negotiation.feed(join('050100', ASSOCIATE), 2);
	negotiation.handleTimeout(20_000);
	t.is(negotiation.poll()?.kind, 'reply');
	t.is(negotiation.poll()?.kind, 'request');
	t.is(negotiation.poll(), undefined);
});

test('after a wrong version nothing is read any more', (t) => {
	const negotiation = new Negotiation(OPEN, 0);
	negotiation.feed(join('04'), 0);
	negotiation.feed(join('050100', ASSOCIATE), 0);
	t.deepEqual(negotiation.poll(), {kind: 'close', reason: 'socks4'});
	t.is(negotiation.poll(), undefined);
});

test('an empty chunk changes nothing', (t) => {
	const none = new Uint8Array(0);
	const {outputs} = negotiate(OPEN, none, join('0501'), none, join('00'), none, join(ASSOCIATE));
	t.deepEqual(outputs, ['0500', 'request']);
});

test('64 KiB behind the request are kept as they are', (t) => {
	const data = Uint8Array.from({length: 65_536}, (_, i) => i * 7);
	const {outputs, rest} = negotiate(OPEN, join('050100', named(1, 'a.example'), data));
	t.deepEqual(outputs, ['0500', 'request']);
	t.is(rest, `${toHex(data)}`);
});

const greeting = fc
	.uint8Array({maxLength: 4, max: 3})
	.map((methods) => [5, methods.length, ...methods]);
const address = fc.oneof(
	fc.uint8Array({minLength: 4, maxLength: 4}).map((bytes) => [1, ...bytes]),
	fc.uint8Array({minLength: 16, maxLength: 16}).map((bytes) => [4, ...bytes]),
	fc.uint8Array({maxLength: 255, min: 0x2d, max: 0x7e}).map((bytes) => [3, bytes.length, ...bytes]),
	fc.uint8Array({maxLength: 6}),
);
const credentials = fc.constantFrom(
	login('alice', 'secret'),
	login('bob', ''),
	login('alice', ''),
	fromHex('0500'),
	fromHex(''),
);
const stream = fc
	.tuple(greeting, credentials, fc.nat(5), address, fc.uint8Array({maxLength: 30}))
	.map(([hello, user, command, host, rest]) =>
		Uint8Array.of(...hello, ...user, 5, command, 0, ...host, ...rest),
	);
const anything = fc.oneof(
	{weight: 4, arbitrary: stream},
	{weight: 1, arbitrary: fc.uint8Array({maxLength: 600})},
	{weight: 1, arbitrary: fc.uint8Array({maxLength: 40}).map((bytes) => join('050100', bytes))},
);

test('any chunking of any bytes gives the same outputs, and none throws', (t) => {
	const reached = new Set<string>();
	fc.assert(
		fc.property(
			anything,
			fc.boolean(),
			fc.array(fc.nat(), {maxLength: 8}),
			(bytes, open, places) => {
				const options = open ? OPEN : USERS;
				const whole = negotiate(options, bytes);
				t.deepEqual(negotiate(options, ...bytewise(bytes)), whole);
				t.deepEqual(negotiate(options, ...cut(bytes, places)), whole);
				reached.add(whole.outputs.at(-1) ?? 'waits');
			},
		),
		{seed: 1, numRuns: 600},
	);
	for (const end of ['waits', 'request', 'close:bad-login', 'close:unknown-address-type']) {
		t.true(reached.has(end), end);
	}
});
