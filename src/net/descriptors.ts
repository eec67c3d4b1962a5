import {readFileSync} from 'node:fs';

/** Descriptors kept free for everything that is not the socket of a flow. */
const RESERVE = 512;

/** The least number of flow sockets that is allowed however low the limit is. */
const LEAST = 16;

/** Sockets that are left when idle flows begin to make room, and how many make room at once. */
export const SCARCE = 64;

/** How many flow sockets may be open under `softLimit` descriptors. */
export function flowSocketLimit(softLimit: number): number {
	return Math.max(softLimit - RESERVE, LEAST);
}

/** The soft limit of open descriptors of this process; unlimited where it cannot be read. */
export function readSoftLimit(path = '/proc/self/limits'): number {
	try {
		const line = /^Max open files\s+(\d+)/m.exec(readFileSync(path, 'utf8'));
		return line === null ? Number.POSITIVE_INFINITY : Number(line[1]);
	} catch {
		return Number.POSITIVE_INFINITY;
	}
}

/** How many sockets flows of all kinds may have open together. */
export class SocketBudget {
	readonly limit: number;
	readonly #scarce: () => void;
	readonly #reserve: number;
	#used = 0;

	/** @param scarce called with every one that is taken or asked for while few are left */
	constructor(limit: number, scarce: () => void = () => {}) {
		this.limit = limit;
		this.#scarce = scarce;
		this.#reserve = Math.min(SCARCE, limit >> 2);
	}

	/** Sockets that are open. */
	get used(): number {
		return this.#used;
	}

	/** Takes one; false when all are in use. */
	take(): boolean {
		if (this.#used + this.#reserve >= this.limit) this.#scarce();
		if (this.#used >= this.limit) return false;
		this.#used++;
		return true;
	}

	/** Gives one back. */
	give(): void {
		this.#used--;
	}
}
