import type {ExecutionContext} from 'ava';
import {TwoLines} from '../support/e2e/lines.ts';
import {needing} from '../support/e2e/needs.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const NEEDS = {programs: ['ip', 'ss', 'nft'], namespaces: true} as const;
/** For paths that are bound to an interface or marked. */
const BOUND = {...NEEDS, batch: true};

/** Both paths are up, each through the interface that it is bound to. */
async function ownInterfaces(t: ExecutionContext, lines: TwoLines, eth1: string): Promise<void> {
	await lines.untilUp(2);
	const expected = ['10.8.0.2%eth0', `${eth1}%eth1`];
	await waitFor(() => lines.sources().join() === expected.join(), `${expected}`);
	t.deepEqual(lines.sources(), expected);
}

needing(BOUND).serial('a path stays on its interface, whatever happens to that', async (t) => {
	const lines = new TwoLines(t);
	await lines.start(['name=a bind=eth0', 'name=b bind=eth1']);
	await lines.untilUp(2);
	await lines.send();
	const gone = (word: RegExp) =>
		lines.until(({sessions}) => word.test(sessions[0]?.paths[1]?.down?.reason ?? ''), `${word}`);

	lines.ip('link', 'set', 'eth1', 'down');
	await gone(/no route/);
	lines.ip('link', 'set', 'eth1', 'up');
	lines.route('eth1');
	await ownInterfaces(t, lines, '10.9.0.2');

	lines.ip('link', 'del', 'eth1');
	await gone(/eth1: this machine does not have the network interface/);
	t.regex(lines.client.stderr, /a path is down.*path=b.*does not have the network interface/);
	lines.lay('eth1');
	await ownInterfaces(t, lines, '10.9.0.2');

	lines.ip('addr', 'del', '10.9.0.2/24', 'dev', 'eth1');
	lines.ip('addr', 'add', '10.9.0.77/24', 'dev', 'eth1');
	lines.route('eth1');
	await ownInterfaces(t, lines, '10.9.0.77');
	t.like(await lines.settle(), {lost: 0});
});

for (const io of ['batch', 'dgram']) {
	needing({...NEEDS, batch: io === 'batch'}).serial(
		`${io}: a path without bind follows the default route`,
		async (t) => {
			const lines = new TwoLines(t);
			await lines.start(['name=a'], ['--io', io]);
			await lines.untilUp(1);
			t.deepEqual(lines.sources(), ['10.8.0.2']);
			await lines.send();
			lines.mute('eth0');
			await lines.untilUp(0);
			const from = performance.now();
			lines.route('eth1', 50);
			await lines.untilUp(1);
			t.log(`up ${Math.round(performance.now() - from)} ms after the route moved`);
			t.deepEqual(lines.sources(), ['10.9.0.2']);
			// Back again, with a line that works all the time.
			lines.ip('route', 'del', 'default', 'dev', 'eth0');
			await lines.untilUp(1);
			t.deepEqual(lines.sources(), ['10.9.0.2']);
		},
	);
}

needing(NEEDS).serial(
	'an address of the server that goes and comes back is listened on at once',
	async (t) => {
		const lines = new TwoLines(t);
		await lines.start(['name=a']);
		await lines.untilUp(1);
		await lines.send();
		const times: number[] = [];
		for (let round = 1; round <= 3; round++) {
			lines.run(lines.serverHost, 'ip', 'addr', 'del', '10.7.0.1/32', 'dev', 'lo');
			const count = (text: string) => lines.server.stderr.split(text).length - 1;
			await waitFor(() => count('an address of this machine has gone') === round, 'gone');
			await lines.untilUp(0);
			const from = performance.now();
			lines.run(lines.serverHost, 'ip', 'addr', 'add', '10.7.0.1/32', 'dev', 'lo');
			await waitFor(() => count('listening on another address') === round, 'listening');
			times.push(performance.now() - from);
			await lines.untilUp(1);
		}
		t.log(`listening after ${times.map(Math.round).join(', ')} ms`);
		// Without word of it three looks every 5 s would take 7.5 s.
		t.true(times.reduce((sum, time) => sum + time) < 6000);
	},
);

needing(BOUND).serial(
	'a NAT that keeps a dead mapping is left by another local port',
	async (t) => {
		const lines = new TwoLines(t);
		await lines.start(['name=a', 'name=b bind=eth1']);
		await lines.untilUp(2);
		await lines.send();
		const port = async () => (await lines.status('client')).places[0]!.localPorts[0]!;
		const usual = await port();
		lines.blockPort(usual);
		await lines.untilUp(1);
		const from = performance.now();
		await lines.untilUp(2, 60_000);
		t.log(`up ${Math.round(performance.now() - from)} ms after the path went down`);
		const fresh = await port();
		t.not(fresh, usual);
		t.like(await lines.settle(), {lost: 0});
		// What works is remembered; when that does not work any more at the next start, another is found.
		await lines.restartClient();
		await lines.untilUp(2);
		t.is(await port(), fresh);
		lines.blockPort(fresh);
		await lines.restartClient();
		await lines.untilUp(2, 60_000);
		t.false([usual, fresh].includes(await port()));
	},
);

needing(BOUND).serial('a mark chooses the route, and outlives every reconnect', async (t) => {
	const lines = new TwoLines(t);
	lines.ip('route', 'add', 'default', 'via', '10.9.0.1', 'dev', 'eth1', 'table', '7');
	lines.ip('rule', 'add', 'fwmark', '7', 'table', '7');
	await lines.start(['name=a mark=7']);
	await lines.untilUp(1);
	const leavesFrom = async (address: string) => {
		await waitFor(() => lines.sources().join() === address, address);
		await lines.untilUp(1);
	};
	await leavesFrom('10.9.0.2');
	await lines.send();
	lines.ip('link', 'set', 'eth1', 'down');
	await leavesFrom('10.8.0.2');
	lines.ip('link', 'set', 'eth1', 'up');
	lines.ip('route', 'add', 'default', 'via', '10.9.0.1', 'dev', 'eth1', 'table', '7');
	await leavesFrom('10.9.0.2');
	t.pass();
});

needing({...NEEDS, programs: [...NEEDS.programs, 'setpriv']}).serial(
	'a mark without the right to it is said with its place',
	async (t) => {
		const stage = new Stage(t);
		const conf = stage.write('c.conf', '127.0.0.1 9 mark=7\n');
		const without = [
			'setpriv',
			'--bounding-set=-net_admin,-net_raw',
			'--inh-caps=-net_admin,-net_raw',
		];
		const client = stage.program('mpclient', [conf, '--no-listen', '--no-socks'], {}, without);
		t.is(await client.end(), 1);
		t.true(client.stderr.includes(`${conf}:1: mark=7 needs --io batch and the capability`));
	},
);
