import {RttEstimator} from '../path/rtt.ts';
import type {Random} from '../random.ts';
import type {Millis} from '../time.ts';
import {DelayFloor} from './delay-floor.ts';
import {Pacer} from './pacer.ts';
import {createSnapshot, type RateModel, type SendSnapshot} from './rate-model.ts';
import {RateSampler} from './rate-sampler.ts';
import {WindowedMinimum} from './windowed-minimum.ts';

const PACKET = 1228;
const INITIAL_WINDOW: number = 64 * PACKET;
const SMALLEST_WINDOW: number = 4 * PACKET;
const LARGEST_WINDOW: number = 2 ** 30;
/** Doubles what is sent every round trip: 2 / ln 2 (draft-cardwell-iccrg-bbr, section 4.3.1). */
const STARTUP_GAIN = 2.89;
const UP_GAIN = 1.25;
const DOWN_GAIN = 0.75;
/** With a queue that does not go away a little less than what arrives is sent. */
const QUEUED_GAIN = 0.9;
const WINDOW_GAIN = 2;
/** Reports come late and in heaps: what may be on its way beyond the window because of that. */
const REPORT_DELAY: Millis = 25;
/** Round trips whose best rate counts. */
const ROUNDS = 10;
/** Cruising lasts that many round trips; the part after the dash is random. */
const CRUISE_ROUNDS = 5;
const CRUISE_SPREAD = 3;
/** A dash for more ends after this: one of a whole long round trip starves flows with short ones. */
const LONGEST_DASH: Millis = 40;
const FULL_ROUNDS = 3;
const FULL_GROWTH = 1.25;
const MIN_RTT_AGE: Millis = 10_000;
const PROBE_RTT_TIME: Millis = 200;
/** Loss above twice the long-term loss and this much is made by ourselves. */
const EXCESS_LOSS = 0.1;
/** While probing, loss above the long-term one by this much without more delivered ends it. */
const PROBE_LOSS = 0.04;
const FEWEST_PACKETS = 20;

type Phase = 'startup' | 'drain' | 'cruise' | 'up' | 'down' | 'rtt';

/**
 * Models a path by the rate it delivers and its smallest round trip time, after BBR
 * (draft-cardwell-iccrg-bbr-congestion-control). Random loss does not slow it down; loss that grows
 * with what is sent while no more arrives does, and so does a queue that stays.
 */
export class BbrModel implements RateModel {
	readonly #random: Random;
	readonly #sampler = new RateSampler();
	readonly #rtt = new RttEstimator();
	readonly #minRtt = new WindowedMinimum();
	readonly #delay = new DelayFloor();
	readonly #pacer = new Pacer();
	#phase: Phase = 'startup';
	#phaseSince: Millis = 0;
	#cruiseFor: Millis = 0;
	/** The best rate of each of the last rounds, by round number. */
	readonly #rates = new Float64Array(ROUNDS);
	#rate = 0;
	#round = 0;
	#roundEnd = 0;
	#fullRate = 0;
	#fullRounds = 0;
	#largestSentAt: Millis = Number.NEGATIVE_INFINITY;
	/** What this round lost and got, in packets and bytes. */
	#lost = 0;
	#received = 0;
	#roundBytes = 0;
	#roundSince: Millis = 0;
	/** Part that the path loses whatever is sent. */
	#longLoss = 0;
	#learned = 0;
	#rttProbedAt: Millis = 0;

	readonly #firstRtt: Millis;

	/**
	 * @param random spreads the probing of flows that share a bottleneck
	 * @param firstRtt the round trip time as probes measured it
	 */
	constructor(random: Random, firstRtt: Millis) {
		this.#random = random;
		this.#firstRtt = Math.max(1, Math.min(333, firstRtt));
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

	get #gain(): number {
		switch (this.#phase) {
			case 'startup':
				return STARTUP_GAIN;
			case 'drain':
				return 1 / STARTUP_GAIN;
			case 'up':
				return UP_GAIN;
			case 'down':
				return DOWN_GAIN;
			case 'rtt':
				return 0.5;
			default:
				return this.#queued ? QUEUED_GAIN : 1;
		}
	}

