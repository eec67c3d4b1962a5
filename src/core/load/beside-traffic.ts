import type {Millis} from '../../bytes/time.ts';
import type {SendSnapshot} from './rate-model.ts';

/**
 * Counts the bytes that a path carries beside the packets of a rate model, and that no report
 * covers. Packets arrive about in the order of their sending, and fare alike: those sent before a
 * packet that arrived are not on their way any more, and the same part of them arrived as of the
 * model's own.
 */
export class BesideTraffic {
	#sent = 0;
	#own = 0;
	/** Both as they were when the newest packet was sent that is known to have arrived. */
	#sentThen = 0;
	#ownThen = 0;
	#newestAt: Millis = Number.NEGATIVE_INFINITY;

	/** Bytes that may be on their way. */
	get inFlight(): number {
		return this.#sent - this.#sentThen;
	}

	/** Counts bytes that leave, on which nothing is reported. */
	add(bytes: number): void {
		this.#sent += bytes;
	}

	/** Notes a packet of the model that leaves. @param isFirst true: none of them is on its way */
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

	/**
	 * Takes the arrival of a packet of the model, sent at `sentAt`. Returns the bytes that passed
	 * with it.
	 */
	onAcknowledged(sentAt: Millis, snapshot: SendSnapshot): number {
		if (sentAt < this.#newestAt) return 0;
		this.#newestAt = sentAt;
		const passed = Math.max(0, snapshot.beside - this.#sentThen);
		this.#sentThen += passed;
		this.#ownThen = Math.max(this.#ownThen, snapshot.own);
		return passed;
	}
}
