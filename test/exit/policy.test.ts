import test from 'ava';
import fc from 'fast-check';
import {ExitPolicy, type UserRules} from '../../src/exit/policy.ts';
import {parseRule, RuleSet} from '../../src/exit/rules.ts';
import {prefixOf} from '../../src/text/prefix.ts';
import {ip} from './addresses.ts';

function rules(...items: readonly string[]): RuleSet {
	return new RuleSet(items.map(parseRule));
}

function user(allow: readonly string[], deny: readonly string[] = []): UserRules {
	return {allow: rules(...allow), deny: rules(...deny)};
}

function verdict(policy: ExitPolicy, address: string, port = 443, rulesOfUser?: UserRules): string {
	return policy.check('udp', ip(address), port, rulesOfUser)?.detail ?? 'allowed';
}

test('by default allows the internet and nothing else', (t) => {
	const policy = new ExitPolicy();
	for (const address of ['8.8.8.8', '2606:4700:4700::1111', '64:ff9b::808:808']) {
		t.is(verdict(policy, address), 'allowed', address);
	}
	for (const address of ['127.0.0.1', '::1', '169.254.169.254', '::ffff:10.0.0.1', 'fd00::1']) {
		t.not(verdict(policy, address), 'allowed', address);
	}
	t.is(policy.check('udp', ip('10.0.0.1'), 1)?.reason, 'denied');
	t.is(verdict(policy, '10.0.0.1'), '10.0.0.0/8 private use (RFC 1918)');
});

test('denies port 0 whatever is allowed, and TCP 25 unless it is', (t) => {
	const eight = ip('8.8.8.8');
	t.is(new ExitPolicy({allow: rules('*', '0.0.0.0/0')}).check('udp', eight, 0)?.detail, 'port 0');
	t.is(new ExitPolicy().check('tcp', eight, 25)?.detail, 'TCP port 25');
	t.is(new ExitPolicy().check('tcp', eight, 26), undefined);
	t.is(new ExitPolicy().check('udp', eight, 25), undefined);
	for (const item of ['8.8.8.8', '8.8.8.0/24:25', '*:25', '*']) {
		t.is(new ExitPolicy({allow: rules(item)}).check('tcp', eight, 25), undefined, item);
	}
	t.truthy(new ExitPolicy({allow: rules('8.8.8.8:26', '*:26')}).check('tcp', eight, 25));
	for (const port of [-1, 65_536, Number.NaN]) {
		t.truthy(new ExitPolicy({allow: rules('*')}).check('udp', eight, port));
	}
});

test('the first list that speaks decides: deny, the user, allow, the default', (t) => {
	const policy = new ExitPolicy({
		allow: rules('10.0.0.0/8', '8.8.8.0/24', 'fd00::/8'),
		deny: rules('10.6.6.0/24', '8.8.8.8', '*:53'),
	});
	t.is(verdict(policy, '10.1.1.1'), 'allowed');
	t.is(verdict(policy, '10.6.6.6'), 'deny 10.6.6.0/24');
	t.is(verdict(policy, '8.8.8.8'), 'deny 8.8.8.8');
	t.is(verdict(policy, '8.8.8.9'), 'allowed');
	t.is(verdict(policy, '8.8.8.9', 53), 'deny *:53');
	const alice = user(['10.0.0.0/16', '10.6.6.6', '192.168.0.0/16', '9.9.9.9'], ['10.0.0.9']);
	t.is(verdict(policy, '10.0.0.1', 443, alice), 'allowed');
	t.is(verdict(policy, '10.0.0.9', 443, alice), "the user's deny 10.0.0.9");
	t.is(verdict(policy, '9.9.9.9', 443, alice), 'allowed');
	t.is(verdict(policy, '10.1.0.1', 443, alice), "not in the user's allow list");
	t.is(verdict(policy, '1.1.1.1', 443, alice), "not in the user's allow list");
	// Never wider than the server's.
	t.is(verdict(policy, '10.6.6.6', 443, alice), 'deny 10.6.6.0/24');
	t.is(verdict(policy, '192.168.1.1', 443, alice), '192.168.0.0/16 private use (RFC 1918)');
	// Without an allow list the user has what the server gives.
	t.is(verdict(policy, '1.1.1.1', 443, user([], ['1.1.1.2'])), 'allowed');
	t.is(verdict(policy, '1.1.1.2', 443, user([], ['1.1.1.2'])), "the user's deny 1.1.1.2");
	t.is(verdict(policy, '1.1.1.2', 443, user(['*'], ['1.1.1.2'])), "the user's deny 1.1.1.2");
});

