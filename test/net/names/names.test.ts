import test from 'ava';
import fc from 'fast-check';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {NameCache} from '../../../src/net/names/cache.ts';
import {readNsswitch} from '../../../src/net/names/queries.ts';
import {dnsError, makeNames, settle, show} from './names-fakes.ts';

const ODD_NUMBERS = `0177.0.0.1 2130706433 0x7f.1 127.1 127.0.1 0x7f000001 017700000001 127.0.0.0x1
	127.0.0.01 127.0.0.1. 1.2.3.4.5 256.1.1.1 0 1 0x foo.1 foo.0x1f 00000000177.0.0.1 1. 0x7f.1.`;

for (const text of ODD_NUMBERS.split(/\s+/)) {
	test(`refuses ${text} as a name and never hands it to a resolver`, async (t) => {
		const {names, queries} = makeNames('127.0.0.1 foo.1 2130706433');
		await settle();
		t.is(show(names.peek(text)), 'invalid');
		t.is(show(await names.resolve('a', text)), 'invalid');
		t.is(queries.started.length, 0);
	});
}

const NOT_NAMES: readonly string[] = [
	'',
	'.',
	'..',
	'.a',
	'a..b',
	'a b',
	'a\0b',
	'a\nb',
	'a/b',
	'a:80',
	'a%b',
	'*',
	'*.example',
	'[::1]',
	'::1%lo',
	'fe80::1%eth0',
	'127.0.0.1%lo',
	'\uff11\uff12\uff17.0.0.1',
	'127\u30020\u30020\u30021',
	'127.0.0.\u0661',
	'\u2460.example',
	'b\u00fccher.example',
	'\u212aelvin.example',
	'a\u00adb.example',
	`${'a'.repeat(64)}.example`,
	`${'a.'.repeat(127)}a`,
	'b'.repeat(100_000),
];

for (const text of NOT_NAMES) {
	test(`refuses ${JSON.stringify(text.slice(0, 30))}`, async (t) => {
		const {names, queries} = makeNames();
		t.is(show(await names.resolve('a', text)), 'invalid');
		t.is(queries.started.length, 0);
	});
}

test('answers literals at once, in their only spelling, mapped ones unwrapped', async (t) => {
	const {names, queries} = makeNames('10.0.0.1 8.8.8.8');
	for (const [text, expected] of [
		['8.8.8.8', '8.8.8.8'],
		['::1', '::1'],
		['2001:DB8:0::1', '2001:db8::1'],
		['::ffff:127.0.0.1', '127.0.0.1'],
		['::ffff:7f00:1', '127.0.0.1'],
	] as const) {
		t.is(show(names.peek(text)), expected);
		t.is(show(await names.resolve('a', text)), expected);
	}
	t.is(queries.started.length, 0);
});

test('looks a name up in one spelling, both kinds of address at once', async (t) => {
	const {names, queries} = makeNames();
	const first = names.resolve('a', 'Host.EXAMPLE.');
	const second = names.resolve('b', 'host.example');
	await settle();
	t.is(queries.started.length, 1);
	const [query] = queries.started;
	t.is(query?.name, 'host.example');
	query?.answer(1, ['2001:db8::1', '::ffff:10.0.0.1']);
	query?.answer(0, ['8.8.8.8', '8.8.8.8']);
	t.is(show(await first), '2001:db8::1 10.0.0.1 8.8.8.8');
	t.is(await second, await first);
	t.is(names.peek('HOST.example'), await first);
});

test('waits a moment for the other kind of address, not for ever', async (t) => {
	const {names, queries, clock} = makeNames();
	const answer = names.resolve('a', 'host.example');
	await settle();
	queries.started[0]?.answer(0, ['8.8.8.8']);
	await clock.advance(99);
	t.is(show(names.peek('host.example')), 'not known');
	await clock.advance(1);
	t.is(show(await answer), '8.8.8.8');
	t.true(queries.started[0]?.cancelled);
	t.is(clock.armed, 0);
	// What comes later changes nothing.
	queries.started[0]?.answer(1, ['2001:db8::1']);
	await settle();
	t.is(show(names.peek('host.example')), '8.8.8.8');
	t.is(clock.armed, 0);
});

test('gives a name up after 5 s', async (t) => {
	const {names, queries, clock} = makeNames();
	const answer = names.resolve('a', 'slow.example');
	await settle();
	queries.started[0]?.answer(0, dnsError('ENODATA'));
	await clock.advance(4999);
	t.false(queries.started[0]?.cancelled);
	await clock.advance(1);
	t.is(show(await answer), 'no-answer');
	t.true(queries.started[0]?.cancelled);
	// The share of the user is free again.
	for (let i = 0; i < 8; i++) void names.resolve('a', `h${i}.example`);
	await settle();
	t.is(queries.started.length, 1 + 8);
});

