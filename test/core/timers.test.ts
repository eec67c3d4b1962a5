import test from 'ava';
import {NEVER} from '../../src/bytes/time.ts';
import {ClientTimer, ServerTimer, Timers} from '../../src/core/timers.ts';

test('a timer expires at its time and stays so until it is set anew or cleared', (t) => {
	const timers = new Timers(ServerTimer);
	t.false(timers.expired(ServerTimer.SWEEP, 1e12));
	timers.set(ServerTimer.SWEEP, 100);
	t.false(timers.expired(ServerTimer.SWEEP, 99.9));
	t.true(timers.expired(ServerTimer.SWEEP, 100));
	t.true(timers.expired(ServerTimer.SWEEP, 200));
	t.is(timers.at(ServerTimer.SWEEP), 100);
	timers.set(ServerTimer.SWEEP, 300);
	t.false(timers.expired(ServerTimer.SWEEP, 200));
	timers.clear(ServerTimer.SWEEP);
	t.false(timers.expired(ServerTimer.SWEEP, 1e12));
	t.is(timers.at(ServerTimer.SWEEP), NEVER);
});

test('the next timer is the first of those that are set', (t) => {
	const timers = new Timers(ClientTimer);
	t.is(timers.next(), NEVER);
	timers.set(ClientTimer.GOODBYE, 30.5);
	timers.set(ClientTimer.STATE, 20);
	t.is(timers.next(), 20);
	timers.set(ClientTimer.STATE, 40);
	t.is(timers.next(), 30.5);
	timers.set(ClientTimer.STATE, 30.5);
	timers.clear(ClientTimer.GOODBYE);
	t.is(timers.next(), 30.5);
	timers.clear(ClientTimer.STATE);
	t.is(timers.next(), NEVER);
	timers.set(ClientTimer.KEYS, 10);
	timers.clearAll();
	t.is(timers.next(), NEVER);
});

test('the timers of each owner are numbered from 0 without a gap', (t) => {
	for (const timers of [ClientTimer, ServerTimer]) {
		const numbers: number[] = Object.values(timers);
		t.deepEqual(
			numbers,
			numbers.map((_, index) => index),
		);
	}
});
