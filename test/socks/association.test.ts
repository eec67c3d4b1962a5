import test from 'ava';
import fc from 'fast-check';
import {NEVER} from '../../src/bytes/time.ts';
import {FragmentBudget} from '../../src/socks/fragments.ts';
import {formatTarget, ipTarget} from '../../src/socks/target.ts';
import {parseIp} from '../../src/text/ip.ts';
import {fromHex} from '../crypto/fixtures.ts';
import {named} from './handshake.ts';
import {fragment, PEER, Relay, TO_IPV4, TO_IPV6} from './relay.ts';

const MINUTES = 60_000;
const domain = (name: string | Uint8Array, port = 53) =>
	Uint8Array.of(0, 0, 0, ...named(0, name, port).subarray(3));
const ipHint = (address: string, port: number) => ipTarget(parseIp(address)!, port);

test('a datagram goes to the target of its header', (t) => {
	const relay = new Relay();
	t.is(relay.send(`${TO_IPV4}c0de`), '=c0de');
	t.is(formatTarget(relay.target!), '1.2.3.4:53');
	t.is(relay.send(`${TO_IPV6}c0`), '=c0');
	t.is(formatTarget(relay.target!), '[2001:db8::1]:53');
	t.is(relay.send(domain('a.example')), '=');
	t.is(formatTarget(relay.target!), 'a.example:53');
	t.deepEqual(relay.association.drops.entries(), {});
});

test('a target is the same object as long as it is remembered', (t) => {
	const relay = new Relay();
	relay.send(TO_IPV4);
	const first = relay.target;
	relay.send(TO_IPV6);
	relay.send(`${TO_IPV4}00`);
	t.is(relay.target, first);
});

test('the target unused for longest is forgotten for the 257th', (t) => {
	const relay = new Relay();
	for (let i = 0; i < 256; i++) relay.send(domain(`${i}.example`));
	relay.send(domain('0.example'));
	t.is(relay.evicted, undefined);
	relay.send(domain('new.example'));
	t.is(formatTarget(relay.evicted!), '1.example:53');
	relay.send(domain('new.example'));
	t.is(relay.evicted, undefined);
	relay.send(domain('0.example'));
	t.is(relay.evicted, undefined);
});

test('the peer is recognised in every spelling of its address', (t) => {
	for (const [peer, from] of [
		['::ffff:192.0.2.7', '192.0.2.7'],
		['192.0.2.7', '::ffff:c000:207'],
		['2001:DB8:0::1', '2001:db8::1'],
		['fe80::1%eth0', 'fe80::1%eth0'],
	] as const) {
		const relay = new Relay({peer: {address: peer, port: 1}});
		t.is(relay.send(TO_IPV4, {from}), '=', from);
		t.is(relay.send(TO_IPV4, {from}), '=', from);
		t.is(relay.send(TO_IPV4, {from: '192.0.2.8'}), 'wrong-source');
		t.is(relay.send(TO_IPV4, {from: 'fe80::1%eth1'}), 'wrong-source');
	}
});

test('with a single port the first one that sends is the one', (t) => {
	const relay = new Relay({singlePort: true});
	t.deepEqual(relay.takes(5000, 5001, 5000), [true, false, true]);
	t.is(relay.association.drops.get('wrong-port'), 1);
});

test('only a datagram that makes sense locks the port', (t) => {
	const relay = new Relay({singlePort: true});
	t.is(relay.send('00', {port: 6000}), 'malformed-header');
	t.is(relay.send(domain('a b'), {port: 6000}), 'bad-name');
	t.is(relay.send('00000001010203040000', {port: 6000}), 'port-zero');
	t.is(relay.send(TO_IPV4, {port: 6000, from: '192.0.2.8'}), 'wrong-source');
	t.deepEqual(relay.takes(5000, 6000), [true, false]);
});

