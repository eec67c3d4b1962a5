import type {Millis} from '../../bytes/time.ts';

/** Assumed before the first sample (RFC 9002, section 6.2.2). */
const INITIAL_RTT: Millis = 333;

/** Smoothed round trip time and its variation (RFC 6298), jitter as in RFC 3550, section 6.4.1. */
export class RttEstimator {
	/** True once there is a sample. */
	measured = false;
	smoothed: Millis = INITIAL_RTT;
	variation: Millis = INITIAL_RTT / 2;
	latest: Millis = INITIAL_RTT;
	jitter: Millis = 0;

	/** Takes one sample; negative ones (a lying or confused peer) are ignored. */
	sample(rtt: Millis): void {
		if (!(rtt >= 0 && rtt < 60_000)) return;
		if (this.measured) {
			this.jitter += (Math.abs(rtt - this.latest) - this.jitter) / 16;
			this.variation += (Math.abs(this.smoothed - rtt) - this.variation) / 4;
			this.smoothed += (rtt - this.smoothed) / 8;
		} else {
			this.smoothed = rtt;
			this.variation = rtt / 2;
			this.measured = true;
		}
		this.latest = rtt;
	}

	/** Longest time of evidence on a healthy path. */
	get patience(): Millis {
		return 1.5 * this.smoothed + 4 * this.variation;
	}

	/** Probe time-out (RFC 9002, section 6.2.1) with a delay of 25 ms at the peer. */
	get probeTimeout(): Millis {
		return this.smoothed + Math.max(4 * this.variation, 1) + 25;
	}
}