const FAILURES: readonly (readonly [string, string, string])[] = [
	['ENOTFOUND', 'ENOTFOUND', 'unknown'],
	['ENODATA', 'ENOTFOUND', 'unknown'],
	['ESERVFAIL', 'ENOTFOUND', 'no-answer'],
	['ENODATA', 'ETIMEOUT', 'no-answer'],
	['EAI_AGAIN', 'EAI_AGAIN', 'no-answer'],
	['ECONNREFUSED', 'EREFUSED', 'no-answer'],
];

for (const [four, six, expected] of FAILURES) {
	test(`calls ${four} for IPv4 and ${six} for IPv6 ${expected}, for 5 s`, async (t) => {
		const {names, queries, clock} = makeNames();
		const answer = names.resolve('a', 'host.example');
		await settle();
		queries.started[0]?.answer(0, dnsError(four));
		queries.started[0]?.answer(1, dnsError(six));
		t.is(show(await answer), expected);
		await clock.advance(4999);
		t.is(show(await names.resolve('b', 'host.example')), expected);
		await clock.advance(1);
		t.is(show(names.peek('host.example')), 'not known');
		void names.resolve('b', 'host.example');
		await settle();
		t.is(queries.started.length, 2);
	});
}

test('a lookup that cannot even start is a failure like any other', async (t) => {
	const {names, queries} = makeNames();
	queries.query = () => {
		throw new Error('no descriptors');
	};
	for (let i = 0; i < 20; i++) {
		t.is(show(await names.resolve('a', `h${i}.example`)), 'no-answer');
	}
});

test('an empty or unreadable answer is an unknown name', async (t) => {
	for (const addresses of [[], ['fe80::1%eth0'], ['127.1', 'nonsense']]) {
		const {names, queries} = makeNames();
		const answer = names.resolve('a', 'host.example');
		await settle();
		queries.started[0]?.succeed(addresses);
		t.is(show(await answer), 'unknown');
	}
});

test('keeps addresses as long as they say, between a minute and an hour', async (t) => {
	for (const [ttl, kept] of [
		[0, 60],
		[61, 61],
		[4_000_000_000, 3600],
	] as const) {
		const {names, queries, clock} = makeNames();
		const answer = names.resolve('a', 'host.example');
		await settle();
		queries.started[0]?.succeed(['8.8.8.8'], ttl);
		await answer;
		await clock.advance(kept * 1000 - 1);
		t.is(show(names.peek('host.example')), '8.8.8.8');
		await clock.advance(1);
		t.is(show(names.peek('host.example')), 'not known');
	}
});

test('keeps sixteen addresses of a name', async (t) => {
	const {names, queries} = makeNames();
	const answer = names.resolve('a', 'host.example');
	await settle();
	queries.started[0]?.succeed(Array.from({length: 200}, (_, i) => `8.8.8.${i}`));
	t.is((await answer).addresses.length, 16);
});

test('a name that rebinds is judged by the addresses of each lookup', async (t) => {
	const {names, queries, clock} = makeNames();
	const policy = new ExitPolicy();
	const verdicts: boolean[] = [];
	for (const address of ['8.8.8.8', '127.0.0.1', '::ffff:169.254.169.254']) {
		const answer = names.resolve('a', 'rebind.example');
		await settle();
		queries.started.at(-1)?.succeed([address], 0);
		const {addresses} = await answer;
		verdicts.push(addresses.every((bytes) => policy.check('udp', bytes, 80) === undefined));
		await clock.advance(60_000);
	}
	t.deepEqual(verdicts, [true, false, false]);
});

test('eight lookups of one user at once, the ninth waits for one of them', async (t) => {
	const {names, queries} = makeNames();
	const answers = Array.from({length: 10}, (_, i) => names.resolve('a', `h${i}.example`));
	await settle();
	t.is(queries.started.length, 8);
	const other = names.resolve('b', 'other.example');
	await settle();
	t.is(queries.started.at(-1)?.name, 'other.example');
	queries.started.at(-1)?.succeed(['8.8.8.8']);
	t.is(show(await other), '8.8.8.8');
	queries.started[3]?.succeed(['1.1.1.1']);
	t.is(show(await answers[3]), '1.1.1.1');
	t.is(queries.started.at(-1)?.name, 'h8.example');
});

test('64 lookups of all users at once, then users in turn', async (t) => {
	const {names, queries} = makeNames();
	for (let user = 0; user < 9; user++) {
		for (let i = 0; i < 20; i++) void names.resolve(`u${user}`, `h${i}.u${user}.example`);
	}
	await settle();
	t.is(queries.started.length, 64);
	// The user who has nothing under way is next, however many wait before.
	queries.started[0]?.succeed(['1.1.1.1']);
	await settle();
	t.is(queries.started.at(-1)?.name, 'h0.u8.example');
	for (let i = 0; i < queries.started.length; i++) {
		queries.started[i]?.succeed(['1.1.1.1']);
		await settle();
		t.true(queries.started.length - (i + 1) <= 64);
	}
	t.is(queries.started.length, 180);
});

