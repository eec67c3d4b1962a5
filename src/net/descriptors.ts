import {readFileSync} from 'node:fs';

/** Descriptors kept free for everything that is not the socket of a flow. */
const RESERVE = 512;

/** The least number of flow sockets that is allowed however low the limit is. */
const LEAST = 16;

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
	#used = 0;

	constructor(limit: number) {
		this.limit = limit;
	}

	/** Sockets that are open. */
	get used(): number {
		return this.#used;
	}

	/** Takes one; false when all are in use. */
	take(): boolean {
		if (this.#used >= this.limit) return false;
		this.#used++;
		return true;
	}

	/** Gives one back. */
	give(): void {
		this.#used--;
	}
}
