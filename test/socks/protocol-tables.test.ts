/*
 * One test for every corner that real clients or servers broke on, as far as it is a matter of the
 * protocol's state. What needs sockets or the far end is tested with those.
 */
import test from 'ava';
import {replyCodeOf} from '../../src/net/socks/answers.ts';
import {refusalOfError} from '../../src/net/tcp/race.ts';
import {encodeConnected, encodeReply, ReplyCode} from '../../src/socks/reply.ts';
import {ipTarget, type SocksTarget} from '../../src/socks/target.ts';
import {parseIp} from '../../src/text/ip.ts';
import {RefusalCode} from '../../src/wire/constants.ts';
import {toHex} from '../crypto/fixtures.ts';
import {bytewise, join, login, named, negotiate, OPEN, withUsers} from './handshake.ts';
import {fragment, PEER, Relay, TO_IPV4, TO_IPV6} from './relay.ts';

/** The DST of a UDP ASSOCIATE, as the handshake reads it. */
function hintOf(request: string | Uint8Array): SocksTarget | undefined {
	return negotiate(OPEN, join('050100', request)).target;
}

const ASSOCIATE = '05030001000000000000';

test('UDP ASSOCIATE, DST 0.0.0.0:0: any port of the TCP peer may send', (t) => {
	const relay = new Relay({hint: hintOf(ASSOCIATE)});
	t.deepEqual(relay.takes(5000, 5001), [true, true]);
});

test('UDP ASSOCIATE, DST is the target: it is taken, and changes nothing', (t) => {
	for (const request of ['05030001010203040035', named(3, 'dns.example', 53)]) {
		const {outputs} = negotiate(OPEN, join('050100', request));
		t.deepEqual(outputs, ['0500', 'request']);
		t.is(new Relay({hint: hintOf(request)}).send(`${TO_IPV4}aa`), '=aa');
	}
});

test('UDP ASSOCIATE, DST is a private address behind NAT: it is ignored', (t) => {
	const relay = new Relay({hint: hintOf('05030001c0a801021388')});
	t.deepEqual(relay.takes(5001, 5000), [true, true]);
});

test('UDP ASSOCIATE, source check: other addresses are dropped, other ports as configured', (t) => {
	const relay = new Relay();
	t.is(relay.send(TO_IPV4, {from: '192.0.2.8'}), 'wrong-source');
	t.deepEqual(relay.takes(5000, 5001), [true, true]);
	const locked = new Relay({hint: ipTarget(parseIp(PEER)!, 5001)});
	t.deepEqual(locked.takes(5000, 5001), [false, true]);
	t.is(locked.send(TO_IPV4, {from: '192.0.2.8', port: 5001}), 'wrong-source');
});

test('UDP ASSOCIATE, BND on a wildcard listener: the address that was reached, unmapped', (t) => {
	const reply = encodeReply(ReplyCode.SUCCEEDED, {address: '::ffff:192.0.2.1', port: 4660});
	t.is(toHex(reply), '05000001c00002011234');
});

test('UDP ASSOCIATE, idle: it ends after 300 s', (t) => {
	const relay = new Relay();
	relay.association.handleTimeout(300_000);
	t.true(relay.association.closed);
});

test('UDP ASSOCIATE, 256 targets: a client with more of them goes on', (t) => {
	const relay = new Relay();
	let remembered = 0;
	for (let i = 0; i < 1000; i++) {
		const header = Uint8Array.of(0, 0, 0, 1, 9, 9, i >> 8, i & 0xff, 0, 53);
		t.is(relay.send(header), '=');
		if (relay.evicted === undefined) remembered++;
	}
	t.is(remembered, 256);
});

test('UDP ASSOCIATE, FRAG: datagrams in pieces are joined, replies have FRAG 0', (t) => {
	const relay = new Relay();
	t.is(relay.send(fragment(1, 'aa')), undefined);
	t.is(relay.send(fragment(2, 'bb')), undefined);
	t.is(relay.send(fragment(0x83, 'cc')), '=aabbcc');
	t.is(relay.reply('1.2.3.4', 'dd'), `=${TO_IPV4}dd`);
});

