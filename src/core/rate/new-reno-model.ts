import {RttEstimator} from '../path/rtt.ts';
import type {Millis} from '../time.ts';
import {DelayFloor} from './delay-floor.ts';
import {Pacer} from './pacer.ts';
import {createSnapshot, type RateModel, type SendSnapshot} from './rate-model.ts';
import {WindowedMinimum} from './windowed-minimum.ts';

/** Bytes by which the window grows in a round trip without loss. */
const PACKET = 1228;
const INITIAL_WINDOW: number = 10 * PACKET;
const SMALLEST_WINDOW: number = 2 * PACKET;
const LARGEST_WINDOW: number = 2 ** 30;
/** Pacing stays ahead of the window (RFC 9002, section 7.7). */
const PACING_GAIN = 1.25;
const SLOW_START_GAIN = 2;
/** Keeps the pacing rate finite. */
const SHORTEST_RTT: Millis = 0.1;

/**
 * NewReno as RFC 9002, section 7 and appendix B have it, paced: halves its window for every loss.
 * Fair beside other TCP, unfit for paths that lose at random (1.22 packets / (RTT x sqrt(loss))).
 */
export class NewRenoModel implements RateModel {
	inFlight = 0;
	window: number = INITIAL_WINDOW;

	readonly #rtt = new RttEstimator();
	readonly #minRtt = new WindowedMinimum();
	readonly #delay = new DelayFloor();
	readonly #pacer = new Pacer();
	#threshold = Number.POSITIVE_INFINITY;
	#recoveryAt: Millis = Number.NEGATIVE_INFINITY;
	#limited = false;
	#largestSentAt: Millis = Number.NEGATIVE_INFINITY;

	get queueingDelay(): Millis {
		return this.#delay.queueing;
	}

	get srtt(): Millis {
		return this.#rtt.smoothed;
	}

	get minRtt(): Millis {
		return this.#minRtt.value;
	}

	get pacingRate(): number {
		const gain = this.window < this.#threshold ? SLOW_START_GAIN : PACING_GAIN;
		return (gain * this.window) / Math.max(SHORTEST_RTT, this.#rtt.smoothed);
	}

	createSnapshot(): SendSnapshot {
		return createSnapshot();
	}

	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void {
		this.inFlight += bytes;
		snapshot.appLimited = this.#limited;
		this.#limited = false;
		this.#pacer.onSent(now, bytes, this.pacingRate);
	}

	onAcknowledged(_now: Millis, bytes: number, sentAt: Millis, snapshot: SendSnapshot): void {
		this.inFlight -= bytes;
		if (snapshot.appLimited || sentAt <= this.#recoveryAt) return;
		if (this.window < this.#threshold) this.window += bytes;
		else this.window += (PACKET * bytes) / this.window;
		this.window = Math.min(LARGEST_WINDOW, this.window);
	}

	onLost(now: Millis, bytes: number, sentAt: Millis, _snapshot: SendSnapshot): void {
		this.inFlight -= bytes;
		if (sentAt <= this.#recoveryAt) return;
		this.#recoveryAt = now;
		this.window = Math.max(SMALLEST_WINDOW, this.window / 2);
		this.#threshold = this.window;
	}

	onFeedback(now: Millis, largestSentAt: Millis, largestReceivedAt: Millis): void {
		if (largestSentAt <= this.#largestSentAt) return;
		this.#largestSentAt = largestSentAt;
		this.#rtt.sample(now - largestSentAt);
		this.#minRtt.sample(now - largestSentAt, now);
		this.#delay.sample(largestReceivedAt - largestSentAt, now);
	}

	setApplicationLimited(_now: Millis): void {
		this.#limited = true;
	}

	delayUntilSend(now: Millis, bytes: number): Millis {
		if (this.inFlight > 0 && this.inFlight + bytes > this.window) return Number.POSITIVE_INFINITY;
		return this.#pacer.delay(now);
	}
}
