import test from 'ava';
import {QueuePool, type QueueUser} from '../../../src/net/udp/batch/queue-pool.ts';
import type {SendQueue} from '../../../src/net/udp/batch/send-queue.ts';
import {FakeKernel} from '../../support/fakes/fake-kernel.ts';

const QUEUES = 64;

/** A user that gives its queue back when it is told to flush. */
class User implements QueueUser {
	queue: SendQueue | undefined;
	readonly #pool: QueuePool;

	constructor(pool: QueuePool) {
		this.#pool = pool;
	}

	take(): SendQueue {
		this.queue = this.#pool.take(this);
		return this.queue;
	}

	flush(): void {
		if (this.queue !== undefined) this.#pool.release(this.queue);
		this.queue = undefined;
	}
}

test('users have queues of their own, and what was given back is given again', (t) => {
	const pool = new QueuePool(new FakeKernel());
	const [a, b] = [new User(pool), new User(pool)];
	const first = a.take();
	t.not(b.take(), first);
	a.flush();
	t.is(new User(pool).take(), first);
});

test('when all queues are in use, users are flushed one after the other', (t) => {
	const pool = new QueuePool(new FakeKernel());
	const users = Array.from({length: 3 * QUEUES}, () => new User(pool));
	for (const [i, user] of users.entries()) {
		user.take();
		const having = users.filter(({queue}) => queue !== undefined);
		t.is(having.length, Math.min(i + 1, QUEUES));
		t.is(new Set(having.map(({queue}) => queue)).size, having.length);
	}
	// Those that had theirs for longest were the first to lose it.
	t.true(users.slice(2 * QUEUES).every(({queue}) => queue !== undefined));
});
