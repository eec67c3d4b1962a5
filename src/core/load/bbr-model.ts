import type {Random} from '../../bytes/random.ts';
import type {Millis} from '../../bytes/time.ts';
import {BandwidthFilter} from './bandwidth-filter.ts';
import {LossBaseline} from './loss-baseline.ts';
import {Pacer} from './pacer.ts';
import {PathDelays} from './path-delays.ts';
import {createSnapshot, type RateModel, REFERENCE_PACKET, type SendSnapshot} from './rate-model.ts';
import {RateSampler} from './rate-sampler.ts';

/**
 * In flight before the first report, and on a long path for each millisecond of it, up to the
 * largest.
 */
const INITIAL_WINDOW: number = 64 * REFERENCE_PACKET;
const INITIAL_RATE: number = INITIAL_WINDOW / 70;
const LARGEST_INITIAL_WINDOW: number = 256 * REFERENCE_PACKET;
const SMALLEST_WINDOW: number = 4 * REFERENCE_PACKET;
/** A report may cover so much, which the window must not wait for. */
const REPORT_ROOM: number = 20 * REFERENCE_PACKET;
/** Assumed at most before the first report (RFC 9002, section 6.2.2). */
const LONGEST_FIRST_RTT: Millis = 333;
/** Timers and batches at both ends blur round trips that are shorter. */
const SHORTEST_SPAN: Millis = 4;
/** Bandwidth-delay products that may be in flight. */
const WINDOW_GAIN = 2;
/** Paces a little below what is measured, which errs to the high side, so that no queue grows. */
const MARGIN = 0.99;

/** Doubles the rate each round trip, with room for some loss (BBR: at least 2 / ln 2). */
const STARTUP_GAIN = 2.89;
/**
 * Bounds the queue that the end of start-up leaves: a higher one is faster, a lower one shorter.
 */
const STARTUP_WINDOW_GAIN = 2.5;
/**
 * The same beside other packets, when these are more than so large a part: they wait in that queue.
 */
const BESIDE_PART: number = 1 / 16;
const BESIDE_GAIN = 1.6;
const BESIDE_WINDOW_GAIN = 1.5;
/** The delivery rate that a round trip of start-up adds at least... */
const STARTUP_GROWTH = 1.25;
/** ...else the path is full, after so many round trips, or at once with a queue. */
const FULL_ROUNDS = 3;
const DRAIN_GAIN = 0.35;
const DRAIN_ROUNDS = 3;

/** The share of the path that packets beside never take. */
const LEAST_SHARE = 0.1;
/** The gains apply in full while the model's own packets are at least one in so many. */
const FULL_SWING = 2;

const UP_GAIN = 1.25;
const DOWN_GAIN = 0.75;
/** A probe of a full path leaves about this queue: flows beside it are delayed by no more. */
const PROBE_QUEUE: Millis = 12;
const SHORTEST_PROBE: Millis = PROBE_QUEUE / (UP_GAIN - 1);
/**
 * Round trips between probes of a full path, after one that lost packets, and of one not known
 * full.
 */
const CRUISE = 5;
const LOSSY_CRUISE = 8;
const SHORT_CRUISE = 2;
/** A standing queue slows the cruise by up to this. */
const MOST_YIELD = 0.1;

/** Loss above the long-term one that counts. */
const LOSS_MARGIN = 0.03;
/** The ceiling of loss: so many times the long-term one, and this on top. */
const CEILING_FACTOR = 2;
const CEILING_MARGIN = 0.1;
/** The least part of loss that goes when it was of the sender's own making and the rate fell. */
const MENDED = 0.3;
/** No step down takes more: a sample across an outage is no evidence of the path's rate. */
const MOST_STEP = 0.5;
/**
 * More is sent to make up for the path's own loss, but not for more than this share: flows that
 * fill a policer together take each other's excess for such loss, and would outbid one another.
 */
const MOST_EXTRA = 0.15;
/**
 * In a probe, which is short, for more; else a probe of a very lossy path would deliver no more.
 */
const MOST_EXTRA_UP = 0.6;
/** So much of a queue that draining does not mend (jitter, other flows) may be filled on top. */
const MOST_STUBBORN: Millis = 40;

/** Time without the smallest delay after which the window shrinks, so that it shows. */
const PROBE_RTT_EVERY: Millis = 10_000;
/** The same while the queue is so small a part of a round trip that nothing is to be gained. */
const PROBE_RTT_SELDOM: Millis = 30_000;
const LITTLE_QUEUE = 1 / 16;
const PROBE_RTT_FOR: Millis = 200;
const PROBE_RTT_WINDOW = 0.5;

