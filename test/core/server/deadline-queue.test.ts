import test from 'ava';
import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import {DeadlineQueue} from '../../../src/core/server/deadline-queue.ts';
import type {ServerSession} from '../../../src/core/server/server-session.ts';

/** A session whose timers a test sets, and which counts how often it is asked for them. */
class Due {
	deadline: Millis = NEVER;
	asked = 0;
	at: Millis;
	readonly flows = {nextTimeout: (): Millis => NEVER};
	readonly session = {
		nextTimeout: (): Millis => {
			this.asked++;
			return this.at;
		},
	};

	constructor(at: Millis) {
		this.at = at;
	}

	get entry(): ServerSession {
		return this as unknown as ServerSession;
	}
}

test('a session is asked for its timers once for all inputs in a row', (t) => {
	const queue = new DeadlineQueue();
	const [a, b] = [new Due(100), new Due(50)];
	for (let i = 0; i < 10; i++) queue.touch(a.entry);
	t.is(a.asked, 0);
	for (let i = 0; i < 10; i++) queue.touch(b.entry);
	t.is(a.asked, 1);
	t.is(queue.next(), 50);
	t.is(queue.next(), 50);
	t.is(b.asked, 1);
	t.deepEqual([a.deadline, b.deadline], [100, 50]);
});

test('only what is due runs, and what it touches is due again at its next time', (t) => {
	const queue = new DeadlineQueue();
	const all = [new Due(100), new Due(50), new Due(70)];
	for (const {entry} of all) queue.touch(entry);
	const run = (now: Millis, next: Millis) => {
		const ran: number[] = [];
		queue.runDue(
			all.map(({entry}) => entry),
			now,
			(entry) => {
				const index = all.findIndex((due) => due.entry === entry);
				ran.push(index);
				all[index]!.at = next;
				queue.touch(entry);
			},
		);
		return ran;
	};
	t.deepEqual(run(49, 0), []);
	t.deepEqual(run(75, 300), [1, 2]);
	t.is(queue.next(), 100);
	t.deepEqual(run(100, NEVER), [0]);
	t.is(queue.next(), 300);
});

test('a session that ended while it ran leaves no deadline', (t) => {
	const queue = new DeadlineQueue();
	const due = new Due(10);
	queue.touch(due.entry);
	queue.runDue([due.entry], 10, () => {});
	t.is(queue.next(), NEVER);
});

test('a queue that stopped has no deadline, whatever is touched', (t) => {
	const queue = new DeadlineQueue();
	queue.touch(new Due(10).entry);
	queue.stop();
	t.is(queue.next(), NEVER);
	queue.touch(new Due(20).entry);
	t.is(queue.next(), NEVER);
});