test('any port, up to 16, is taken where that is allowed', (t) => {
	const ports = Array.from({length: 17}, (_, i) => 5000 + i);
	const expected = [...Array<boolean>(16).fill(true), false];
	t.deepEqual(new Relay().takes(...ports), expected);
	const relay = new Relay({singlePort: true, anyPort: true, hint: ipHint(PEER, 5000)});
	t.deepEqual(relay.takes(...ports), expected);
	t.is(relay.association.drops.get('port-limit'), 1);
	t.is(relay.association.portCount, 16);
});

test('a hint with the address of the peer locks its port', (t) => {
	for (const singlePort of [true, false]) {
		const relay = new Relay({singlePort, hint: ipHint(PEER, 5001)});
		t.deepEqual(relay.takes(5000, 5001, 5002), [false, true, false]);
	}
	const mapped = {address: `::ffff:${PEER}`, port: 1};
	t.deepEqual(new Relay({peer: mapped, hint: ipHint(PEER, 5001)}).takes(5000, 5001), [false, true]);
});

test('any other hint changes nothing', (t) => {
	for (const hint of [
		ipHint('0.0.0.0', 0),
		ipHint('0.0.0.0', 6000),
		ipHint(PEER, 0),
		ipHint('192.168.1.2', 6000),
		ipHint('::', 6000),
		// The port of the TCP connection: the client named that one.
		ipHint(PEER, 40_000),
		{kind: 'domain', name: 'me.example', port: 6000} as const,
		undefined,
	]) {
		t.deepEqual(new Relay({hint}).takes(5000, 5001), [true, true]);
		t.deepEqual(new Relay({hint, singlePort: true}).takes(5000, 5001), [true, false]);
	}
});

test('a port silent for 300 s makes room, and its flow is closed once', (t) => {
	const relay = new Relay();
	for (let port = 0; port < 16; port++) relay.send(TO_IPV4, {port: 5000 + port, now: port});
	relay.send(TO_IPV4, {port: 5000, now: 1 * MINUTES});
	t.is(relay.association.nextTimeout(), 5 * MINUTES + 1);
	t.is(relay.association.pollClosedPort(), undefined);
	t.is(relay.send(TO_IPV4, {port: 6000, now: 5 * MINUTES + 1}), '=');
	t.is(relay.association.pollClosedPort(), 5001);
	t.is(relay.association.pollClosedPort(), undefined);
	t.is(relay.reply('1.2.3.4', '', {port: 5001, now: 5 * MINUTES + 1}), 'unknown-port');
});

test('a reply carries its real source', (t) => {
	const relay = new Relay();
	relay.send(TO_IPV4);
	t.is(relay.reply('9.9.9.9', 'c0de'), '=00000001090909090035c0de');
	t.is(relay.reply('2001:db8::1', 'c0de'), `=${TO_IPV6}c0de`);
});

test('a reply for a port that never sent is dropped', (t) => {
	const relay = new Relay({hint: ipHint(PEER, 5000)});
	t.is(relay.reply('1.2.3.4', ''), 'unknown-port');
	relay.send(TO_IPV4);
	t.is(relay.reply('1.2.3.4', '').slice(0, 1), '=');
});

test('everybody may answer, unless the filter asks for an address that was sent to', (t) => {
	const open = new Relay();
	open.send(TO_IPV4);
	t.is(open.reply('5.6.7.8', '00').slice(0, 1), '=');
	const filtered = new Relay({filter: 'address'});
	filtered.send(TO_IPV4);
	filtered.send(TO_IPV6);
	t.is(filtered.reply('5.6.7.8', '00'), 'filtered');
	t.is(filtered.reply('1.2.3.4', '00').slice(0, 1), '=');
	t.is(filtered.reply('::ffff:1.2.3.4', '00'), '=0000000101020304003500');
	t.is(filtered.reply('2001:db8::1', '00').slice(0, 1), '=');
});

test('the filter lets the addresses of a name answer once they are known', (t) => {
	const relay = new Relay({filter: 'address'});
	relay.send(domain('a.example'));
	t.is(relay.reply('5.6.7.8', '00'), 'filtered');
	relay.association.learnAddress(relay.target!, '::ffff:5.6.7.8');
	t.is(relay.reply('5.6.7.8', '00').slice(0, 1), '=');
	t.is(relay.reply('5.6.7.9', '00'), 'filtered');
});