const Phase = {startup: 0, drain: 1, up: 2, down: 3, cruise: 4, probeRtt: 5} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/**
 * Models a path by its bandwidth (largest delivery rate of 10 round trips) and its delay (smallest
 * of 10 s), and sends at that bandwidth, as BBR does (draft-ietf-ccwg-bbr):
 *
 *     start-up -> drain -> cruise -> up -> down -> cruise ...   (now and then: probe RTT)
 *
 * Differences: a probe of a full path lasts for 12 ms of queue only, and is prolonged and repeated
 * while it finds nothing; a standing queue slows the cruise; loss of packets that were sent slowly
 * is the path's own and made up for; other loss brings the rate down to what is delivered; reports
 * that come late, jitter and a queue made by others widen the window instead of starving the flow.
 * Allocates nothing per packet.
 */
export class BbrModel implements RateModel {
	pacingRate: number;
	window: number;

	readonly #random: Random;
	readonly #initialWindow: number;
	readonly #sampler = new RateSampler();
	readonly #bandwidth = new BandwidthFilter();
	readonly #loss = new LossBaseline();
	readonly #delays = new PathDelays();
	readonly #pacer = new Pacer();
	/** Spaces the model's own packets where others leave no room. */
	readonly #least = new Pacer();
	#phase: Phase = Phase.startup;
	#gain = STARTUP_GAIN;
	/** True in phases that send less than the path carries. */
	#isSlow = false;
	#phaseRounds = 0;
	#cruiseRounds = 0;
	#phaseAt: Millis = 0;
	#nextRound = 0;
	#fullBandwidth = 0;
	#fullRounds = 0;
	#upBandwidth = 0;
	#upQueue: Millis = 0;
	/** Part by which more is sent in the probe. */
	#upExtra = UP_GAIN - 1;
	#upSpan: Millis = SHORTEST_PROBE;
	#loweredLoss = Number.POSITIVE_INFINITY;
	#startupLoss = 0;
	/** The smallest standing queue of a round trip of start-up: with jitter there is always one. */
	#startupQueue: Millis = Number.POSITIVE_INFINITY;
	/** The smallest queue between the last two probes. */
	#stubbornQueue: Millis = 0;
	#roundRate = 0;

	/**
	 * @param random spreads the probes of flows that share a bottleneck
	 * @param firstRtt round trip time measured by probes, over which the first window is spread
	 */
	constructor(random: Random, firstRtt: Millis) {
		this.#random = random;
		const span = Math.max(1, Math.min(LONGEST_FIRST_RTT, firstRtt));
		const window = Math.max(INITIAL_WINDOW, INITIAL_RATE * span);
		this.#initialWindow = Math.min(LARGEST_INITIAL_WINDOW, window);
		this.window = this.#initialWindow;
		this.pacingRate = (STARTUP_GAIN * this.window) / span;
	}

	get inFlight(): number {
		return this.#sampler.inFlight;
	}

	get besideInFlight(): number {
		return this.#sampler.beside.inFlight;
	}

	get queueingDelay(): Millis {
		return this.#delays.queueing;
	}

	get srtt(): Millis {
		return this.#delays.srtt;
	}

	get settled(): boolean {
		return this.#phase !== Phase.startup;
	}

	createSnapshot(): SendSnapshot {
		return createSnapshot();
	}

	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void {
		this.#sampler.onSent(now, bytes, snapshot);
		snapshot.unhurried = this.#isSlow;
		this.#pacer.onSent(now, bytes, this.pacingRate);
		this.#least.onSent(now, bytes, LEAST_SHARE * this.pacingRate);
	}

