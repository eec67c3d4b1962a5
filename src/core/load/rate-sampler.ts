import type {Millis} from '../../bytes/time.ts';
import {BesideTraffic} from './beside-traffic.ts';
import type {SendSnapshot} from './rate-model.ts';

/** Shortest span of a sample: packets sent at one moment seem to arrive at one, too. */
const SHORTEST_SPAN: Millis = 0.01;

/**
 * Measures the delivery rate of a path: between the moment a packet was sent and the report of its
 * arrival so much was delivered, in the longer of the spans that it took to send and to receive it
 * (draft-cheng-iccrg-delivery-rate-estimation). What arrives is timed by the peer's clock where
 * that is known, so that delay and loss of reports do not blur it. What the path carried beside
 * counts as far as the packets around it were delivered: the rate is the path's, not the flow's. A
 * peer that lies about its clock gains nothing: a sample is never above the rate at which was sent.
 */
export class RateSampler {
	/** Bytes in flight. */
	inFlight = 0;
	/** Bytes delivered in all. */
	delivered = 0;
	/** The last sample, in bytes per millisecond. `0`: none. */
	rate = 0;
	/** Bytes that had been delivered when the packet behind the last sample was sent. */
	priorDelivered = 0;
	/** Set when the sender lacked data during the last sample. */
	appLimited = false;

	/** Traffic that the path carries beside. */
	readonly beside: BesideTraffic = new BesideTraffic();

	#deliveredAt: Millis = 0;
	#receivedAt: Millis = Number.NaN;
	#firstSentAt: Millis = 0;
	#limitedUntil = 0;
	#hasCandidate = false;
	#priorAt: Millis = 0;
	#priorReceivedAt: Millis = Number.NaN;
	#sendSpan: Millis = 0;
	#sentAt: Millis = 0;
	#besideSpan = 0;
	#ownSpan = 0;

	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void {
		if (this.inFlight === 0) {
			this.#firstSentAt = now;
			this.#deliveredAt = now;
			this.#receivedAt = Number.NaN;
		}
		this.beside.onSent(bytes, snapshot, this.inFlight === 0);
		snapshot.delivered = this.delivered;
		snapshot.deliveredAt = this.#deliveredAt;
		snapshot.receivedAt = this.#receivedAt;
		snapshot.firstSentAt = this.#firstSentAt;
		snapshot.appLimited = this.#limitedUntil > 0;
		this.inFlight += bytes;
	}

	onAcknowledged(bytes: number, sentAt: Millis, snapshot: SendSnapshot): void {
		this.inFlight -= bytes;
		this.delivered += bytes;
		this.beside.onAcknowledged(sentAt, snapshot);
		if (this.#hasCandidate && sentAt < this.#sentAt) return;
		this.#hasCandidate = true;
		this.#sentAt = sentAt;
		this.#firstSentAt = Math.max(this.#firstSentAt, sentAt);
		this.#sendSpan = sentAt - snapshot.firstSentAt;
		this.#priorAt = snapshot.deliveredAt;
		this.#priorReceivedAt = snapshot.receivedAt;
		this.priorDelivered = snapshot.delivered;
		this.appLimited = snapshot.appLimited;
		this.#besideSpan = snapshot.besideSpan;
		this.#ownSpan = snapshot.ownSpan;
	}

	onLost(bytes: number): void {
		this.inFlight -= bytes;
	}

	/**
	 * Closes the sample of one report, received at `receivedAt` of the peer's clock. False: nothing
	 * in the report was new.
	 */
	close(now: Millis, receivedAt: Millis): boolean {
		if (!this.#hasCandidate) return false;
		this.#hasCandidate = false;
		if (this.#limitedUntil > 0 && this.delivered > this.#limitedUntil) this.#limitedUntil = 0;
		const byPeer = receivedAt - this.#priorReceivedAt;
		const arrivalSpan = byPeer > 0 ? byPeer : now - this.#priorAt;
		const span = Math.max(this.#sendSpan, arrivalSpan);
		const own = this.delivered - this.priorDelivered;
		const beside = this.#besideSpan * Math.min(1, own / this.#ownSpan);
		this.rate = span > 0 ? (own + beside) / Math.max(span, SHORTEST_SPAN) : 0;
		this.#deliveredAt = now;
		if (!(receivedAt <= this.#receivedAt)) this.#receivedAt = receivedAt;
		return true;
	}

	/** Marks the packets in flight and those before them as no evidence of the path's rate. */
	setApplicationLimited(): void {
		this.#limitedUntil = Math.max(1, this.delivered + this.inFlight);
	}
}