	get #queued(): boolean {
		return this.#delay.queueing > 0.1 * this.#minRtt.value + 20;
	}

	get pacingRate(): number {
		if (this.#rate === 0) {
			// Before anything is known: the first window, spread over a part of the round trip.
			return (STARTUP_GAIN * INITIAL_WINDOW) / this.#firstRtt;
		}
		return this.#gain * this.#rate;
	}

	get #bdp(): number {
		return this.#rate * this.#minRtt.value;
	}

	get window(): number {
		if (this.#rate === 0 || !Number.isFinite(this.#minRtt.value)) return INITIAL_WINDOW;
		if (this.#phase === 'rtt') return Math.max(SMALLEST_WINDOW, 0.5 * this.#bdp);
		const gain = this.#phase === 'startup' ? STARTUP_GAIN : WINDOW_GAIN;
		const late = this.#rate * REPORT_DELAY + 10 * PACKET;
		return Math.min(LARGEST_WINDOW, Math.max(SMALLEST_WINDOW, gain * this.#bdp + late));
	}

	createSnapshot(): SendSnapshot {
		return createSnapshot();
	}

	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void {
		this.#sampler.onSent(now, bytes, snapshot);
		snapshot.unhurried = this.#phase === 'cruise' || this.#phase === 'down';
		this.#pacer.onSent(now, bytes, this.pacingRate);
	}

	onAcknowledged(_now: Millis, bytes: number, sentAt: Millis, snapshot: SendSnapshot): void {
		this.#sampler.onAcknowledged(bytes, sentAt, snapshot);
		this.#received++;
		this.#roundBytes += bytes;
		if (snapshot.unhurried) this.#learnLoss(0);
	}

	#learnRound(loss: number, packets: number): void {
		this.#longLoss += (loss - this.#longLoss) * (packets / (packets + this.#learned));
		this.#learned += packets;
	}

	onLost(_now: Millis, bytes: number, _sentAt: Millis, snapshot: SendSnapshot): void {
		this.#sampler.onLost(bytes);
		this.#lost++;
		if (snapshot.unhurried) this.#learnLoss(1);
	}

	// About the last two thousand packets that were sent no faster than what arrives.
	#learnLoss(lost: number): void {
		this.#longLoss += (lost - this.#longLoss) / 2000;
	}

	onAbandoned(_now: Millis, bytes: number): void {
		this.#sampler.onLost(bytes);
	}

	onFeedback(now: Millis, largestSentAt: Millis, largestReceivedAt: Millis): void {
		if (largestSentAt > this.#largestSentAt) {
			this.#largestSentAt = largestSentAt;
			this.#rtt.sample(now - largestSentAt);
			this.#minRtt.sample(now - largestSentAt, now);
			this.#delay.sample(largestReceivedAt - largestSentAt, now, 0.1 * this.#minRtt.value + 1);
		}
		if (this.#sampler.close(now, largestReceivedAt)) this.#sampled(now);
		this.#advance(now);
	}

	#sampled(now: Millis): void {
		const {rate, appLimited, priorDelivered} = this.#sampler;
		const ended = priorDelivered >= this.#roundEnd;
		if (ended) {
			this.#roundEnd = this.#sampler.delivered;
			this.#endRound(now);
		}
		if (rate <= 0 || (appLimited && rate <= this.#rate)) return;
		const index = this.#round % ROUNDS;
		this.#rates[index] = Math.max(this.#rates[index]!, rate);
		this.#rate = Math.max(this.#rate, rate);
	}

	#endRound(now: Millis): void {
		const packets = this.#lost + this.#received;
		const loss = packets === 0 ? 0 : this.#lost / packets;
		const span = now - this.#roundSince;
		const delivered = span > 0 ? this.#roundBytes / span : 0;
		if (packets >= FEWEST_PACKETS) {
			const grows = this.#rate >= this.#fullRate * FULL_GROWTH;
			// While more and more arrives, what is lost is lost at random.
			if (this.#phase === 'startup' && grows) this.#learnRound(loss, packets);
			const luck = 2 * Math.sqrt(Math.max(this.#longLoss, 0.02) / packets);
			const hopeless =
				loss > 2 * this.#longLoss + EXCESS_LOSS + luck && !(this.#phase === 'startup' && grows);
			const useless =
				this.#phase === 'up' &&
				loss > this.#longLoss + PROBE_LOSS &&
				delivered < 1.02 * (1 - this.#longLoss) * this.#rate;
			if (hopeless) this.#fallTo(delivered, now);
			else if (useless) this.#enter('down', now);
		}
		this.#checkFull(now);
		this.#round++;
		// The round that is about to begin takes the place of one ten rounds ago.
		if (!this.#sampler.appLimited || this.#rates[this.#round % ROUNDS]! < this.#rate) {
			this.#rates[this.#round % ROUNDS] = 0;
			this.#rate = Math.max(...this.#rates, SMALLEST_WINDOW / Math.max(1, this.#rtt.smoothed));
		}
		this.#lost = 0;
		this.#received = 0;
		this.#roundBytes = 0;
		this.#roundSince = now;
	}

	/** No more than what arrives is sent from now on. */
	#fallTo(delivered: number, now: Millis): void {
		if (delivered <= 0 || delivered >= this.#rate) return;
		this.#rates.fill(0);
		this.#rates[this.#round % ROUNDS] = delivered;
		this.#rate = delivered;
		this.#enter(this.#phase === 'startup' ? 'drain' : 'down', now);
	}

	#checkFull(now: Millis): void {
		if (this.#phase !== 'startup') return;
		// A queue of a good part of a round trip is proof enough.
		if (this.#round > 3 && this.#delay.queueing > Math.max(20, 0.6 * this.#minRtt.value)) {
			this.#enter('drain', now);
			return;
		}
		if (this.#sampler.appLimited) return;
		if (this.#rate >= this.#fullRate * FULL_GROWTH) {
			this.#fullRate = this.#rate;
			this.#fullRounds = 0;
		} else if (++this.#fullRounds >= FULL_ROUNDS) this.#enter('drain', now);
	}

	#enter(phase: Phase, now: Millis): void {
		this.#phase = phase;
		this.#phaseSince = now;
		const rounds = CRUISE_ROUNDS + (this.#random.uint32() / 2 ** 32) * CRUISE_SPREAD;
		if (phase === 'cruise') this.#cruiseFor = rounds * Math.max(this.#minRtt.value, 5);
	}

	#advance(now: Millis): void {
		const since = now - this.#phaseSince;
		const round = Math.max(this.#minRtt.value, 1);
		switch (this.#phase) {
			case 'startup':
				return;
			case 'drain':
			case 'down':
				if (this.inFlight <= this.#bdp || since > 3 * round) this.#enter('cruise', now);
				return;
			case 'up':
				if (since > Math.min(round, LONGEST_DASH)) this.#enter('down', now);
				return;
			case 'rtt':
				if (since > Math.max(PROBE_RTT_TIME, round)) {
					this.#rttProbedAt = now;
					this.#enter('cruise', now);
				}
				return;
			default:
				if (this.#rttProbedAt === 0) this.#rttProbedAt = now;
				if (now - Math.max(this.#delay.touchedAt, this.#rttProbedAt) > MIN_RTT_AGE) {
					this.#enter('rtt', now);
				} else if (since > this.#cruiseFor) this.#enter('up', now);
		}
	}

	setApplicationLimited(_now: Millis): void {
		this.#sampler.setApplicationLimited();
	}

	delayUntilSend(now: Millis, bytes: number): Millis {
		if (this.inFlight > 0 && this.inFlight + bytes > this.window) return Number.POSITIVE_INFINITY;
		return this.#pacer.delay(now);
	}
}
