import type {Millis} from '../../bytes/time.ts';
import {BesideTraffic} from './beside-traffic.ts';
import {Pacer} from './pacer.ts';
import {PathDelays} from './path-delays.ts';
import {createSnapshot, type RateModel, REFERENCE_PACKET, type SendSnapshot} from './rate-model.ts';

const INITIAL_WINDOW: number = 10 * REFERENCE_PACKET;
const SMALLEST_WINDOW: number = 2 * REFERENCE_PACKET;
const LARGEST_WINDOW: number = 2 ** 30;
/** Pacing stays ahead of the window (RFC 9002, section 7.7). */
const PACING_GAIN = 1.25;
const SLOW_START_GAIN = 2;
/** The share of the path that packets beside never take. */
const LEAST_SHARE = 0.1;
/**
 * Queues that matter where other packets wait in them, too: one that ends the start (RFC 9406), and
 * one that shrinks the window to the part of RFC 8511.
 */
const SHORT_QUEUE: Millis = 8;
const LONG_QUEUE: Millis = 30;
const SPARED = 0.8;
/** A queue that shrank falls below this part, and may fail to so many times in a row. */
const SHRUNK = 0.9;
const MOST_VAIN = 3;
/**
 * Then the start is slower by this, too (RFC 9406), where other packets are more than so large a
 * part.
 */
const BESIDE_DIVISOR = 2;
const BESIDE_PART: number = 1 / 16;
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
	/** Spaces the model's own packets where others leave no room. */
	readonly #least = new Pacer();
	readonly #beside = new BesideTraffic();
	#threshold = Number.POSITIVE_INFINITY;
	#recoveryAt: Millis = Number.NEGATIVE_INFINITY;
	#limited = false;
	/** The queue for which the window shrank last, and the times that this was in vain. */
	#sparedQueue: Millis = 0;
	#vain = 0;

	get besideInFlight(): number {
		return this.#beside.inFlight;
	}

	get queueingDelay(): Millis {
		return this.#delays.queueing;
	}

	get srtt(): Millis {
		return this.#delays.srtt;
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
		this.#beside.onSent(bytes, snapshot, this.inFlight === 0);
		this.inFlight += bytes;
		snapshot.appLimited = this.#limited;
		this.#limited = false;
		this.#pacer.onSent(now, bytes, this.pacingRate);
		this.#least.onSent(now, bytes, LEAST_SHARE * this.pacingRate);
	}

	onBeside(now: Millis, bytes: number): void {
		this.#beside.add(bytes);
		this.#pacer.onSent(now, bytes, this.pacingRate);
	}

	onAcknowledged(_now: Millis, bytes: number, sentAt: Millis, snapshot: SendSnapshot): void {
		this.inFlight -= bytes;
		const passed = bytes + this.#beside.onAcknowledged(sentAt, snapshot);
		if (snapshot.appLimited || sentAt <= this.#recoveryAt) return;
		if (this.window < this.#threshold) {
			this.window += passed / (this.#isAlone ? 1 : BESIDE_DIVISOR);
			// The path carries already what goes beside: the start begins on top of that.
			this.window = Math.max(this.window, this.#beside.inFlight + INITIAL_WINDOW);
		} else this.window += (REFERENCE_PACKET * passed) / this.window;
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
		if (!this.#isAlone && largestSentAt > this.#recoveryAt) this.#spare(now);
	}

	/** True while the path carries next to nothing beside. */
	get #isAlone(): boolean {
		return this.#beside.inFlight <= BESIDE_PART * this.inFlight;
	}

	/**
	 * Yields to a long queue, in which packets beside wait, too: it is a sign of congestion like a
	 * loss.
	 */
	#spare(now: Millis): void {
		const isStarting = this.window < this.#threshold;
		const {queueing} = this.#delays;
		if (queueing <= (isStarting ? SHORT_QUEUE : LONG_QUEUE)) {
			if (!isStarting) this.#vain = 0;
			return;
		}
		// A queue that stays is made by others: to yield on and on would leave them everything.
		if (this.#vain > MOST_VAIN) return;
		this.#vain = queueing < SHRUNK * this.#sparedQueue ? 0 : this.#vain + 1;
		this.#sparedQueue = queueing;
		this.#recoveryAt = now;
		// A queue that begins to grow shows that the path is full, not that it is too full.
		if (!isStarting) this.window = Math.max(SMALLEST_WINDOW, SPARED * this.window);
		this.#threshold = this.window;
	}

	setApplicationLimited(_now: Millis): void {
		this.#limited = true;
	}

	delayUntilSend(now: Millis, bytes: number): Millis {
		const room = Math.max(SMALLEST_WINDOW, this.window - this.#beside.inFlight);
		if (this.inFlight > 0 && this.inFlight + bytes > room) return Number.POSITIVE_INFINITY;
		return Math.min(this.#pacer.delay(now), this.#least.delay(now));
	}
}
