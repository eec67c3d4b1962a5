import test, {type ExecutionContext} from 'ava';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {ExitUpkeep, type ExitUpkeepInit} from '../../../src/net/exit/upkeep.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {found, ip, NOT_FOUND, rules} from '../../support/sockets/exit-set-up.ts';

function setUp(t: ExecutionContext, init: Partial<ExitUpkeepInit>) {
	const reporter = new FakeReporter();
	let changes = 0;
	const upkeep = new ExitUpkeep({
		policy: new ExitPolicy(),
		rules: [],
		resolve: async () => NOT_FOUND,
		bind: [],
		reporter,
		changed: () => changes++,
		addresses: () => ['198.51.100.200'],
		...init,
	});
	t.teardown(() => upkeep.close());
	return {upkeep, reporter, changes: () => changes};
}

test('addresses of this machine are denied on every port, as they come and go', async (t) => {
	const policy = new ExitPolicy();
	let addresses = ['198.51.101.1', 'fe80::1%eth0'];
	const {upkeep, changes} = setUp(t, {
		policy,
		bind: ['2600::5'],
		addresses: () => addresses,
	});
	await upkeep.start();
	const isOwn = (text: string, port = 53) => policy.check('udp', ip(text), port) !== undefined;
	t.true(isOwn('198.51.101.1'));
	t.true(isOwn('198.51.101.1', 60_000));
	t.true(isOwn('2600::5'));
	t.false(isOwn('198.51.101.2'));
	upkeep.rescan();
	t.is(changes(), 1);
	addresses = ['198.51.101.2'];
	upkeep.rescan();
	t.is(changes(), 2);
	t.false(isOwn('198.51.101.1'));
	t.true(isOwn('198.51.101.2'));
	addresses = [];
	upkeep.rescan();
	t.true(isOwn('198.51.101.2'));
});

test('names in rules are looked up before the start is over, and again later', async (t) => {
	const deny = rules('a.test', 'b.test:53', 'a.test:1');
	const allow = rules('home.test');
	const policy = new ExitPolicy({allow, deny});
	const table: Record<string, string> = {'a.test': '8.8.8.8', 'home.test': '10.0.0.1'};
	const asked: string[] = [];
	const {upkeep, reporter} = setUp(t, {
		policy,
		rules: [allow, deny],
		resolve: async (user, name) => {
			asked.push(`${user} ${name}`);
			return table[name] === undefined ? NOT_FOUND : found(table[name]);
		},
	});
	await upkeep.start();
	t.deepEqual(asked.toSorted(), [' a.test', ' b.test', ' home.test']);
	t.truthy(policy.check('udp', ip('8.8.8.8'), 99));
	t.is(policy.check('udp', ip('10.0.0.1'), 99), undefined);
	t.deepEqual(reporter.lines, ['warn: a name in --allow or --deny cannot be resolved']);
	table['a.test'] = '8.8.4.4';
	delete table['home.test'];
	await upkeep.lookUp();
	t.is(policy.check('udp', ip('8.8.8.8'), 99), undefined);
	t.truthy(policy.check('udp', ip('8.8.4.4'), 99));
	// Without an answer the rule keeps the addresses it had.
	t.is(policy.check('udp', ip('10.0.0.1'), 99), undefined);
	t.is(reporter.lines.length, 2);
});

test('the real interfaces are among the own addresses', async (t) => {
	const policy = new ExitPolicy({allow: rules('*')});
	const upkeep = new ExitUpkeep({
		policy,
		rules: [],
		resolve: async () => NOT_FOUND,
		bind: [],
		reporter: new FakeReporter(),
		changed: () => {},
	});
	await upkeep.start();
	upkeep.close();
	const refusal = policy.check('udp', ip('127.0.0.1'), 80);
	t.is(refusal?.detail, 'an address of the server itself');
});

test('where no addresses are listed only what a rule opens is reached, and it is said why', async (t) => {
	for (const addresses of [
		() => [],
		() => {
			throw new Error('uv_interface_addresses returned EAFNOSUPPORT');
		},
	]) {
		const policy = new ExitPolicy({allow: rules('10.1.0.0/16')});
		const {upkeep, reporter, changes} = setUp(t, {policy, bind: ['0.0.0.0'], addresses});
		await upkeep.start();
		t.truthy(policy.check('udp', ip('8.8.8.8'), 53));
		t.truthy(policy.check('tcp', ip('2600::1'), 443));
		t.is(policy.check('udp', ip('10.1.0.7'), 53), undefined);
		t.is(changes(), 1);
		upkeep.rescan();
		t.is(changes(), 1);
		t.is(reporter.lines.length, 1);
		t.regex(reporter.lines[0]!, /^warn: .*cannot be listed.*AF_NETLINK/);
		t.regex(String(reporter.fields[0]?.['reason']), /EAFNOSUPPORT|lists none/);
	}
});

test('where no addresses are listed the system is asked about each', async (t) => {
	let isKnown = false;
	const policy = new ExitPolicy({
		locality: {isLocal: (address) => (isKnown ? address[0] === 5 : undefined)},
	});
	const {upkeep} = setUp(t, {policy, addresses: () => []});
	await upkeep.start();
	t.truthy(policy.check('udp', ip('8.8.8.8'), 53));
	isKnown = true;
	t.is(policy.check('udp', ip('8.8.8.8'), 53), undefined);
	t.is(policy.check('tcp', ip('::ffff:5.6.7.8'), 53)?.detail, 'an address of the server itself');
});

test('a flow that is open loses a target that a route makes our own', async (t) => {
	const told: (() => void)[] = [];
	let watches = 0;
	const watch = (changed: () => void) => {
		watches++;
		told.push(changed);
		return {close: () => watches--};
	};
	const {upkeep, changes} = setUp(t, {locality: {rescan: () => {}}, watch});
	await upkeep.start();
	upkeep.rescan();
	t.is(changes(), 1);
	for (let i = 0; i < 100; i++) told[0]!();
	t.is(changes(), 1, 'a flood of changes costs nothing');
	upkeep.rescan();
	t.is(changes(), 2);
	upkeep.rescan();
	t.is(changes(), 2);
	upkeep.close();
	t.is(watches, 0);
});

test('where the system does not tell of its routes they are taken as changed', async (t) => {
	const {upkeep, changes} = setUp(t, {
		locality: {rescan: () => {}},
		watch: () => undefined,
	});
	await upkeep.start();
	upkeep.rescan();
	t.is(changes(), 2);
});