test('UDP ASSOCIATE, domain targets: literals are addresses, what is no name is dropped', (t) => {
	const relay = new Relay();
	const header = (name: string) => Uint8Array.of(0, 0, 0, ...named(0, name, 53).subarray(3));
	t.is(relay.send(header('1.2.3.4')), '=');
	t.deepEqual(relay.target, ipTarget(Uint8Array.of(1, 2, 3, 4), 53));
	t.is(relay.send(header('2001:db8::1')), '=');
	t.deepEqual(relay.target, ipTarget(parseIp('2001:db8::1')!, 53));
	for (const name of ['', 'a\0', 'a'.repeat(254), 'a b'])
		t.is(relay.send(header(name)), 'bad-name');
});

test('UDP ASSOCIATE, reply address: ATYP 1 for IPv4, always unmapped, ATYP 4 for IPv6', (t) => {
	const relay = new Relay();
	relay.send(TO_IPV4);
	t.is(relay.reply('::ffff:1.2.3.4', ''), `=${TO_IPV4}`);
	t.is(relay.reply('2001:db8::1', ''), `=${TO_IPV6}`);
});

test('UDP ASSOCIATE, IPv4 and IPv6 targets from one association and port', (t) => {
	const relay = new Relay({singlePort: true});
	t.is(relay.send(`${TO_IPV4}aa`), '=aa');
	t.is(relay.send(`${TO_IPV6}bb`), '=bb');
});

test('UDP ASSOCIATE, oversized: a reply that fits no datagram is dropped', (t) => {
	const relay = new Relay();
	relay.send(TO_IPV4);
	const bytes = (length: number) => '00'.repeat(length);
	t.is(relay.reply('1.2.3.4', bytes(65_498)), 'too-long');
	t.is(relay.reply('1.2.3.4', bytes(65_497)).length, 1 + 2 * 65_507);
	t.is(relay.reply('2001:db8::1', bytes(65_486)), 'too-long');
	t.is(relay.reply('2001:db8::1', bytes(65_485)).length, 1 + 2 * 65_507);
	t.is(relay.send(join(TO_IPV4, new Uint8Array(65_497)))?.length, 1 + 2 * 65_497);
});

test('UDP ASSOCIATE, empty payloads pass both ways', (t) => {
	const relay = new Relay();
	t.is(relay.send(TO_IPV4), '=');
	t.is(relay.reply('1.2.3.4', ''), `=${TO_IPV4}`);
});

test('a reply is one write, a request may come byte by byte', (t) => {
	const {outputs} = negotiate(OPEN, ...bytewise(join('050100', ASSOCIATE)));
	t.deepEqual(outputs, ['0500', 'request']);
	t.deepEqual(negotiate(OPEN, ...bytewise(join('050100', '0509'))).outputs, [
		'0500',
		'05070001000000000000',
		'close:unknown-command',
	]);
});

test('CONNECT, reply codes: from the cause, in 10 bytes with a zero BND', (t) => {
	for (const [code, reply] of [
		['ECONNREFUSED', 5],
		['ENETUNREACH', 3],
		['EADDRNOTAVAIL', 3],
		['EHOSTUNREACH', 4],
		['ETIMEDOUT', 4],
		['EACCES', 2],
		['EMFILE', 1],
		['EWHATEVER', 1],
		[undefined, 1],
	] as const) {
		const refusal = refusalOfError(code);
		t.is(toHex(encodeReply(replyCodeOf(refusal))), `050${reply}0001000000000000`);
	}
});

test('CONNECT, reply codes: policy is 02, no name is 04, tunnel down and limits are 01', (t) => {
	for (const [refusal, reply] of [
		[RefusalCode.DENIED, 2],
		[RefusalCode.NO_TARGET, 2],
		[RefusalCode.UNRESOLVABLE, 4],
		[RefusalCode.NO_SESSION, 1],
		[RefusalCode.LIMIT, 1],
		[RefusalCode.DESCRIPTORS, 1],
	] as const) {
		t.is(toHex(encodeReply(replyCodeOf(refusal))), `050${reply}0001000000000000`);
	}
});