test('what cannot even wait is told so at once, and that is not remembered', async (t) => {
	const {names, queries} = makeNames();
	for (let i = 0; i < 8 + 256; i++) void names.resolve('a', `h${i}.example`);
	await settle();
	const refused = await names.resolve('a', 'more.example');
	t.is(refused.failure?.code, 'busy');
	t.regex(refused.failure?.detail ?? '', /this user/);
	t.is(show(names.peek('more.example')), 'not known');
	// The same name for another user is looked up.
	void names.resolve('b', 'more.example');
	await settle();
	t.is(queries.started.at(-1)?.name, 'more.example');
	let open = 8 + 256 + 1;
	for (let user = 0; user < 20; user++) {
		for (let i = 0; i < 300; i++) {
			open++;
			void names.resolve(`u${user}`, `h${i}.u${user}.example`).then(() => open--);
		}
	}
	await settle();
	t.is(open - queries.started.length, 4096);
	t.regex((await names.resolve('z', 'z.example')).failure?.detail ?? '', /all users/);
});

test('a name that waits in one line does not wait in the line of another user', async (t) => {
	const {names, queries} = makeNames();
	const slow = Array.from({length: 8}, (_, i) => names.resolve('a', `slow${i}.example`));
	const first = names.resolve('a', 'shared.example');
	const second = names.resolve('a', 'shared.example');
	const other = names.resolve('b', 'shared.example');
	await settle();
	t.is(queries.started.length, 9);
	queries.started[8]?.succeed(['1.1.1.1']);
	t.is(show(await other), '1.1.1.1');
	queries.started[0]?.fail('ENOTFOUND');
	t.is(show(await slow[0]), 'unknown');
	t.is(show(await first), '1.1.1.1');
	t.is(show(await second), '1.1.1.1');
	t.is(queries.started.length, 9);
});

test('a stop fails what is under way, what waits and what comes later', async (t) => {
	const {names, queries, clock} = makeNames();
	const answers = Array.from({length: 10}, (_, i) => names.resolve('a', `h${i}.example`));
	await settle();
	names.close();
	names.close();
	for (const answer of await Promise.all(answers)) t.is(show(answer), 'no-answer');
	t.is(show(await names.resolve('a', 'late.example')), 'no-answer');
	t.true(queries.closed);
	t.is(queries.started.length, 8);
	t.is(clock.armed, 0);
});

test('the cache holds 4,096 names, those asked for last', async (t) => {
	const {names, queries} = makeNames();
	for (let i = 0; i < 4200; i++) {
		const answer = names.resolve('a', `h${i}.example`);
		while (queries.started.length <= i) await Promise.resolve();
		queries.started[i]?.succeed(['8.8.8.8']);
		await answer;
		names.peek('h0.example');
	}
	t.is(show(names.peek('h0.example')), '8.8.8.8');
	t.is(show(names.peek('h1.example')), 'not known');
	t.is(show(names.peek('h104.example')), 'not known');
	t.is(show(names.peek('h105.example')), '8.8.8.8');
});

test('a cache agrees with a list kept in the order of use', (t) => {
	const operation = fc.tuple(
		fc.constantFrom('get', 'set', 'wait'),
		fc.nat({max: 9}),
		fc.nat({max: 5}),
	);
	fc.assert(
		fc.property(fc.array(operation), (operations) => {
			let now = 0;
			const cache = new NameCache<number>(4, () => now);
			let list: {name: string; value: number; until: number}[] = [];
			for (const [kind, key, number] of operations) {
				const name = `n${key}`;
				const known = list.find((entry) => entry.name === name);
				if (kind === 'wait') now += number;
				else list = list.filter((entry) => entry !== known);
				if (kind === 'get') {
					const alive = known !== undefined && now < known.until ? known : undefined;
					t.is(cache.get(name), alive?.value);
					if (alive !== undefined) list.push(alive);
				} else if (kind === 'set') {
					cache.set(name, number, number);
					list = [...list, {name, value: number, until: now + number}].slice(-4);
				}
			}
			for (let key = 0; key < 10; key++) {
				const known = list.find(({name}) => name === `n${key}`);
				t.is(
					cache.get(`n${key}`),
					known !== undefined && now < known.until ? known.value : undefined,
				);
			}
		}),
	);
});

const NSSWITCH: readonly (readonly [string, 'all' | 'local' | 'none'])[] = [
	['', 'none'],
	['hosts: files dns', 'none'],
	['# hosts: ldap\nhosts:\tfiles dns # nis', 'none'],
	['hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns', 'none'],
	['hosts: files mdns4_minimal [NOTFOUND=return] dns', 'local'],
	['hosts: files ldap dns', 'all'],
	['passwd: files\nhosts: files wins', 'all'],
	['hosts: files', 'all'],
	['networks: files nis', 'none'],
];

for (const [text, expected] of NSSWITCH) {
	test(`asks the C library for ${expected} of the names with ${JSON.stringify(text)}`, (t) => {
		t.is(readNsswitch(text), expected);
	});
}
