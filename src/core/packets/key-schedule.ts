import {type Millis, NEVER} from '../../bytes/time.ts';
import type {Aead} from '../../crypto/aead.ts';
import {EPOCHS} from '../../wire/constants.ts';

/** The keys of one epoch, and the packet numbers opened under them. */
interface EpochKeys {
	readonly epoch: number;
	readonly sealing: Aead;
	readonly opening: Aead;
	/** Counts installations, to order epochs although the nibble wraps. */
	readonly order: number;
	/** Smallest packet number opened under it. `NEVER`: none yet. */
	lowest: number;
	/** Time at which it stops being accepted. `NEVER`: nothing newer was confirmed. */
	expires: Millis;
}

/**
 * The traffic keys of a session over its rekeys. A newer epoch is confirmed by the first packet
 * that opens under it; from then on older ones are accepted for a grace time only, and never for a
 * packet number above the first of the newer one, so a recorded key cannot continue the session.
 */
export class KeySchedule {
	readonly #epochs: (EpochKeys | undefined)[] = new Array<EpochKeys | undefined>(EPOCHS).fill(
		undefined,
	);
	#order = 0;
	#sending: EpochKeys;
	/** Time of the first packet sealed under the present epoch. */
	since: Millis;
	#confirmed: EpochKeys | undefined;

	constructor(sealing: Aead, opening: Aead, epoch: number, now: Millis = 0) {
		this.since = now;
		this.#sending = this.#put(epoch, sealing, opening);
	}

	#put(epoch: number, sealing: Aead, opening: Aead): EpochKeys {
		const order = this.#order++;
		const keys: EpochKeys = {epoch, sealing, opening, order, lowest: NEVER, expires: NEVER};
		this.#epochs[epoch] = keys;
		return keys;
	}

	/** Epoch that packets are sealed under. */
	get epoch(): number {
		return this.#sending.epoch;
	}

	/** The key that packets are sealed with. */
	get sealing(): Aead {
		return this.#sending.sealing;
	}

	/** Client: installs keys that the server has already, so that they are used at once. */
	install(epoch: number, sealing: Aead, opening: Aead, now: Millis = 0): void {
		this.since = now;
		this.#sending = this.#put(epoch, sealing, opening);
	}

	/** The number of the epoch that `prepare` makes. */
	get nextEpoch(): number {
		return (this.#sending.epoch + 1) % EPOCHS;
	}

	/** Server: prepares the next epoch, in place of one that was not confirmed. */
	prepare(sealing: Aead, opening: Aead): void {
		this.#put(this.nextEpoch, sealing, opening);
	}

	/** Returns the key for a packet of that epoch and number. `undefined`: none is accepted. */
	opening(epoch: number, packetNumber: number, now: Millis): Aead | undefined {
		const keys = this.#epochs[epoch];
		if (keys === undefined) return undefined;
		if (now > keys.expires) {
			this.#epochs[epoch] = undefined;
			return undefined;
		}
		const newest = this.#confirmed;
		if (newest !== undefined && keys.order < newest.order && packetNumber > this.#bound(keys)) {
			return undefined;
		}
		return keys.opening;
	}

	/**
	 * Returns the smallest number opened under any newer epoch: the peer never goes back to an older
	 * one.
	 */
	#bound(keys: EpochKeys): number {
		let lowest = NEVER;
		for (const newer of this.#epochs) {
			if (newer !== undefined && newer.order > keys.order) lowest = Math.min(lowest, newer.lowest);
		}
		return lowest;
	}

	/** Notes a packet that opened under that epoch. True: this confirmed it, so `retire` is next. */
	opened(epoch: number, packetNumber: number, now: Millis): boolean {
		const keys = this.#epochs[epoch]!;
		if (packetNumber < keys.lowest) keys.lowest = packetNumber;
		if (this.#confirmed !== undefined && keys.order <= this.#confirmed.order) return false;
		this.#confirmed = keys;
		if (keys.order > this.#sending.order) {
			this.#sending = keys;
			this.since = now;
		}
		return true;
	}

	/** Lets the epochs before the confirmed one expire. @param at when they do */
	retire(at: Millis): void {
		const newest = this.#confirmed;
		if (newest === undefined) return;
		for (const other of this.#epochs) {
			if (other !== undefined && other.order < newest.order && other.expires === NEVER) {
				other.expires = at;
			}
		}
	}
}
