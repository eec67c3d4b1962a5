import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {HostsFile} from '../../../src/net/names/hosts-file.ts';
import {
	orderAddresses,
	type Sources,
	sourcesOf,
	systemSources,
} from '../../../src/net/names/order.ts';
import {formatIp, parseIp} from '../../../src/text/ip.ts';
import {FakeHosts, makeNames, show} from './names-fakes.ts';

const HOSTS = `# a comment
127.0.0.1	localhost
::1 localhost ip6-localhost # another
10.0.0.5   Intranet.Example.  intranet
::ffff:10.0.0.6 mapped.example
fe80::1%lo0 zoned.example
0177.0.0.1 octal.example
nonsense
 10.0.0.7 indented.example\r
10.0.0.8 2130706433 127.1
`;

test('the hosts file comes first, and no name server is asked for what it gives', async (t) => {
	const {names, queries} = makeNames(HOSTS);
	t.is(show(names.peek('localhost')), 'not known');
	for (const [name, expected] of [
		['localhost', '::1 127.0.0.1'],
		['INTRANET', '10.0.0.5'],
		['intranet.example', '10.0.0.5'],
		['mapped.example', '10.0.0.6'],
		['indented.example', '10.0.0.7'],
		['2130706433', 'invalid'],
		['127.1', 'invalid'],
	] as const) {
		t.is(show(await names.resolve('a', name)), expected, name);
		t.is(show(names.peek(name)), expected, name);
	}
	t.is(queries.started.length, 0);
	for (const name of ['zoned.example', 'octal.example']) void names.resolve('a', name);
	await names.resolve('a', 'localhost');
	t.is(queries.started.length, 2);
});

test('a change of the hosts file is seen within a second, a file unchanged is not read again', async (t) => {
	const {names, clock, hosts} = makeNames('10.0.0.1 a.example');
	t.is(show(await names.resolve('u', 'a.example')), '10.0.0.1');
	for (let i = 0; i < 5; i++) {
		await clock.advance(1000);
		await names.resolve('u', 'a.example');
	}
	t.is(hosts.reads, 1);
	hosts.text = '10.0.0.2 a.example';
	t.is(show(await names.resolve('u', 'a.example')), '10.0.0.1');
	await clock.advance(1000);
	t.is(show(await names.resolve('u', 'a.example')), '10.0.0.2');
	hosts.text = undefined;
	await clock.advance(1000);
	t.is(show(names.peek('a.example')), '10.0.0.2');
	await clock.advance(0);
	t.is(show(names.peek('a.example')), 'not known');
});

test('a real file is read, changed and removed', async (t) => {
	const folder = await mkdtemp(join(tmpdir(), 'mptunnel-hosts-'));
	t.teardown(() => rm(folder, {recursive: true}));
	const path = join(folder, 'hosts');
	let now = 0;
	const hosts = new HostsFile(path, () => now);
	const find = async (name: string): Promise<string | undefined> => {
		now += 1000;
		await hosts.refresh();
		return hosts.find(name)?.map(formatIp).join(' ');
	};
	t.false(hosts.isKnown);
	t.is(await find('a'), undefined);
	t.true(hosts.isKnown);
	await writeFile(path, '10.0.0.1 a\n');
	t.is(await find('a'), '10.0.0.1');
	const lines = Array.from({length: 50_000}, (_, i) => `0.0.0.0 blocked${i}.example`);
	await writeFile(path, [...lines, '10.0.0.12 a'].join('\n'));
	t.is(await find('a'), '10.0.0.12');
	t.is(hosts.find('blocked49999.example')?.length, 1);
	await rm(path);
	t.is(await find('a'), undefined);
});

test('looks at the file once for all who ask at the same time', async (t) => {
	const source = new FakeHosts('10.0.0.1 a');
	const hosts = new HostsFile(source, () => 0);
	await Promise.all([hosts.refresh(), hosts.refresh(), hosts.refresh()]);
	t.is(source.reads, 1);
	t.is(hosts.refresh(), undefined);
});

function ordered(addresses: string, sources: Sources): string {
	const bytes = addresses.split(' ').map((text) => parseIp(text) ?? new Uint8Array(4));
	return orderAddresses(bytes, sources).map(formatIp).join(' ');
}

const BOTH: Sources = {ipv4: true, ipv6: 'global'};
const ORDERS: readonly (readonly [string, Sources, string])[] = [
	['8.8.8.8 2600::1', BOTH, '2600::1 8.8.8.8'],
	['8.8.8.8 2600::1', {ipv4: true, ipv6: 'none'}, '8.8.8.8 2600::1'],
	['8.8.8.8 2600::1', {ipv4: false, ipv6: 'global'}, '2600::1 8.8.8.8'],
	// A host with unique local addresses only has no way to the IPv6 internet.
	['2600::1 8.8.8.8 fd00::1', {ipv4: true, ipv6: 'local'}, '8.8.8.8 fd00::1 2600::1'],
	[
		'8.8.8.8 2002:808:808::1 2001:0:1::1 2600::1',
		BOTH,
		'2600::1 8.8.8.8 2002:808:808::1 2001:0:1::1',
	],
	['127.0.0.1 ::1', {ipv4: true, ipv6: 'none'}, '::1 127.0.0.1'],
	// Equals stay as the name server gave them, each once.
	['8.8.8.8 1.1.1.1 8.8.8.8 9.9.9.9', BOTH, '8.8.8.8 1.1.1.1 9.9.9.9'],
	['8.8.8.8', {ipv4: false, ipv6: 'none'}, '8.8.8.8'],
];

for (const [addresses, sources, expected] of ORDERS) {
	test(`puts ${addresses} in order (IPv4 ${sources.ipv4}, IPv6 ${sources.ipv6})`, (t) => {
		t.is(ordered(addresses, sources), expected);
	});
}

test('sources are the addresses that lead beyond this machine and its links', (t) => {
	t.deepEqual(sourcesOf([]), {ipv4: false, ipv6: 'none'});
	t.deepEqual(sourcesOf(['127.0.0.1', '::1', 'fe80::1', '169.254.1.1']), {
		ipv4: false,
		ipv6: 'none',
	});
	t.deepEqual(sourcesOf(['10.0.0.1', 'fd00::1']), {ipv4: true, ipv6: 'local'});
	t.deepEqual(sourcesOf(['2600::1', 'fd00::1', 'fe80::1%eth0']), {ipv4: false, ipv6: 'global'});
	t.is(typeof systemSources().ipv4, 'boolean');
});