test('a user never gets what the server alone would deny', (t) => {
	const item = fc.constantFrom(
		'*',
		'10.0.0.0/8',
		'0.0.0.0/0',
		'::/0',
		'*:25',
		'8.8.8.8',
		'127.0.0.1',
	);
	const list = fc.array(item, {maxLength: 3});
	const both = fc.tuple(list, list);
	const address = fc.constantFrom('8.8.8.8', '10.1.2.3', '127.0.0.1', '::1', '64:ff9b::a00:1');
	const port = fc.constantFrom(0, 25, 443);
	fc.assert(
		fc.property(both, both, address, port, ([a, b], [c, d], text, number) => {
			const policy = new ExitPolicy({allow: rules(...a), deny: rules(...b)});
			const alone = policy.check('tcp', ip(text), number);
			const withUser = policy.check('tcp', ip(text), number, user(c, d));
			if (alone !== undefined) t.not(withUser, undefined);
		}),
	);
});

test('a wish for everything opens no range and no address of the server', (t) => {
	const policy = new ExitPolicy({allow: rules('*'), ownAddresses: [ip('5.6.7.8')]});
	t.is(verdict(policy, '8.8.8.8'), 'allowed');
	for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '5.6.7.8', '::1']) {
		t.not(verdict(policy, address), 'allowed', address);
	}
	const named = new ExitPolicy({
		allow: rules('*', '127.0.0.1:80'),
		ownAddresses: [ip('127.0.0.1')],
	});
	t.is(verdict(named, '127.0.0.1', 80), 'allowed');
	t.not(verdict(named, '127.0.0.1', 81), 'allowed');
});

test("denies the server's own addresses in every form, on every port, as they are at the moment", (t) => {
	const policy = new ExitPolicy({ownAddresses: [ip('5.6.7.8'), ip('2a00:1::1')]});
	const forms = ['5.6.7.8', '::ffff:5.6.7.8', '::5.6.7.8', '64:ff9b::506:708', '2002:506:708::1'];
	for (const address of [...forms, '::ffff:0:5.6.7.8', '2a00:1::1', '2001:0:506:708::']) {
		for (const port of [1, 443, 65_535]) {
			t.is(verdict(policy, address, port), 'an address of the server itself', address);
		}
	}
	t.is(verdict(policy, '5.6.7.9'), 'allowed');
	policy.setOwnAddresses([ip('::ffff:5.6.7.9')]);
	t.is(verdict(policy, '5.6.7.8'), 'allowed');
	t.is(verdict(policy, '5.6.7.9'), 'an address of the server itself');
	t.is(
		verdict(
			new ExitPolicy({allow: rules('5.6.7.8:80'), ownAddresses: [ip('5.6.7.8')]}),
			'5.6.7.8',
			80,
		),
		'allowed',
	);
});

