import test from 'ava';
import fc from 'fast-check';
import {type Account, Budget} from '../../src/core/budget.ts';

test('whatever others do, each account gets what it is guaranteed, and all together no more than there is', (t) => {
	const step = fc.tuple(fc.nat(4), fc.boolean(), fc.integer({min: 1, max: 300}));
	fc.assert(
		fc.property(fc.array(step, {maxLength: 200, size: 'max'}), (steps) => {
			const budget = new Budget(1000, 5);
			const accounts = Array.from({length: 5}, () => budget.account());
			for (const [index, gives, count] of steps) {
				const account = accounts[index]!;
				if (gives) account.give(Math.min(account.used, count));
				else account.take(count);
				t.true(accounts.reduce((sum, {used}) => sum + used, 0) <= 1000);
				for (const each of accounts) t.true(each.used + each.room >= budget.guarantee);
			}
			for (const account of accounts) account.take(Math.max(0, budget.guarantee - account.used));
			t.true(accounts.every(({used}) => used >= budget.guarantee));
			for (const account of accounts) account.give(account.used);
			t.is(budget.borrowed, 0);
			t.is(accounts[0]!.room, 600);
		}),
		{numRuns: 200},
	);
});

test('one account alone has everything, up to its cap', (t) => {
	t.is(new Budget(1000, 1).account().room, 1000);
	t.is(new Budget(1000, 1).account(100).room, 100);
	t.is(new Budget(1000, 4).account().room, 625);
});

test('growth leaves a part, beginnings do not', (t) => {
	const account = new Budget(1000, 1).account();
	t.is(account.takeUpTo(10_000, 16), 750);
	t.false(account.roomToGrow(1));
	t.is(account.takeUpTo(100, 16), 16);
	t.true(account.take(200));
	t.false(account.take(200));
});

test('what is there already counts whatever is left, and takes nothing from others', (t) => {
	const budget = new Budget(1000, 2);
	const [greedy, modest] = [budget.account(), budget.account()] as [Account, Account];
	greedy.add(5000);
	t.false(greedy.hasRoom(1));
	t.is(greedy.takeUpTo(100, 0), 0);
	t.is(modest.room, 250);
	greedy.give(5000);
	t.is(budget.borrowed, 0);
});

test('another number of accounts shares anew, and what an account used that is gone counts no more', (t) => {
	const budget = new Budget(1200, 2);
	const [first, second] = [budget.account(), budget.account()] as [Account, Account];
	first.take(500);
	t.is(budget.borrowed, 200);
	budget.resize(3);
	t.is(budget.guarantee, 200);
	t.is(budget.borrowed, 300);
	const third = budget.account();
	t.is(third.room, 500);
	budget.forget(first);
	budget.resize(2);
	t.is(budget.borrowed, 0);
	t.is(second.room, 900);
	// What it gives back late changes nothing.
	first.give(500);
	t.is(budget.borrowed, 0);
});
