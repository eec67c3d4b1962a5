import {RttEstimator} from '../path/rtt.ts';
import type {Random} from '../random.ts';
import type {Millis} from '../time.ts';
import {BandwidthFilter} from './bandwidth-filter.ts';
import {DelayFloor} from './delay-floor.ts';
import {LossMeter} from './loss-meter.ts';
import {Pacer} from './pacer.ts';
import {createSnapshot, type RateModel, type SendSnapshot} from './rate-model.ts';
import {RateSampler} from './rate-sampler.ts';
import {WindowedMinimum} from './windowed-minimum.ts';

const PACKET = 1228;
const INITIAL_WINDOW: number = 32 * PACKET;
const SMALLEST_WINDOW: number = 4 * PACKET;
/** A report may cover so much, which the window must not wait for. */
const REPORT_ROOM: number = 20 * PACKET;
/** The first packets are spread over this. */
const INITIAL_SPREAD: Millis = 25;
const STARTUP_GAIN = 2.89;
const STARTUP_WINDOW_GAIN = 2.5;
const DRAIN_GAIN = 0.35;
const UP_GAIN = 1.25;
/** A probe that finds nothing leaves at most about this queue. */
const PROBE_QUEUE: Millis = 12;
/** After a probe that lost packets the next one waits so many round trips. */
const LOSSY_CRUISE = 8;
const CRUISE = 5;
/** Without a sign that the path is full. */
const SHORT_CRUISE = 2;
/** Keeps the queue from growing by what is measured too high. */
const MARGIN = 0.99;
/** Of the path's own loss at most this share is sent in addition, lest flows that share a policer outbid each other. */
const MOST_EXTRA = 0.15;
const DOWN_GAIN = 0.75;
const WINDOW_GAIN = 2;
/** The delivery rate that a round trip of start-up adds at least, else the path is full. */
const STARTUP_GROWTH = 1.25;
const FULL_ROUNDS = 3;
const PROBE_RTT_EVERY: Millis = 10_000;
const PROBE_RTT_FOR: Millis = 200;
const PROBE_RTT_WINDOW = 0.5;

const Phase = {startup: 0, drain: 1, up: 2, down: 3, cruise: 4, probeRtt: 5} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

export class BbrModel implements RateModel {
	pacingRate: number = INITIAL_WINDOW / INITIAL_SPREAD;
	window: number = INITIAL_WINDOW;

	readonly #random: Random;
	readonly #sampler = new RateSampler();
	readonly #bandwidth = new BandwidthFilter();
	readonly #loss = new LossMeter();
	readonly #rtt = new RttEstimator();
	readonly #minRtt = new WindowedMinimum();
	readonly #delay = new DelayFloor();
	readonly #pacer = new Pacer();
	#phase: Phase = Phase.startup;
	#gain = STARTUP_GAIN;
	#phaseRounds = 0;
	#cruiseRounds = 0;
	#phaseAt: Millis = 0;
	#nextRound = 0;
	#roundQueue = Number.POSITIVE_INFINITY;
	#standingQueue: Millis = 0;
	#fullBandwidth = 0;
	#fullRounds = 0;
	#upBandwidth = 0;
	#upQueue: Millis = 0;
	#upSpan: Millis = PROBE_QUEUE / (UP_GAIN - 1);
	#loweredLoss = Number.POSITIVE_INFINITY;
	#startupLoss = 0;
	#smoothQueue: Millis = 0;
	#roundRate = 0;
	#largestSentAt: Millis = Number.NEGATIVE_INFINITY;

	constructor(random: Random) {
		this.#random = random;
	}

	get inFlight(): number {
		return this.#sampler.inFlight;
	}

	get queueingDelay(): Millis {
		return this.#delay.queueing;
	}

	get srtt(): Millis {
		return this.#rtt.smoothed;
	}

	get minRtt(): Millis {
		return this.#minRtt.value;
	}

	createSnapshot(): SendSnapshot {
		return createSnapshot();
	}

	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void {
		this.#sampler.onSent(now, bytes, snapshot);
		snapshot.unhurried = this.#gain < 0.8;
		this.#pacer.onSent(now, bytes, this.pacingRate);
	}

	onAcknowledged(_now: Millis, bytes: number, sentAt: Millis, snapshot: SendSnapshot): void {
		this.#sampler.onAcknowledged(bytes, sentAt, snapshot);
		this.#loss.sample(false, snapshot.unhurried);
	}

	onLost(_now: Millis, bytes: number, _sentAt: Millis, snapshot: SendSnapshot): void {
		this.#sampler.onLost(bytes);
		this.#loss.sample(true, snapshot.unhurried);
	}