test('a deny rule reaches every form of an address, an allow rule only the plain one', (t) => {
	const nat64 = [prefixOf('2a00:64::/96')];
	const deny = new ExitPolicy({deny: rules('8.8.8.8'), nat64});
	const forms = ['8.8.8.8', '::ffff:8.8.8.8', '::8.8.8.8', '::ffff:0:8.8.8.8', '64:ff9b::808:808'];
	for (const address of [
		...forms,
		'2002:808:808::1',
		'2a00:64::808:808',
		'2001:0:808:808::f7f7:f7f7',
	]) {
		t.is(verdict(deny, address), 'deny 8.8.8.8', address);
	}
	const allow = new ExitPolicy({allow: rules('10.0.0.1'), nat64});
	t.is(verdict(allow, '10.0.0.1'), 'allowed');
	t.is(verdict(allow, '::ffff:10.0.0.1'), 'allowed');
	for (const address of ['::10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::1', '2a00:64::a00:1']) {
		t.not(verdict(allow, address), 'allowed', address);
	}
	// What the system turns into IPv4 is no part of an IPv6 prefix that is opened.
	t.not(verdict(new ExitPolicy({allow: rules('::/0')}), '::ffff:127.0.0.1'), 'allowed');
	t.is(verdict(new ExitPolicy({deny: rules('::/0')}), '::ffff:8.8.8.8'), 'deny ::/0');
	t.is(verdict(new ExitPolicy({deny: rules('::/0')}), '8.8.8.8'), 'allowed');
});

test('a NAT64 prefix of the owner is judged by what is inside', (t) => {
	const policy = new ExitPolicy({nat64: [prefixOf('64:ff9b:1::/96')]});
	t.is(verdict(policy, '64:ff9b:1::8.8.8.8'), 'allowed');
	t.is(
		verdict(policy, '64:ff9b:1::127.0.0.1'),
		'127.0.0.0/8 loopback (RFC 1122) inside a NAT64 prefix',
	);
	t.not(verdict(new ExitPolicy(), '64:ff9b:1::8.8.8.8'), 'allowed');
});

test('a name that rebinds between two lookups is judged by each answer', (t) => {
	const policy = new ExitPolicy();
	const answers = [['8.8.8.8'], ['127.0.0.1'], ['8.8.4.4', '::ffff:169.254.169.254']];
	const seen = answers.map((answer) =>
		answer.map((address) => verdict(policy, address) === 'allowed'),
	);
	t.deepEqual(seen, [[true], [false], [true, false]]);
});

test('rules by name follow the addresses that their owner reports', (t) => {
	const allow = rules('intranet.example:443');
	const deny = rules('bad.example');
	const policy = new ExitPolicy({allow, deny});
	t.not(verdict(policy, '10.0.0.7'), 'allowed');
	allow.setAddresses('intranet.example', [ip('10.0.0.7')]);
	deny.setAddresses('bad.example', [ip('8.8.8.8')]);
	t.is(verdict(policy, '10.0.0.7'), 'allowed');
	t.not(verdict(policy, '10.0.0.7', 80), 'allowed');
	t.is(verdict(policy, '64:ff9b::808:808'), 'deny bad.example');
	allow.setAddresses('intranet.example', [ip('10.0.0.8')]);
	t.not(verdict(policy, '10.0.0.7'), 'allowed');
});

test('a denied name is refused before it is looked up, in any spelling', (t) => {
	const policy = new ExitPolicy({deny: rules('bad.example', '*:53', '10.0.0.0/8')});
	t.is(policy.checkName('BAD.example.', 443)?.detail, 'deny bad.example');
	t.is(policy.checkName('good.example', 53)?.detail, 'deny *:53');
	t.is(policy.checkName('good.example', 443), undefined);
	t.is(policy.checkName('not a name', 443), undefined);
	const alice = user([], ['good.example:1-500']);
	t.is(policy.checkName('good.example', 443, alice)?.detail, "the user's deny good.example:1-500");
	t.is(policy.checkName('good.example', 501, alice), undefined);
});

test('denies bytes that are no address, whatever is allowed', (t) => {
	const policy = new ExitPolicy({allow: rules('*', '0.0.0.0/0', '::/0')});
	for (const length of [0, 3, 5, 15, 17]) t.truthy(policy.check('udp', new Uint8Array(length), 1));
});