test('300 s after the last datagram either way it has ended', (t) => {
	const relay = new Relay();
	t.is(relay.association.nextTimeout(), 5 * MINUTES);
	relay.send(TO_IPV4, {now: 1 * MINUTES});
	relay.reply('1.2.3.4', '', {now: 2 * MINUTES});
	// What is dropped keeps nothing alive.
	relay.send(TO_IPV4, {now: 3 * MINUTES, from: '192.0.2.8'});
	relay.send('00', {now: 3 * MINUTES});
	relay.reply('1.2.3.4', '', {now: 3 * MINUTES, port: 1});
	t.is(relay.association.nextTimeout(), 7 * MINUTES);
	relay.association.handleTimeout(7 * MINUTES - 1);
	t.false(relay.association.closed);
	relay.association.handleTimeout(7 * MINUTES);
	t.true(relay.association.closed);
	t.is(relay.association.nextTimeout(), NEVER);
	t.is(relay.send(TO_IPV4, {now: 7 * MINUTES}), 'closed');
	t.is(relay.reply('1.2.3.4', '', {now: 7 * MINUTES}), 'closed');
	t.is(relay.association.pollClosedPort(), 5000);
	t.is(relay.association.pollClosedPort(), undefined);
});

test('closing gives the memory of fragments back', (t) => {
	const fragments = new FragmentBudget(1000);
	const relay = new Relay({fragments});
	t.is(relay.send(fragment(1, 'aabbcc')), undefined);
	t.false(fragments.take(1000 - 2));
	relay.association.close();
	relay.association.close();
	t.true(fragments.take(1000));
	t.false(fragments.take(1));
	t.is(relay.association.drops.get('fragment-abandoned'), 1);
});

test('fragments are joined, with the timer of the association', (t) => {
	const relay = new Relay();
	t.is(relay.send(fragment(1, 'aa'), {now: 10}), undefined);
	t.is(relay.association.nextTimeout(), 5010);
	t.is(relay.send(fragment(0x82, 'bb'), {now: 20}), '=aabb');
	t.is(relay.send(fragment(1, 'aa'), {now: 30}), undefined);
	relay.association.handleTimeout(5030);
	t.is(relay.send(fragment(0x82, 'bb'), {now: 5030}), 'bad-fragment');
	t.is(relay.send(`${TO_IPV4}dd`, {now: 5040}), '=dd');
});

test('arbitrary datagrams never throw and are dropped or taken, not both', (t) => {
	const relay = new Relay();
	const likely = fc
		.tuple(fc.nat(3), fc.constantFrom(1, 3, 4), fc.uint8Array({maxLength: 30}))
		.map(([frag, type, rest]) => Uint8Array.of(0, 0, frag, type, ...rest));
	let waiting = 0;
	let taken = 0;
	let sent = 0;
	fc.assert(
		fc.property(fc.oneof(likely, fc.uint8Array({maxLength: 40})), (bytes) => {
			const result = relay.send(bytes);
			sent++;
			if (result === undefined) waiting++;
			else if (result.startsWith('=')) taken++;
		}),
		{seed: 1, numRuns: 500},
	);
	const {'fragment-abandoned': _, ...drops} = relay.association.drops.entries();
	const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
	t.is(taken + waiting + dropped, sent);
	t.true(taken > 5 && waiting > 5 && dropped > 20);
});

test('hostile lengths of names are refused', (t) => {
	const relay = new Relay();
	t.is(relay.send(fromHex('00000003ff61')), 'malformed-header');
	t.is(relay.send(fromHex('00000003000035')), 'bad-name');
	t.is(relay.send(domain(new Uint8Array(254).fill(0x61))), 'bad-name');
	t.is(relay.send(domain(new Uint8Array(255).fill(0x61))), 'bad-name');
	t.is(relay.send(domain(new Uint8Array(253).fill(0x61))), '=');
	t.is(relay.send(domain('a\0b')), 'bad-name');
});
