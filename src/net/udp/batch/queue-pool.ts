import type {Kernel} from './kernel.ts';
import {SendQueue} from './send-queue.ts';

/** Sockets that may have something to flush at once. */
const QUEUES = 64;

/** Holder of a queue: `flush` gives it back. */
export interface QueueUser {
	flush(): void;
}

/**
 * Queues for the sockets that have something to flush: there may be thousands that have nothing.
 */
export class QueuePool {
	readonly #kernel: Kernel;
	readonly #queues: SendQueue[] = [];
	/**
	 * By the place of the queue. `undefined`: it is free. Looking through it costs less than a Set
	 * does, which makes itself a new table every few packets.
	 */
	readonly #users = new Array<QueueUser | undefined>(QUEUES).fill(undefined);
	#turn = 0;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
	}

	/** Gives a user an empty queue; when there is none left, another one is flushed. */
	take(user: QueueUser): SendQueue {
		let place = this.#users.indexOf(undefined);
		if (place < 0) {
			place = this.#turn;
			this.#turn = (place + 1) % QUEUES;
			this.#users[place]?.flush();
		}
		this.#users[place] = user;
		this.#queues[place] ??= new SendQueue(this.#kernel);
		return this.#queues[place]!;
	}

	/** Takes it back; it has been flushed. */
	release(queue: SendQueue): void {
		this.#users[this.#queues.indexOf(queue)] = undefined;
	}
}
