import type {Millis} from '../../bytes/time.ts';
import {Pacer} from './pacer.ts';
import {PathDelays} from './path-delays.ts';
import {createSnapshot, type RateModel, type SendSnapshot} from './rate-model.ts';

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

	readonly #delays = new PathDelays();
	readonly #pacer = new Pacer();
	#threshold = Number.POSITIVE_INFINITY;
	#recoveryAt: Millis = Number.NEGATIVE_INFINITY;
	#limited = false;

	get queueingDelay(): Millis {
		return this.#delays.queueing;
	}

	get srtt(): Millis {
		return this.#delays.srtt;
	}

	get minRtt(): Millis {
		return this.#delays.minRtt;
	}

	get pacingRate(): number {
		const gain = this.window < this.#threshold ? SLOW_START_GAIN : PACING_GAIN;
		return (gain * this.window) / Math.max(SHORTEST_RTT, this.#delays.srtt);
	}

	get settled(): boolean {
		return this.window >= this.#threshold;
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

	onAbandoned(now: Millis, bytes: number): void {
		this.inFlight -= bytes;
		// Persistent congestion (RFC 9002, section 7.6.2).
		this.#recoveryAt = now;
		this.window = SMALLEST_WINDOW;
	}

	onFeedback(now: Millis, largestSentAt: Millis, largestReceivedAt: Millis): void {
		this.#delays.sample(now, largestSentAt, largestReceivedAt);
	}

	setApplicationLimited(_now: Millis): void {
		this.#limited = true;
	}

	delayUntilSend(now: Millis, bytes: number): Millis {
		if (this.inFlight > 0 && this.inFlight + bytes > this.window) return Number.POSITIVE_INFINITY;
		return this.#pacer.delay(now);
	}
}
