import {type Millis, NEVER} from '../../bytes/time.ts';
import type {RemoteAddress} from '../remote-address.ts';

/** Addresses kept for one path; the one silent for longest is dropped. */
const MAX_ADDRESSES = 4;

/** Addresses of one path that packets go to at once. */
const CURRENT = 2;

/** Silence after which an old address gets no more copies, while packets come from a newer one. */
const OLD_ADDRESS_SILENCE: Millis = 2000;

/**
 * Bytes that an unproven address may get for each byte that came from it (RFC 9000, section 8.1).
 */
const AMPLIFICATION = 3;

/** One address at which a path is reached. A client's path has one without `remote`: its socket. */
export class PathAddress {
	readonly remote: RemoteAddress | undefined;
	/** Set when it answered a challenge; its reports count from then on. */
	validated: boolean;
	/** Time of the last genuine packet from it. */
	lastReceived: Millis;
	/** Time since which its probes name another path, and none its own. `NEVER`: they do not. */
	contestedSince: Millis = NEVER;
	/** The bytes that it has to send back. */
	readonly challenge: Uint8Array;
	#allowance = 0;

	constructor(remote: RemoteAddress | undefined, challenge: Uint8Array, now: Millis) {
		this.remote = remote;
		this.challenge = challenge;
		this.validated = remote === undefined;
		this.lastReceived = now;
	}

	/** Counts the bytes of a genuine packet from it. */
	received(bytes: number, now: Millis): void {
		this.lastReceived = now;
		if (!this.validated) this.#allowance += AMPLIFICATION * bytes;
	}

	/** True while a packet of that size may be sent to it. */
	affords(bytes: number): boolean {
		return this.validated || this.#allowance >= bytes;
	}

	/** Takes a packet of that size from the allowance. False: it must not be sent. */
	allow(bytes: number): boolean {
		if (this.validated) return true;
		if (this.#allowance < bytes) return false;
		this.#allowance -= bytes;
		return true;
	}
}

function isAhead(other: PathAddress, address: PathAddress, isNewer: boolean): boolean {
	if (other.validated !== address.validated) return other.validated;
	return isNewer
		? other.lastReceived >= address.lastReceived
		: other.lastReceived > address.lastReceived;
}

/** The addresses of one path, the newest last. */
export class AddressList {
	readonly list: PathAddress[] = [];

	/** Adds an address. Returns the one that it replaces. `undefined`: none. */
	add(address: PathAddress): PathAddress | undefined {
		this.list.push(address);
		if (this.list.length <= MAX_ADDRESSES) return undefined;
		let oldest = this.list[0]!;
		for (const candidate of this.list) {
			if (candidate !== address && candidate.lastReceived < oldest.lastReceived) oldest = candidate;
		}
		this.remove(oldest);
		return oldest;
	}

	/**
	 * True while packets go to it: the old and the new one of a move, no more, or a bridge could
	 * multiply what it is sent. Those that were validated go first, of these the most recent ones.
	 */
	isCurrent(address: PathAddress): boolean {
		let ahead = 0;
		let isNewer = false;
		for (const other of this.list) {
			if (other === address) isNewer = true;
			else if (isAhead(other, address, isNewer)) ahead++;
		}
		return ahead < CURRENT;
	}

	/** Takes an address out. */
	remove(address: PathAddress): void {
		const index = this.list.indexOf(address);
		if (index >= 0) this.list.splice(index, 1);
	}

	/** Takes out the addresses that a newer one has replaced for good, and returns them. */
	expire(now: Millis): PathAddress[] {
		if (this.list.length < 2) return [];
		let newest = Number.NEGATIVE_INFINITY;
		for (const address of this.list) {
			if (address.validated) newest = Math.max(newest, address.lastReceived);
		}
		const old = this.list.filter(
			(address) =>
				address.lastReceived < newest && now - address.lastReceived > OLD_ADDRESS_SILENCE,
		);
		for (const address of old) this.remove(address);
		return old;
	}
}
