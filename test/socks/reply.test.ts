import test from 'ava';
import {encodeConnected, encodeReply, ReplyCode} from '../../src/socks/reply.ts';
import {toHex} from '../crypto/fixtures.ts';

test('a reply without a bound address is 10 bytes of zeros behind the code', (t) => {
	t.is(toHex(encodeReply(ReplyCode.GENERAL_FAILURE)), '05010001000000000000');
});

test('a bound IPv4 address inside IPv6 is unmapped', (t) => {
	const bound = {address: '::ffff:127.0.0.1', port: 1080};
	t.is(toHex(encodeReply(ReplyCode.SUCCEEDED, bound)), '050000017f0000010438');
});

test('a bound IPv6 address has 16 bytes and no zone', (t) => {
	const reply = encodeReply(ReplyCode.SUCCEEDED, {address: 'fe80::1%eth0', port: 258});
	t.is(toHex(reply), '05000004fe8000000000000000000000000000010102');
});

test('a bound address that is none gives a whole reply with zeros', (t) => {
	const reply = encodeReply(ReplyCode.SUCCEEDED, {address: 'localhost', port: 9});
	t.is(toHex(reply), '05000001000000000000');
});

test('the reply to CONNECT holds the bound address as frames carry it', (t) => {
	const four = Uint8Array.of(1, 198, 51, 100, 1, 0x12, 0x34);
	t.is(toHex(encodeConnected(four)), '05000001c63364011234');
	const six = Uint8Array.of(4, ...new Uint8Array(15), 1, 1, 2);
	t.is(toHex(encodeConnected(six)), '05000004000000000000000000000000000000010102');
});

test('a bound address that makes no sense gives a whole reply to CONNECT with zeros', (t) => {
	for (const bound of [[], [1], [3, 1, 97, 0, 80], [4, 127, 0, 0, 1, 0, 80], [1, 1, 2, 3, 4, 5]]) {
		t.is(toHex(encodeConnected(Uint8Array.from(bound))), '05000001000000000000');
	}
});
