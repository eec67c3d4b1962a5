import type {Millis} from '../../bytes/time.ts';
import type {RateModel, SendSnapshot} from './rate-model.ts';
import {Saturation} from './saturation.ts';

/**
 * The load that one path may carry now: one for each path and session, for all senders together.
 * Two estimators derive it from the reports of the peer: `saturation` from probes, the rate model
 * from FEEDBACK. Copies of datagrams are taken or left at once; packets that can wait get what
 * these leave of the path. All bytes are those on the wire: UDP payload + 28.
 */
export class PathLoad {
	/** Bounds copies on a path that cannot keep up, or that the user limits. */
	readonly saturation: Saturation = new Saturation();
	#model: RateModel | undefined;

	/** Returns the rate model, which `create` makes when it is first needed. */
	rateModel(create: () => RateModel): RateModel {
		this.#model ??= create();
		return this.#model;
	}

	/**
	 * Takes a copy of so many bytes from the allowance. False: it must not go out.
	 * @param kept bytes that must be left in it for others
	 */
	admits(bytes: number, now: Millis, kept = 0): boolean {
		if (!this.saturation.allow(bytes, now, kept)) return false;
		this.#model?.onBeside(now, bytes);
		return true;
	}

	/**
	 * Admits a copy that `admits` has just refused, because no other path carries one. False: it must
	 * not go out.
	 */
	admitsLast(bytes: number, now: Millis): boolean {
		if (!this.saturation.allowLast()) return false;
		this.#model?.onBeside(now, bytes);
		return true;
	}

	/** Counts bytes that go out at any load (probes). */
	charge(bytes: number, now: Millis): void {
		this.saturation.charge(bytes);
		this.#model?.onBeside(now, bytes);
	}

	/**
	 * Returns the milliseconds until a packet that can wait may go, as RateModel. `0`: now. Needs a
	 * rate model.
	 */
	delayUntilSend(now: Millis, bytes: number): Millis {
		return Math.max(
			this.#model?.delayUntilSend(now, bytes) ?? 0,
			this.saturation.delayUntilSend(now, bytes),
		);
	}

	/** Counts a packet that could wait and leaves now; the rate model fills `snapshot`. */
	onSent(now: Millis, bytes: number, snapshot: SendSnapshot): void {
		this.#model?.onSent(now, bytes, snapshot);
		this.saturation.chargeWaiting(bytes);
	}
}
