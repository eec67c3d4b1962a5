import type {Millis} from '../../bytes/time.ts';
import {DelayFloor} from './delay-floor.ts';
import {RttEstimator} from './rtt.ts';
import {WindowedMinimum} from './windowed-minimum.ts';

/**
 * Delays of a path as its reports show them: the queue ahead of the receiver, and the lateness of
 * reports.
 */
export class PathDelays {
	/** A moving average of the queue. */
	smoothQueue: Millis = 0;
	/** The smallest queue of the last complete round trip: that of a queue which stands. */
	standingQueue: Millis = 0;
	/** Time that reports take beyond their fastest; a moving average. */
	reverse: Millis = 0;

	readonly #rtt = new RttEstimator();
	readonly #minRtt = new WindowedMinimum();
	readonly #floor = new DelayFloor();
	#roundQueue: Millis = Number.POSITIVE_INFINITY;
	#cycleQueue: Millis = Number.POSITIVE_INFINITY;
	#largestSentAt: Millis = Number.NEGATIVE_INFINITY;

	/** One-way delay above its smallest of the last 10 s, at the last report. */
	get queueing(): Millis {
		return this.#floor.queueing;
	}

	/** Smoothed round trip time. */
	get srtt(): Millis {
		return this.#rtt.smoothed;
	}

	/** Smallest round trip time of the last 10 s. `Infinity`: no report yet. */
	get minRtt(): Millis {
		return this.#minRtt.value;
	}

	/** Time of the last packet that met about no queue, or of `noteFloor`. */
	get floorAt(): Millis {
		return this.#floor.touchedAt;
	}

	/**
	 * Takes a report; the parameters are those of `RateModel.onFeedback`. One without news is
	 * ignored: the time since its newest packet was sent is no round trip.
	 */
	sample(now: Millis, sentAt: Millis, receivedAt: Millis): void {
		if (sentAt <= this.#largestSentAt) return;
		this.#largestSentAt = sentAt;
		const rtt = now - sentAt;
		this.#rtt.sample(rtt);
		this.#minRtt.sample(rtt, now);
		this.#floor.sample(receivedAt - sentAt, now, 1 + this.#minRtt.value / 50);
		const queue = this.#floor.queueing;
		this.smoothQueue += (queue - this.smoothQueue) / 4;
		this.reverse += (Math.max(0, rtt - this.#minRtt.value - queue) - this.reverse) / 8;
		this.#roundQueue = Math.min(this.#roundQueue, queue);
	}

	/** Ends a round trip. */
	endRound(): void {
		// A round trip that reported old packets only shows nothing of the queue.
		if (this.#roundQueue === Number.POSITIVE_INFINITY) return;
		this.standingQueue = this.#roundQueue;
		this.#cycleQueue = Math.min(this.#cycleQueue, this.#roundQueue);
		this.#roundQueue = Number.POSITIVE_INFINITY;
	}

	/**
	 * Ends a span of round trips. Returns the smallest queue in it. `Infinity`: none was measured.
	 */
	takeCycleQueue(): Millis {
		const queue = this.#cycleQueue;
		this.#cycleQueue = Number.POSITIVE_INFINITY;
		return queue;
	}

	/** Notes that a search for the floor begins. */
	noteFloor(now: Millis): void {
		this.#floor.touchedAt = now;
	}
}
