import type {Millis} from '../../bytes/time.ts';
import type {SendSnapshot} from './rate-model.ts';

/**
 * Counts what a path carries beside the packets of a rate model, and of which no report tells. Packets
 * arrive about in the order of their sending, and fare alike: what was sent before a packet that
 * arrived is not on its way any more, and the same part of it arrived as of the model's own.
 */
export class BesideTraffic {
	#sent = 0;
	#own = 0;
	/** The same when the newest packet was sent that is known to have arrived. */
	#sentThen = 0;
	#ownThen = 0;
	#newestAt: Millis = Number.NEGATIVE_INFINITY;

	/** Bytes that may be on their way. */
	get inFlight(): number {
		return this.#sent - this.#sentThen;
	}

	/** Bytes leave of which nothing is reported. */
	add(bytes: number): void {
		this.#sent += bytes;
	}

	/** A packet of the model leaves; `isFirst` = none of them is on its way. */
	onSent(bytes: number, snapshot: SendSnapshot, isFirst: boolean): void {
		if (isFirst) {
			this.#sentThen = this.#sent;
			this.#ownThen = this.#own;
		}
		this.#own += bytes;
		snapshot.beside = this.#sent;
		snapshot.besideSpan = this.#sent - this.#sentThen;
		snapshot.own = this.#own;
		snapshot.ownSpan = this.#own - this.#ownThen;
	}

	/** A packet of the model, sent at `sentAt`, arrived; returns the bytes that passed with it. */
	onAcknowledged(sentAt: Millis, snapshot: SendSnapshot): number {
		if (sentAt < this.#newestAt) return 0;
		this.#newestAt = sentAt;
		const passed = Math.max(0, snapshot.beside - this.#sentThen);
		this.#sentThen += passed;
		this.#ownThen = Math.max(this.#ownThen, snapshot.own);
		return passed;
	}
}
