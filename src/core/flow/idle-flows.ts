import type {Millis} from '../../bytes/time.ts';

/** Interval at which flows are looked through again where none was found to be idle. */
const LOOK_AGAIN: Millis = 1000;

/** The parts of a flow that decide. */
interface Idling {
	/** Time of the last datagram. */
	readonly active: Millis;
}

/** Idle flows that a client keeps as long as its session; beyond that the oldest go. */
const KEPT = 256;

/**
 * Of flows that have been idle longer than they need to be kept, those that go because there are
 * too many: the ones that were idle longest.
 */
export function surplus<Flow extends Idling>(idle: readonly Flow[]): readonly Flow[] {
	if (idle.length <= KEPT) return [];
	return idle.toSorted((a, b) => a.active - b.active).slice(0, idle.length - KEPT);
}

/**
 * Finds the flow that was idle longest, at a cost that does not grow with how often it is asked.
 */
export class IdleFlows<Flow extends Idling> {
	readonly #all: () => Iterable<Flow>;
	readonly #isIdle: (flow: Flow, now: Millis) => boolean;
	/** Candidates, the one that was idle longest last. */
	#found: Flow[] = [];
	#looked: Millis = Number.NEGATIVE_INFINITY;

	/** @param isIdle whether the flow is there and may go */
	constructor(all: () => Iterable<Flow>, isIdle: (flow: Flow, now: Millis) => boolean) {
		this.#all = all;
		this.#isIdle = isIdle;
	}

	/** The one that may go first; undefined = none may. Not given twice when it has gone. */
	oldest(now: Millis): Flow | undefined {
		for (;;) {
			const flow = this.#found.pop() ?? this.#look(now);
			if (flow === undefined || this.#isIdle(flow, now)) return flow;
		}
	}

	#look(now: Millis): Flow | undefined {
		if (now - this.#looked < LOOK_AGAIN) return undefined;
		this.#looked = now;
		const idle = [...this.#all()].filter((flow) => this.#isIdle(flow, now));
		this.#found = idle.sort((a, b) => b.active - a.active);
		return this.#found.pop();
	}
}
