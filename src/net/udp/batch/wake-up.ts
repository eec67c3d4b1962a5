import process from 'node:process';
import type {EventLoop} from './event-loop.ts';
import type {Poller} from './poller.ts';

/** Waits for sockets and lets them be read, as long as there are any. */
export interface WakeUp {
	/** There are sockets now. */
	start(): void;
	/** There are none. */
	stop(): void;
	/** Looks again and again from now on: a core for the lowest latency. */
	neverWait(): void;
}

/** The longest that a timer takes; it fires never in practice. */
const LONG = 0x7fff_ffff;

/**
 * Looks at the sockets in one turn of the loop at most: ended sooner by all that the loop has to
 * do.
 */
const LOOKS = 1024;
/** The same while not waiting, when the loop is not asked after every look. */
const BUSY_LOOKS = 16;

/**
 * The work of Node.js between two callbacks: what `process.nextTick` and promises have put off.
 * `undefined`: a newer version has it no more; then every look is a turn of the loop.
 */
const {_tickCallback: runTicks} = process as {readonly _tickCallback?: () => void};

/**
 * Waits in place of the event loop: at the end of every turn for the sockets, the loop's own
 * descriptors and its timers, whatever is first. Not while the loop has anything to do at once, or
 * has not looked at a descriptor that JavaScript opened or changed. Of those measured this has the
 * lowest latency (no other thread, no second look), and the loop is not held up by it: as long as
 * only datagrams come, and nothing but datagrams follows from them, a turn would do nothing else.
 */
export class LoopWakeUp implements WakeUp {
	readonly #poller: Poller;
	readonly #loop: EventLoop;
	#busy = false;
	#immediate: NodeJS.Immediate | undefined;
	#keepAlive: NodeJS.Timeout | undefined;
	#loopWorked = true;

	constructor(poller: Poller, loop: EventLoop) {
		this.#poller = poller;
		this.#loop = loop;
		poller.watch(loop.descriptor);
	}

	start(): void {
		this.#immediate ??= setImmediate(this.#turn);
		// A loop without any handle would not wait at all.
		this.#keepAlive ??= setInterval(() => {}, LONG);
	}

	stop(): void {
		clearImmediate(this.#immediate);
		clearInterval(this.#keepAlive);
		this.#immediate = undefined;
		this.#keepAlive = undefined;
	}

	neverWait(): void {
		this.#busy = true;
	}

	readonly #turn = (): void => {
		const next = setImmediate(this.#turn);
		this.#immediate = next;
		// While any immediate is to come the loop may not wait. With ours out of the count it
		// reports what it would do without it: only `unref` passes that to libuv at once.
		next.unref();
		try {
			this.#look(next);
		} finally {
			next.ref();
		}
	};

	#look(next: NodeJS.Immediate): void {
		if (this.#loopWorked) this.#loop.updateTime();
		let patience = this.#patience();
		for (let looks = this.#busy ? BUSY_LOOKS : LOOKS; ; looks--) {
			const count = this.#poller.wait(patience);
			this.#loopWorked = count > 0 && this.#poller.dispatch(count);
			if (count <= 0 || this.#loopWorked || looks === 1 || runTicks === undefined) return;
			runTicks();
			// The last socket is closed, perhaps another one opened.
			if (this.#immediate !== next) return;
			if (!this.#busy) this.#loop.updateTime();
			patience = this.#patience();
			if (patience === 0 && !this.#busy) return;
		}
	}

	#patience(): number {
		return this.#busy || this.#loop.hasNews ? 0 : this.#loop.timeout();
	}
}

/** Turns of the loop without a datagram before a timer is waited for. */
const PATIENT_TURNS = 20;

/**
 * Looks at every turn of the loop while datagrams come in, else once a millisecond: for worker
 * threads, whose event loop cannot be looked into. Costs some hundredths of a core when idle.
 */
export class TimerWakeUp implements WakeUp {
	readonly #poller: Poller;
	#immediate: NodeJS.Immediate | undefined;
	#timer: NodeJS.Timeout | undefined;
	#patience = PATIENT_TURNS;
	#idleTurns = 0;
	#running = false;

	constructor(poller: Poller) {
		this.#poller = poller;
	}

	start(): void {
		if (this.#running) return;
		this.#running = true;
		this.#arm();
	}

	stop(): void {
		this.#running = false;
		clearImmediate(this.#immediate);
		clearTimeout(this.#timer);
	}

	neverWait(): void {
		this.#patience = Number.POSITIVE_INFINITY;
	}

	#arm(): void {
		if (this.#idleTurns < this.#patience) this.#immediate = setImmediate(this.#turn);
		else this.#timer = setTimeout(this.#turn, 1);
	}

	readonly #turn = (): void => {
		const count = this.#poller.wait(0);
		this.#idleTurns = count > 0 ? 0 : this.#idleTurns + 1;
		this.#arm();
		if (count > 0) this.#poller.dispatch(count);
	};
}
