/** A part of the memory that windows only grow into while other streams have little. */
const GROWTH_SHARE = 0.75;

/** How many bytes peers have been allowed to send that nobody has taken from us yet, all streams together. */
export class CreditPool {
	used = 0;
	readonly limit: number;

	/** @param limit bytes that may be out */
	constructor(limit: number) {
		this.limit = limit;
	}

	/** Whether a window may grow by `count` bytes and leave room for new streams. */
	roomToGrow(count: number): boolean {
		return this.used + count <= GROWTH_SHARE * this.limit;
	}

	/** Gives out up to `count` bytes, at least `least` whatever is left; how many. */
	take(count: number, least: number): number {
		const got = Math.max(Math.min(count, least), Math.min(count, this.limit - this.used));
		this.used += got;
		return got;
	}

	/** Takes bytes back. */
	give(count: number): void {
		this.used -= count;
	}
}
