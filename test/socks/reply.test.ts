import test from 'ava';
import fc from 'fast-check';
import {encodeReply, ReplyCode, replyCodeFor, replyCodeOfError} from '../../src/socks/reply.ts';
import {toHex} from '../crypto/fixtures.ts';

const error = (code: unknown) => Object.assign(new Error('it failed'), {code});

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

for (const [codes, expected] of [
	[['ECONNREFUSED'], 5],
	[['ENETUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN'], 3],
	[['EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ETIMEDOUT', 'ESERVFAIL'], 4],
	[['EACCES', 'EPERM'], 2],
	[['EWHATEVER', undefined, 5], 1],
] as const) {
	test(`the system's ${codes.join(', ')} is reply code ${expected}`, (t) => {
		for (const code of codes) t.is(replyCodeOfError(error(code)), expected);
	});
}

test('of several failed attempts the most specific one is reported', (t) => {
	const of = (...codes: string[]) => replyCodeOfError(new AggregateError(codes.map(error)));
	t.is(of('ETIMEDOUT', 'ENETUNREACH', 'ECONNREFUSED'), 5);
	t.is(of('ETIMEDOUT', 'ENETUNREACH'), 3);
	t.is(of('EWHATEVER', 'ETIMEDOUT'), 4);
	t.is(of('EWHATEVER'), 1);
	t.is(of(), 1);
});

test('our own refusals have their codes', (t) => {
	t.is(replyCodeFor('denied'), 2);
	t.is(replyCodeFor('no-exit'), 2);
	t.is(replyCodeFor('limit'), 1);
	t.is(replyCodeFor('no-session'), 1);
	t.is(replyCodeFor('unresolvable'), 4);
	t.is(replyCodeFor('unknown-command'), 7);
	t.is(replyCodeFor('unknown-address-type'), 8);
});

test('whatever was thrown has a code', (t) => {
	fc.assert(
		fc.property(fc.anything(), (thrown) => {
			t.true(replyCodeOfError(thrown) >= 1);
		}),
		{seed: 1},
	);
});
