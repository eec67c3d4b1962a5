import test from 'ava';
import {SCARCE, SocketBudget} from '../../../src/net/udp/socket-budget.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {socketBudget} from '../../support/sockets/socket-budget.ts';

function setUp(limit: number, users: readonly string[] = ['ann']) {
	const asked: string[] = [];
	const reporter = new FakeReporter();
	const scarce = (user: string) => asked.push(user);
	const budget = new SocketBudget({limit, users, reporter, scarce});
	const take = (user: string, count: number) => {
		let taken = 0;
		for (let i = 0; i < count; i++) if (budget.of(user).take()) taken++;
		return taken;
	};
	return {asked, budget, take};
}

test('who holds sockets that are idle is asked for them before there are none', (t) => {
	const {asked, budget, take} = setUp(1000);
	t.is(take('ann', 1000 - SCARCE), 1000 - SCARCE);
	t.deepEqual(asked, []);
	t.is(take('ann', SCARCE), SCARCE);
	t.is(asked.length, SCARCE);
	t.is(take('ann', 1), 0);
	t.is(asked.length, SCARCE + 1);
	t.is(budget.of('ann').used, 1000);
});

test('a small number of sockets is not scarce from the beginning', (t) => {
	const {asked, take} = setUp(16);
	take('ann', 12);
	t.deepEqual(asked, []);
	take('ann', 1);
	t.deepEqual(asked, ['ann']);
});

test('every user is guaranteed a share of one half, and the rest is lent', (t) => {
	const {budget, take} = setUp(100, ['ann', 'bob']);
	t.is(take('ann', 1000), 75);
	t.is(take('bob', 1000), 25);
	for (let i = 0; i < 30; i++) budget.of('ann').give();
	t.is(take('bob', 1000), 30);
});

test('whoever has borrowed most makes room for another, beside that user itself', (t) => {
	const {asked, take} = setUp(100, ['ann', 'bob', 'cid']);
	take('ann', 50);
	take('cid', 17);
	asked.length = 0;
	take('bob', 26);
	t.deepEqual(new Set(asked), new Set(['bob', 'ann']));
});

test('a flow whose user is not known takes nothing from anybody', (t) => {
	const budget = socketBudget(100, ['ann', 'bob']);
	t.false(budget.of('').take());
	for (const user of ['', 'ann', 'bob']) t.is(budget.of(user).used, 0);
});

test('a limit that is unknown is none', (t) => {
	const {take} = setUp(Number.POSITIVE_INFINITY, ['ann', 'bob']);
	t.is(take('ann', 10_000), 10_000);
	t.is(take('bob', 10_000), 10_000);
});
