import type {Millis} from '../../bytes/time.ts';

/** Least time between two searches through all flows. */
const SEARCH_INTERVAL: Millis = 1000;

/** The part of a flow that decides. */
interface Idling {
	/** Time of the last datagram. */
	readonly active: Millis;
}

/** Most idle flows that a client keeps as long as its session; beyond that the oldest go. */
const KEPT = 256;

/**
 * Returns those of the flows idle longer than they need to be kept that go because there are too
 * many: the ones that were idle longest.
 */
export function surplus<Flow extends Idling>(idle: readonly Flow[]): readonly Flow[] {
	if (idle.length <= KEPT) return [];
	return idle.toSorted((a, b) => a.active - b.active).slice(0, idle.length - KEPT);
}

/**
 * Finds the flow that was idle longest, at a cost that does not grow with the number of calls.
 */
export class IdleFlows<Flow extends Idling> {
	readonly #all: () => Iterable<Flow>;
	readonly #isIdle: (flow: Flow, now: Millis) => boolean;
	/** Candidates, the one that was idle longest last. */
	#found: Flow[] = [];
	#searchedAt: Millis = Number.NEGATIVE_INFINITY;

	/** @param isIdle true when the flow is there and may go */
	constructor(all: () => Iterable<Flow>, isIdle: (flow: Flow, now: Millis) => boolean) {
		this.#all = all;
		this.#isIdle = isIdle;
	}

	/** Returns the flow that may go first, never one that is gone. `undefined`: none may. */
	oldest(now: Millis): Flow | undefined {
		for (;;) {
			const flow = this.#found.pop() ?? this.#search(now);
			if (flow === undefined || this.#isIdle(flow, now)) return flow;
		}
	}

	#search(now: Millis): Flow | undefined {
		if (now - this.#searchedAt < SEARCH_INTERVAL) return undefined;
		this.#searchedAt = now;
		const idle = [...this.#all()].filter((flow) => this.#isIdle(flow, now));
		this.#found = idle.sort((a, b) => b.active - a.active);
		return this.#found.pop();
	}
}
