import {Socket} from 'node:net';
import test from 'ava';
import {TcpRace} from '../../../src/net/tcp/race.ts';
import {parseIp} from '../../../src/text/ip.ts';
import {RefusalCode} from '../../../src/wire/constants.ts';
import {FakeClock} from '../../support/fakes/fake-clock.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {socketBudget} from '../../support/sockets/socket-budget.ts';

const SIX = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
const FOUR = ['192.0.2.1', '192.0.2.2'];

/** A race of sockets that do what the test says. */
function race(addresses: readonly string[], limit = 100) {
	const clock = new FakeClock();
	const budget = socketBudget(limit);
	const attempts: {host: string; at: number; socket: Socket}[] = [];
	const outcomes: (Socket | number)[] = [];
	const one = new TcpRace({
		addresses: addresses.map((text) => parseIp(text)!),
		port: 80,
		account: budget.of('ann'),
		clock,
		open: (host) => {
			const socket = new Socket();
			attempts.push({host, at: clock.now, socket});
			return socket;
		},
		done: (outcome) => outcomes.push(outcome),
	});
	one.start();
	const fail = async (index: number, code: string) => {
		const {socket} = attempts[index]!;
		const before = attempts.length + outcomes.length;
		socket.destroy(Object.assign(new Error(code), {code}));
		await waitFor(() => attempts.length + outcomes.length > before, 'what comes of a failure');
	};
	const hosts = () => attempts.map(({host}) => host);
	return {clock, budget, attempts, outcomes, one, fail, hosts};
}

test('attempts begin 250 ms apart, the families in turn, and none is given up', (t) => {
	const {clock, attempts, outcomes, hosts} = race([...SIX, ...FOUR]);
	clock.pass(10_000);
	t.deepEqual(hosts(), [SIX[0], FOUR[0], SIX[1], FOUR[1], SIX[2]]);
	t.deepEqual(
		attempts.map(({at}) => at),
		[0, 250, 500, 750, 1000],
	);
	t.true(attempts.every(({socket}) => !socket.destroyed));
	t.deepEqual(outcomes, []);
});

test('the best family begins', (t) => {
	const {clock, hosts} = race([...FOUR, SIX[0]!]);
	clock.pass(1000);
	t.deepEqual(hosts(), [FOUR[0], SIX[0], FOUR[1]]);
});

test('the first to connect wins, late as it may be, and the others are closed', async (t) => {
	const {clock, attempts, outcomes, budget} = race([...SIX, ...FOUR]);
	clock.pass(600);
	t.is(budget.of('ann').used, 3);
	const {socket} = attempts[0]!;
	socket.emit('connect');
	t.deepEqual(outcomes, [socket]);
	t.false(socket.destroyed);
	t.true(attempts.slice(1).every((one) => one.socket.destroyed));
	t.is(clock.armed, 0);
	clock.pass(10_000);
	t.is(attempts.length, 3);
	await waitFor(() => budget.of('ann').used === 1);
	socket.destroy();
	await waitFor(() => budget.of('ann').used === 0);
});

test('a failure begins the next attempt at once, and its 250 ms anew', async (t) => {
	const {clock, attempts, fail, hosts} = race([SIX[0]!, SIX[1]!, SIX[2]!]);
	clock.pass(100);
	await fail(0, 'ENETUNREACH');
	t.deepEqual(hosts(), [SIX[0], SIX[1]]);
	clock.pass(249);
	t.is(attempts.length, 2);
	clock.pass(1);
	t.is(attempts.length, 3);
});

const {REFUSED, NET_UNREACHABLE, HOST_UNREACHABLE, TIMED_OUT, DENIED, DESCRIPTORS, SOCKET} =
	RefusalCode;

for (const [codes, expected] of [
	[['ETIMEDOUT', 'ENETUNREACH', 'ECONNREFUSED'], REFUSED],
	[['ECONNREFUSED', 'ENETUNREACH', 'EWHATEVER'], REFUSED],
	[['EHOSTUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT'], NET_UNREACHABLE],
	[['ETIMEDOUT', 'EHOSTUNREACH'], HOST_UNREACHABLE],
	[['EACCES', 'ETIMEDOUT'], TIMED_OUT],
	[['EPERM'], DENIED],
	[['EMFILE', 'EWHATEVER'], DESCRIPTORS],
	[['EWHATEVER'], SOCKET],
] as const) {
	test(`${codes.join(', ')} together are refusal ${expected}`, async (t) => {
		const {fail, outcomes, budget, clock} = race(SIX.slice(0, codes.length));
		for (const [index, code] of codes.entries()) await fail(index, code);
		t.deepEqual(outcomes, [expected]);
		await waitFor(() => budget.of('ann').used === 0);
		t.is(clock.armed, 0);
	});
}

test('without a descriptor there is no attempt', (t) => {
	const {outcomes, attempts} = race(SIX, 0);
	t.deepEqual(outcomes, [DESCRIPTORS]);
	t.is(attempts.length, 0);
});

test('descriptors that run out end the attempts, not the race', async (t) => {
	const {clock, outcomes, attempts, fail} = race(SIX, 2);
	clock.pass(10_000);
	t.is(attempts.length, 2);
	attempts[0]!.socket.destroy(Object.assign(new Error('x'), {code: 'ECONNREFUSED'}));
	await waitFor(() => attempts[0]!.socket.closed);
	t.deepEqual(outcomes, []);
	await fail(1, 'ETIMEDOUT');
	t.deepEqual(outcomes, [REFUSED]);
});

test('a race that is stopped has no outcome and leaves nothing open', async (t) => {
	const {clock, outcomes, attempts, one, budget} = race(SIX);
	clock.pass(300);
	one.stop();
	t.true(attempts.every(({socket}) => socket.destroyed));
	clock.pass(10_000);
	t.is(attempts.length, 2);
	await waitFor(() => budget.of('ann').used === 0);
	t.deepEqual(outcomes, []);
});