	onFeedback(now: Millis, largestSentAt: Millis, largestReceivedAt: Millis): void {
		if (largestSentAt > this.#largestSentAt) {
			this.#largestSentAt = largestSentAt;
			this.#rtt.sample(now - largestSentAt);
			this.#minRtt.sample(now - largestSentAt, now);
			this.#delay.sample(largestReceivedAt - largestSentAt, now, 1 + this.#minRtt.value / 50);
			this.#smoothQueue += (this.#delay.queueing - this.#smoothQueue) / 4;
			this.#roundQueue = Math.min(this.#roundQueue, this.#delay.queueing);
		}
		const sampler = this.#sampler;
		if (!sampler.close(now, largestReceivedAt)) return;
		if (!sampler.appLimited || sampler.rate > this.#bandwidth.value) {
			this.#bandwidth.sample(sampler.rate);
			this.#roundRate = Math.max(this.#roundRate, sampler.rate);
		}
		if (sampler.priorDelivered >= this.#nextRound) this.#endRound(now);
		this.#step(now);
		this.#apply();
	}

	setApplicationLimited(_now: Millis): void {
		this.#sampler.setApplicationLimited();
	}

	delayUntilSend(now: Millis, bytes: number): Millis {
		const {inFlight} = this.#sampler;
		if (inFlight > 0 && inFlight + bytes > this.window) return Number.POSITIVE_INFINITY;
		return this.#pacer.delay(now);
	}

	/** Bytes that the path holds without a queue, lost ones included. */
	get #target(): number {
		return (this.#bandwidth.value * this.#minRtt.value) / (1 - this.#loss.base);
	}

	#endRound(now: Millis): void {
		this.#nextRound = this.#sampler.delivered;
		this.#standingQueue = this.#roundQueue;
		this.#roundQueue = Number.POSITIVE_INFINITY;
		this.#phaseRounds++;
		if (this.#loss.closeRound()) this.#limitLoss(now);
		if (this.#phase === Phase.startup) this.#watchStartup(now);
		else this.#followDrop();
		this.#roundRate = 0;
		this.#bandwidth.advance();
	}

	/** The ceiling: where more is sent than arrives, and not for the path's own loss, send what arrives. */
	#limitLoss(now: Millis): void {
		const loss = this.#loss;
		const limit = 2 * loss.base + 0.1;
		if (this.#phase === Phase.startup) {
			const growing = this.#bandwidth.value >= STARTUP_GROWTH * this.#fullBandwidth;
			if (growing) this.#startupLoss = loss.recent;
			else if (loss.exceeds(2 * this.#startupLoss + 0.1)) this.#enter(Phase.drain, DRAIN_GAIN, now);
			return;
		}
		// What a round trip reports lost was sent in the one before.
		const isProbe = this.#phase === Phase.down;
		const isCruise = this.#phase === Phase.cruise && this.#phaseRounds >= 2;
		if (!(isProbe || isCruise) || this.#roundRate <= 0) return;
		// Loss that a lower rate did not mend is the path's own.
		if (loss.recent > 0.7 * this.#loweredLoss) return;
		if (!loss.exceeds(isProbe ? limit : loss.base + 0.03)) return;
		this.#loweredLoss = loss.recent;
		// Half at most: a sample across an outage says nothing of the path's rate.
		const delivered = isProbe ? this.#roundRate : this.#sampler.rate;
		this.#bandwidth.lower(Math.max(delivered, this.#bandwidth.value / 2));
		if (isCruise && loss.exceeds(limit)) this.#enter(Phase.down, DOWN_GAIN, now);
	}

	/** A path that has become slower fills its queue long before the filter forgets. */
	#followDrop(): void {
		const isFull = this.#standingQueue > Math.max(20, this.#minRtt.value);
		if (isFull && this.#roundRate > 0 && this.#roundRate < 0.8 * this.#bandwidth.value) {
			this.#bandwidth.lower(Math.max(this.#roundRate, this.#bandwidth.value / 2));
		}
	}

	#watchStartup(now: Millis): void {
		const bandwidth = this.#bandwidth.value;
		if (bandwidth >= STARTUP_GROWTH * this.#fullBandwidth) {
			this.#fullBandwidth = bandwidth;
			this.#fullRounds = 0;
			return;
		}
		if (this.#sampler.appLimited) return;
		const queued = this.#standingQueue > Math.max(5, this.#minRtt.value / 4);
		this.#fullRounds += queued ? FULL_ROUNDS : 1;
		if (this.#fullRounds >= FULL_ROUNDS) this.#enter(Phase.drain, DRAIN_GAIN, now);
	}

	#step(now: Millis): void {
		const drained = this.inFlight <= this.#target;
		switch (this.#phase) {
			case Phase.startup:
				return;
			case Phase.drain:
				if (drained || this.#phaseRounds >= 3) this.#cruise(now, CRUISE);
				break;
			case Phase.up:
				if (now - this.#phaseAt >= this.#upSpan) {
					this.#enter(Phase.down, DOWN_GAIN, now);
				}
				return;
			case Phase.down:
				// A whole round trip: only then has the probe shown what it found.
				if (this.#phaseRounds >= 1) this.#afterDown(now);
				else if (drained) this.#gain = 1;
				break;
			case Phase.cruise: {
				const target = Math.max(2, this.#minRtt.value / 20);
				const excess = (this.#standingQueue - target) / (4 * this.#minRtt.value);
				this.#gain = 1 - Math.min(0.1, Math.max(0, excess));
				if (this.#phaseRounds >= this.#cruiseRounds) {
					this.#probeUp(now);
				}
				break;
			}
			case Phase.probeRtt:
				if (this.#phaseRounds >= 1 && now - this.#phaseAt >= PROBE_RTT_FOR)
					this.#cruise(now, CRUISE);
				return;
		}
		if (now - this.#delay.touchedAt > PROBE_RTT_EVERY && this.#phase === Phase.cruise) {
			this.#delay.touchedAt = now;
			this.#enter(Phase.probeRtt, DOWN_GAIN, now);
		}
	}

	/** What was probed for is there: probe on at once. Without a sign of its end: sooner and longer. */
	#afterDown(now: Millis): void {
		const rtt = this.#minRtt.value;
		const growth = ((UP_GAIN - 1) * this.#upSpan) / rtt;
		const isQueued = this.#smoothQueue > this.#upQueue + Math.max(1.5, 0.4 * growth * rtt);
		const isLossy = this.#loss.exceeds(this.#loss.base + 0.03);
		if (isQueued || isLossy) {
			this.#upSpan = PROBE_QUEUE / (UP_GAIN - 1);
			this.#cruise(now, isLossy ? LOSSY_CRUISE : CRUISE);
			return;
		}
		this.#upSpan *= 2;
		if (this.#bandwidth.value > (1 + 0.4 * growth) * this.#upBandwidth) this.#probeUp(now);
		else this.#cruise(now, SHORT_CRUISE);
	}

	#probeUp(now: Millis): void {
		this.#loweredLoss = Number.POSITIVE_INFINITY;
		this.#upBandwidth = this.#bandwidth.value;
		this.#upQueue = this.#smoothQueue;
		this.#upSpan = Math.min(this.#minRtt.value, this.#upSpan);
		this.#enter(Phase.up, UP_GAIN, now);
	}

	#cruise(now: Millis, rounds: number): void {
		// Of random length, so that flows which share a bottleneck do not probe in step.
		this.#cruiseRounds = rounds + (this.#random.uint32() & 3);
		this.#enter(Phase.cruise, 1, now);
	}

	#enter(phase: Phase, gain: number, now: Millis): void {
		if (gain < 1) this.#loss.startSpell();
		this.#phase = phase;
		this.#gain = gain;
		this.#phaseAt = now;
		this.#phaseRounds = 0;
		this.#nextRound = this.#sampler.delivered;
	}

	#apply(): void {
		const bandwidth = this.#bandwidth.value;
		if (bandwidth <= 0) return;
		const target = this.#target;
		if (this.#phase === Phase.startup) {
			this.pacingRate = Math.max(this.pacingRate, STARTUP_GAIN * bandwidth);
			// Twice what the path holds is enough once a queue shows that the end is near.
			const isQueued = this.#smoothQueue > Math.max(5, this.#minRtt.value / 6);
			const gain = isQueued ? WINDOW_GAIN : STARTUP_WINDOW_GAIN;
			this.window = Math.max(INITIAL_WINDOW, gain * target + REPORT_ROOM);
			return;
		}
		const rate = (this.#gain * MARGIN * bandwidth) / (1 - Math.min(MOST_EXTRA, this.#loss.floor));
		this.pacingRate = Math.max(rate, SMALLEST_WINDOW / Math.max(1, this.#rtt.smoothed));
		const gain = this.#phase === Phase.probeRtt ? PROBE_RTT_WINDOW : WINDOW_GAIN;
		this.window = Math.max(SMALLEST_WINDOW, gain * target + REPORT_ROOM * Math.min(1, gain));
	}
}
