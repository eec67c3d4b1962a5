import type {Millis} from '../../bytes/time.ts';
import {MAX_DATAGRAM, MAX_FRAGMENTS} from '../../wire/constants.ts';
import type {Fragment} from '../../wire/frames/datagram.ts';
import {type Account, unlimited} from '../budget.ts';

/** Datagrams being joined at once. */
const MAX_OPEN = 64;
/** Largest memory for them. */
const MAX_MEMORY = 4 * 1024 * 1024;
const TIMEOUT: Millis = 2000;
/** Memory that a piece takes beside its bytes, which may be none. */
const OVERHEAD = 128;
/** A DATAGRAM_TO with its longest target around the longest datagram. */
const MAX_FRAME = MAX_DATAGRAM + 320;

interface Partial {
	readonly count: number;
	readonly pieces: (Uint8Array | undefined)[];
	missing: number;
	bytes: number;
	readonly since: Millis;
}

/**
 * Joins frames that were split over consecutive packets. The packet number of the first piece names
 * the whole, so FRAGMENT needs no id of its own. A new whole pushes the oldest one out when there
 * are too many, so an attacker with a key wastes only the memory named above.
 */
export class Reassembly {
	readonly #open = new Map<number, Partial>();
	readonly #account: Account;
	#memory = 0;

	/** @param account memory that the user may take */
	constructor(account: Account = unlimited()) {
		this.#account = account;
	}

	/**
	 * Takes a copy of a piece of the datagram whose pieces have the number `first`. Returns the whole
	 * frame when this was its last piece. `undefined`: pieces are missing. 'malformed': the piece
	 * makes no sense.
	 */
	add(
		first: number,
		{index, count, bytes, start, end}: Readonly<Fragment>,
		now: Millis,
	): Uint8Array | 'malformed' | undefined {
		if (count < 2 || count > MAX_FRAGMENTS || index >= count || first < 0) return 'malformed';
		const size = end - start + OVERHEAD;
		while (!this.#account.hasRoom(size) && this.#open.size > 0) this.#abandonOldest();
		if (!this.#account.hasRoom(size)) return undefined;
		let whole = this.#open.get(first);
		if (whole === undefined) {
			this.expire(now);
			while (this.#open.size >= MAX_OPEN) this.#abandonOldest();
			const pieces = new Array<Uint8Array | undefined>(count).fill(undefined);
			whole = {count, pieces, missing: count, bytes: 0, since: now};
			this.#open.set(first, whole);
		}
		const length = end - start;
		if (whole.count !== count || whole.bytes + length > MAX_FRAME) {
			this.#forget(first, whole);
			return 'malformed';
		}
		if (whole.pieces[index] !== undefined) return 'malformed';
		whole.pieces[index] = bytes.slice(start, end);
		whole.bytes += length;
		whole.missing--;
		this.#memory += length;
		this.#account.add(size);
		if (whole.missing === 0) return this.#join(first, whole);
		while (this.#memory > MAX_MEMORY) this.#abandonOldest();
		return undefined;
	}

	#join(first: number, whole: Partial): Uint8Array {
		const joined = new Uint8Array(whole.bytes);
		let at = 0;
		for (const piece of whole.pieces) {
			joined.set(piece!, at);
			at += piece!.length;
		}
		this.#forget(first, whole);
		return joined;
	}

	#forget(first: number, whole: Partial): void {
		this.#open.delete(first);
		this.#memory -= whole.bytes;
		this.#account.give(whole.bytes + (whole.count - whole.missing) * OVERHEAD);
	}

	#abandonOldest(): void {
		for (const [first, whole] of this.#open) {
			this.#forget(first, whole);
			return;
		}
	}

	/** Gives up everything: the session is over. */
	clear(): void {
		while (this.#open.size > 0) this.#abandonOldest();
	}

	/** Gives up what has waited too long. */
	expire(now: Millis): void {
		for (const [first, whole] of this.#open) {
			if (now - whole.since <= TIMEOUT) return;
			this.#forget(first, whole);
		}
	}
}