test('CONNECT, BND on success: the address at the server, else zeros', (t) => {
	const bound = {address: '::ffff:198.51.100.1', port: 4660};
	t.is(toHex(encodeReply(ReplyCode.SUCCEEDED, bound)), '05000001c63364011234');
	t.is(toHex(encodeReply(ReplyCode.SUCCEEDED)), '05000001000000000000');
	t.is(toHex(encodeConnected(Uint8Array.of(1, 198, 51, 100, 1, 18, 52))), '05000001c63364011234');
	t.is(toHex(encodeConnected(new Uint8Array(0))), '05000001000000000000');
});

test('CONNECT, optimistic data: greeting, login, request and data in one segment', (t) => {
	const options = withUsers({alice: 'secret'});
	const data = '474554202f';
	const bytes = join('05020002', login('alice', 'secret'), named(1, 'a.example'), data);
	for (const chunks of [[bytes], bytewise(bytes)]) {
		const outcome = negotiate(options, ...chunks);
		t.deepEqual(outcome.outputs, ['0502', '0100', 'request']);
		t.is(outcome.command, 'connect');
		t.deepEqual(outcome.target, {kind: 'domain', name: 'a.example', port: 443});
		t.is(outcome.rest, data);
	}
});

test('CONNECT, OpenVPN sends literals as names: they are addresses', (t) => {
	t.deepEqual(
		negotiate(OPEN, join('050100', named(1, '192.0.2.1'))).target,
		ipTarget(Uint8Array.of(192, 0, 2, 1), 443),
	);
});

test('CONNECT, a failed login: 01 01, then close', (t) => {
	const {outputs} = negotiate(withUsers({alice: 'secret'}), join('050102', login('alice', '')));
	t.deepEqual(outputs, ['0502', '0101', 'close:bad-login']);
});

test('OpenVPN 2.7 gets the answer to its login that it wants', (t) => {
	const {outputs} = negotiate(
		withUsers({alice: 'secret'}, 5),
		join('050102', login('alice', 'secret'), ASSOCIATE),
	);
	t.deepEqual(outputs, ['0502', '0500', 'request']);
});

test('BIND is read whole, for its owner to refuse', (t) => {
	const {command, target} = negotiate(OPEN, join('050100', '05020001010203040050'));
	t.is(command, 'bind');
	t.deepEqual(target, ipTarget(Uint8Array.of(1, 2, 3, 4), 80));
});

for (const command of ['f0', 'f1', '05', '00', '04', 'ff']) {
	test(`the command ${command} is answered 07`, (t) => {
		for (const rest of ['', '00', '0001010203040050', '0003']) {
			t.deepEqual(negotiate(OPEN, join('050100', `05${command}${rest}`)).outputs, [
				'0500',
				'05070001000000000000',
				'close:unknown-command',
			]);
		}
	});
}

for (const type of ['00', '02', '05', 'ff']) {
	test(`the address type ${type} is answered 08`, (t) => {
		for (const command of ['01', '02', '03']) {
			t.deepEqual(negotiate(OPEN, join('050100', `05${command}00${type}01020304`)).outputs, [
				'0500',
				'05080001000000000000',
				'close:unknown-address-type',
			]);
		}
	});
}

for (const [what, first, reason] of [
	['SOCKS4', '0401005001020304', 'socks4'],
	['HTTP GET', '474554202f20485454502f312e31', 'http'],
	['HTTP CONNECT', '434f4e4e45435420', 'http'],
	['HTTP POST', '504f535420', 'http'],
	['TLS', '160301', 'not-socks'],
	['zeros', '0000', 'not-socks'],
] as const) {
	test(`${what} is closed without an answer`, (t) => {
		for (const chunks of [[join(first)], bytewise(join(first))]) {
			t.deepEqual(negotiate(OPEN, ...chunks).outputs, [`close:${reason}`]);
		}
	});
}
