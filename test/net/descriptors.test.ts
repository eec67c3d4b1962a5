import test from 'ava';
import {SCARCE, SocketBudget} from '../../src/net/descriptors.ts';

test('who holds sockets that are idle is asked for them before there are none', (t) => {
	let asked = 0;
	const budget = new SocketBudget(1000, () => asked++);
	for (let i = 0; i < 1000 - SCARCE; i++) t.true(budget.take());
	t.is(asked, 0);
	for (let i = 0; i < SCARCE; i++) t.true(budget.take());
	t.is(asked, SCARCE);
	t.false(budget.take());
	t.is(asked, SCARCE + 1);
	t.is(budget.used, 1000);
});

test('a small number of sockets is not scarce from the beginning', (t) => {
	let asked = 0;
	const budget = new SocketBudget(16, () => asked++);
	for (let i = 0; i < 12; i++) budget.take();
	t.is(asked, 0);
	budget.take();
	t.is(asked, 1);
});
