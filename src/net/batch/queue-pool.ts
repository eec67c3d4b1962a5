import type {Kernel} from './kernel.ts';
import {SendQueue} from './send-queue.ts';

/** Sockets that may have something to flush at once. */
const QUEUES = 64;

/** Queues for the sockets that have something to flush: there may be thousands that have nothing. */
export class QueuePool {
	readonly #kernel: Kernel;
	readonly #free: SendQueue[] = [];
	readonly #users = new Set<{flush(): void}>();
	#made = 0;

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
	}

	/** Gives a socket an empty queue; another one is flushed when there is none left. */
	take(user: {flush(): void}): SendQueue {
		let queue = this.#free.pop();
		if (queue === undefined && this.#made >= QUEUES) {
			const [oldest] = this.#users;
			oldest?.flush();
			queue = this.#free.pop();
		}
		if (queue === undefined) {
			this.#made++;
			queue = new SendQueue(this.#kernel);
		}
		this.#users.add(user);
		return queue;
	}

	/** Takes it back; it has been flushed. */
	release(user: {flush(): void}, queue: SendQueue): void {
		this.#users.delete(user);
		this.#free.push(queue);
	}
}