	onBeside(now: Millis, bytes: number): void {
		this.#sampler.beside.add(bytes);
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

	onAbandoned(_now: Millis, bytes: number): void {
		this.#sampler.onLost(bytes);
	}

	onFeedback(now: Millis, largestSentAt: Millis, largestReceivedAt: Millis): void {
		this.#delays.sample(now, largestSentAt, largestReceivedAt);
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
		const room = Math.max(SMALLEST_WINDOW, this.window - this.besideInFlight);
		if (inFlight > 0 && inFlight + bytes > room) return Number.POSITIVE_INFINITY;
		return Math.min(this.#pacer.delay(now), this.#least.delay(now));
	}

	/**
	 * Part of the gains that is the model's: packets of others beside it do not speed up or slow
	 * down.
	 */
	get #swing(): number {
		const {inFlight} = this.#sampler;
		return Math.min(1, (FULL_SWING * inFlight) / Math.max(1, inFlight + this.besideInFlight));
	}

	/** Round trip time without a queue. */
	get #span(): Millis {
		return Math.max(SHORTEST_SPAN, this.#delays.minRtt);
	}

	/** Bytes that the path holds without a queue, lost ones included. */
	get #target(): number {
		return (this.#bandwidth.value * (this.#span + this.#delays.reverse)) / (1 - this.#loss.base);
	}

	#endRound(now: Millis): void {
		this.#nextRound = this.#sampler.delivered;
		this.#delays.endRound();
		this.#phaseRounds++;
		// A sender that lacks data does not crowd the path: its losses have another cause.
		if (this.#loss.closeRound() && !this.#sampler.appLimited) this.#limitLoss(now);
		if (this.#phase === Phase.startup) this.#watchStartup(now);
		else this.#followDrop();
		this.#roundRate = 0;
		if (!this.#sampler.appLimited) this.#bandwidth.advance();
	}

	/**
	 * Applies the ceiling: where more is sent than arrives, and not for the path's own loss, the rate
	 * falls to what arrives.
	 */
	#limitLoss(now: Millis): void {
		const loss = this.#loss;
		const limit = CEILING_FACTOR * loss.base + CEILING_MARGIN;
		if (this.#phase === Phase.startup) {
			const growing = this.#bandwidth.value >= STARTUP_GROWTH * this.#fullBandwidth;
			if (growing) this.#startupLoss = loss.recent;
			else if (loss.exceeds(CEILING_FACTOR * this.#startupLoss + CEILING_MARGIN))
				this.#enter(Phase.drain, DRAIN_GAIN, now);
			return;
		}
		// Packets that a round trip reports lost were sent in the one before.
		const isProbe = this.#phase === Phase.down;
		const isCruise = this.#phase === Phase.cruise && this.#phaseRounds >= 2;
		if (!(isProbe || isCruise) || this.#roundRate <= 0) return;
		// Loss that a lower rate did not mend is the path's own.
		if (loss.recent > (1 - MENDED) * this.#loweredLoss) return;
		if (!loss.exceeds(isProbe ? limit : loss.base + LOSS_MARGIN)) return;
		this.#loweredLoss = loss.recent;
		const delivered = isProbe ? this.#roundRate : this.#sampler.rate;
		this.#bandwidth.lower(Math.max(delivered, MOST_STEP * this.#bandwidth.value));
		if (isCruise && loss.exceeds(limit)) this.#enter(Phase.down, DOWN_GAIN, now);
	}

	/**
	 * Lowers the rate of a path that has become slower, whose queue fills long before the filter
	 * forgets.
	 */
	#followDrop(): void {
		const isFull = this.#delays.standingQueue > Math.max(20, this.#span);
		if (isFull && this.#roundRate > 0 && this.#roundRate < 0.8 * this.#bandwidth.value) {
			this.#bandwidth.lower(Math.max(this.#roundRate, MOST_STEP * this.#bandwidth.value));
		}
	}

	#watchStartup(now: Millis): void {
		const bandwidth = this.#bandwidth.value;
		if (bandwidth >= STARTUP_GROWTH * this.#fullBandwidth) {
			this.#fullBandwidth = bandwidth;
			this.#fullRounds = 0;
			return;
		}
		// A queue shows that the path is full, whether or not there was always something to send.
		const {standingQueue} = this.#delays;
		this.#startupQueue = Math.min(this.#startupQueue, standingQueue);
		const queued = standingQueue - this.#startupQueue > Math.max(5, this.#span / 4);
		if (this.#sampler.appLimited && !queued) return;
		this.#fullRounds += queued ? FULL_ROUNDS : 1;
		if (this.#fullRounds >= FULL_ROUNDS) this.#enter(Phase.drain, DRAIN_GAIN, now);
	}

	#step(now: Millis): void {
		const drained = this.inFlight + this.besideInFlight <= this.#target;
		switch (this.#phase) {
			case Phase.startup:
				return;
			case Phase.drain:
				if (drained || this.#phaseRounds >= DRAIN_ROUNDS) this.#cruise(now, CRUISE);
				break;
			case Phase.up:
				if (now - this.#phaseAt >= this.#upSpan) this.#enter(Phase.down, DOWN_GAIN, now);
				return;
			case Phase.down:
				// A whole round trip: only then has the probe shown what it found.
				if (this.#phaseRounds >= 1) this.#afterDown(now);
				else if (drained) this.#carryOn();
				break;
			case Phase.cruise: {
				const target = Math.max(2, this.#span / 20);
				const excess = (this.#delays.standingQueue - target) / (4 * this.#span);
				this.#gain = 1 - this.#swing * Math.min(MOST_YIELD, Math.max(0, excess));
				if (this.#phaseRounds >= this.#cruiseRounds) this.#probeUp(now);
				break;
			}
			case Phase.probeRtt:
				if (this.#phaseRounds >= 1 && now - this.#phaseAt >= PROBE_RTT_FOR)
					this.#cruise(now, CRUISE);
				return;
		}
		const isLittle = this.#delays.standingQueue < LITTLE_QUEUE * this.#span;
		const pause = isLittle ? PROBE_RTT_SELDOM : PROBE_RTT_EVERY;
		if (now - this.#delays.floorAt > pause && this.#phase === Phase.cruise) {
			this.#delays.noteFloor(now);
			this.#enter(Phase.probeRtt, DOWN_GAIN, now);
		}
	}

	/** Sends at what the path carries for the rest of the phase. */
	#carryOn(): void {
		this.#gain = 1;
		this.#isSlow = false;
	}

	/**
	 * Probes on at once where the probe found more. Where neither this nor its end shows, it probes
	 * sooner and longer.
	 */
	#afterDown(now: Millis): void {
		const rtt = this.#span;
		const growth = (this.#upExtra * this.#upSpan) / rtt;
		const isQueued = this.#delays.smoothQueue > this.#upQueue + Math.max(1.5, 0.4 * growth * rtt);
		const isLossy = this.#loss.exceeds(this.#loss.base + LOSS_MARGIN);
		if (isQueued || isLossy) {
			this.#upSpan = SHORTEST_PROBE;
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
		this.#upQueue = this.#delays.smoothQueue;
		this.#stubbornQueue = Math.min(MOST_STUBBORN, this.#delays.takeCycleQueue());
		this.#upSpan = Math.min(this.#span, this.#upSpan);
		this.#enter(Phase.up, UP_GAIN, now);
		this.#upExtra = this.#gain - 1;
	}

	#cruise(now: Millis, rounds: number): void {
		// Of random length, so that flows which share a bottleneck do not probe in step.
		this.#cruiseRounds = rounds + (this.#random.uint32() & 3);
		this.#enter(Phase.cruise, 1, now);
	}

	#enter(phase: Phase, gain: number, now: Millis): void {
		this.#isSlow = gain <= DOWN_GAIN;
		if (gain < 1) this.#loss.startSpell();
		this.#phase = phase;
		this.#gain = 1 + (gain - 1) * this.#swing;
		this.#phaseAt = now;
		this.#phaseRounds = 0;
		this.#nextRound = this.#sampler.delivered;
	}

	/**
	 * Applies start-up, where the delay beside the queue counts as the length of the path: with
	 * jitter that is more than its shortest.
	 */
	#applyStartup(): void {
		const bandwidth = this.#bandwidth.value;
		if (this.besideInFlight > BESIDE_PART * this.inFlight) {
			const least = this.#initialWindow / this.#delays.srtt;
			this.pacingRate = BESIDE_GAIN * Math.max(bandwidth, least);
			this.window = Math.max(this.#initialWindow, BESIDE_WINDOW_GAIN * this.#target + REPORT_ROOM);
			return;
		}
		this.pacingRate = Math.max(this.pacingRate, STARTUP_GAIN * bandwidth);
		// Twice what the path holds is enough once a queue shows that the end is near.
		const isQueued = this.#delays.smoothQueue > Math.max(5, this.#span / 6);
		const gain = isQueued ? WINDOW_GAIN : STARTUP_WINDOW_GAIN;
		const length = isQueued ? this.#span + this.#delays.reverse : this.#delays.srtt;
		const target = (bandwidth * length) / (1 - this.#loss.base);
		this.window = Math.max(this.#initialWindow, gain * target + REPORT_ROOM);
	}

	#apply(): void {
		const bandwidth = this.#bandwidth.value;
		if (bandwidth <= 0) return;
		const target = this.#target;
		if (this.#phase === Phase.startup) {
			this.#applyStartup();
			return;
		}
		const mostExtra = this.#phase === Phase.up ? MOST_EXTRA_UP : MOST_EXTRA;
		const rate = (this.#gain * MARGIN * bandwidth) / (1 - Math.min(mostExtra, this.#loss.floor));
		this.pacingRate = Math.max(rate, SMALLEST_WINDOW / Math.max(1, this.#delays.srtt));
		const gain = this.#phase === Phase.probeRtt ? PROBE_RTT_WINDOW : WINDOW_GAIN;
		this.window = Math.max(
			SMALLEST_WINDOW,
			gain * target + bandwidth * this.#stubbornQueue + REPORT_ROOM * Math.min(1, gain),
		);
	}
}
