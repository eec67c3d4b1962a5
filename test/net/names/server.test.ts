import test, {type ExecutionContext} from 'ava';
import {Names} from '../../../src/net/names/names.ts';
import {SystemQueries} from '../../../src/net/names/queries.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {type DnsReply, DnsServer} from './names-dns-server.ts';
import {FakeHosts, show} from './names-fakes.ts';

interface Setting {
	readonly server: DnsServer;
	readonly names: Names;
}

/** Names asked of a real name server on loopback. */
async function start(
	t: ExecutionContext,
	reply: (name: string, type: 'A' | 'AAAA') => DnsReply,
): Promise<Setting> {
	const server = new DnsServer(reply);
	const address = await server.listen();
	const now = (): number => performance.now();
	const queries = new SystemQueries({servers: [address], nsswitch: 'hosts: files dns', now});
	const names = new Names({
		queries,
		hosts: new FakeHosts('127.0.0.1 localhost'),
		sources: () => ({ipv4: true, ipv6: 'global'}),
	});
	t.teardown(() => {
		names.close();
		server.close();
	});
	return {server, names};
}

function a(name: string, data: string, ttl = 60): DnsReply {
	return {records: [{name, type: 'A', data, ttl}]};
}

test.serial('asks a name server for both kinds of address, once, then remembers', async (t) => {
	const {server, names} = await start(t, (name, type) =>
		type === 'A' ? a(name, '8.8.8.8') : {records: [{name, type, data: '2600::1', ttl: 60}]},
	);
	t.is(show(await names.resolve('a', 'Host.Example')), '2600::1 8.8.8.8');
	t.is(show(await names.resolve('b', 'host.example.')), '2600::1 8.8.8.8');
	t.deepEqual([...server.questions].sort(), ['A host.example', 'AAAA host.example']);
});

test.serial('follows aliases and takes many addresses', async (t) => {
	const {names} = await start(t, (name, type) => {
		if (type === 'AAAA') return {};
		const alias = {name, type: 'CNAME', data: 'real.example', ttl: 60} as const;
		const addresses = Array.from({length: 25}, (_, i) => ({
			name: 'real.example',
			type: 'A' as const,
			data: `9.9.9.${i}`,
			ttl: 60,
		}));
		return {records: [alias, ...addresses]};
	});
	const answer = await names.resolve('a', 'alias.example');
	t.is(answer.addresses.length, 16);
	t.is(show(answer).split(' ')[0], '9.9.9.0');
});

test.serial('tells unknown names from servers that fail', async (t) => {
	const {names} = await start(t, (name) => {
		if (name === 'missing.example') return {code: 3};
		if (name === 'empty.example') return {};
		return {code: name === 'refused.example' ? 5 : 2};
	});
	t.is(show(await names.resolve('a', 'missing.example')), 'unknown');
	t.is(show(await names.resolve('a', 'empty.example')), 'unknown');
	t.is(show(await names.resolve('a', 'refused.example')), 'no-answer');
	t.is(show(await names.resolve('a', 'broken.example')), 'no-answer');
});

test.serial('one kind of address without an answer does not hold up the other', async (t) => {
	const {names} = await start(t, (name, type) =>
		type === 'A' && name === 'half.example' ? a(name, '8.8.8.8') : {silent: true},
	);
	let silent = true;
	const other = names.resolve('b', 'silent.example').then(() => (silent = false));
	t.is(show(await names.resolve('a', 'half.example')), '8.8.8.8');
	t.true(silent, 'it comes before the limit of a lookup');
	await other;
});

test.serial('names that get no answer delay nobody else and end after 5 s', async (t) => {
	const {names} = await start(t, (name) => {
		if (name.endsWith('silent.example')) return {silent: true};
		return name.endsWith('slow.example') ? {...a(name, '9.9.9.9'), delay: 300} : a(name, '8.8.8.8');
	});
	const before = performance.now();
	let ended = 0;
	const silent = Array.from({length: 8}, (_, i) =>
		names.resolve('a', `${i}.silent.example`).finally(() => ended++),
	);
	const slow = Array.from({length: 8}, (_, i) => names.resolve('b', `${i}.slow.example`));
	for (let i = 0; i < 20; i++) {
		t.is(show(await names.resolve('c', `${i}.quick.example`)), '8.8.8.8');
	}
	t.is(ended, 0);
	for (const answer of await Promise.all(slow)) t.is(show(answer), '9.9.9.9');
	for (const answer of await Promise.all(silent)) t.is(show(answer), 'no-answer');
	t.true(performance.now() - before > 4000);
	// The share of the user is free again.
	t.is(show(await names.resolve('a', 'after.quick.example')), '8.8.8.8');
});

test.serial(
	'a name server that rebinds a name is heard again when the answer has expired',
	async (t) => {
		let count = 0;
		const {names} = await start(t, (name, type) => {
			if (type === 'AAAA') return {records: [{name, type, data: '::ffff:10.0.0.1', ttl: 0}]};
			return a(name, count++ === 0 ? '8.8.8.8' : '127.0.0.1', 0);
		});
		t.is(show(await names.resolve('a', 'rebind.example')), '8.8.8.8 10.0.0.1');
		t.is(show(await names.resolve('a', 'rebind.example')), '8.8.8.8 10.0.0.1');
		t.is(count, 1);
	},
);

test.serial('numbers in odd spellings reach no name server', async (t) => {
	const {server, names} = await start(t, (name) => a(name, '127.0.0.1'));
	for (const text of ['0177.0.0.1', '2130706433', '0x7f.1', '127.1', '\uff11\uff12\uff17.1']) {
		t.is(show(await names.resolve('a', text)), 'invalid', text);
	}
	t.deepEqual(server.questions, []);
});

test.serial('a stop ends lookups at once', async (t) => {
	const {server, names} = await start(t, () => ({silent: true}));
	const answer = names.resolve('a', 'silent.example');
	await waitFor(() => server.questions.length > 0, 'a question');
	names.close();
	t.is(show(await answer), 'no-answer');
});

test('slow names without a dot of one user delay nobody else', async (t) => {
	const begun: string[] = [];
	const finish = new Map<string, () => void>();
	const queries = new SystemQueries({
		nsswitch: '',
		now: () => 0,
		library: (name) => {
			begun.push(name);
			return new Promise((resolve) => {
				finish.set(name, () => resolve([{address: '192.0.2.1'}]));
			});
		},
	});
	const slow = Array.from({length: 50}, (_, i) => queries.query(`slow${i}`, 'greedy'));
	// Nothing stops a lookup that has begun: what its user gave up holds its thread all the same.
	for (const {parts, cancel} of slow) {
		parts[0]!.catch(() => {});
		cancel();
	}
	const {parts} = queries.query('printer', 'modest');
	t.deepEqual(begun, ['slow0', 'printer']);
	finish.get('printer')!();
	t.deepEqual(await parts[0], [{address: '192.0.2.1', ttl: 0}]);
	finish.get('slow0')!();
	await new Promise((resolve) => setImmediate(resolve));
	t.deepEqual(begun, ['slow0', 'printer']);
	queries.close();
});

test.serial('names without a dot go to the C library', async (t) => {
	const {server, names} = await start(t, (name) => a(name, '8.8.8.8'));
	t.is(show(await names.resolve('a', 'localhost')), '127.0.0.1');
	// Not in the hosts file of the test, but in that of any machine.
	const queries = new SystemQueries({nsswitch: '', now: () => 0});
	const found = await queries.query('localhost').parts[0];
	t.true(found?.some(({address}) => address === '127.0.0.1' || address === '::1'));
	queries.close();
	t.deepEqual(server.questions, []);
});
