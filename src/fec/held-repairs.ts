import {Fifo} from '../bytes/fifo.ts';
import {type Millis, NEVER} from '../bytes/time.ts';
import type {Repair} from './decoder.ts';
import {isPath} from './path-progress.ts';
import type {SymbolMemory} from './symbol-memory.ts';

/** A repair that waits. */
export interface HeldRepair extends Repair {
	/** Latest time at which it is taken up. */
	until: Millis;
}

/**
 * Repairs that wait until what they cover is due. Each path has a queue of its own: repairs that
 * come over a slow one cover less recent sources, and do not wait behind those of the fast ones.
 */
export class HeldRepairs {
	/** Repairs thrown away because too many waited, or for lack of memory. */
	dropped = 0;
	/** Most repairs that wait. */
	limit: number;
	/** True when the last one was not kept for want of memory. */
	lacksMemory = false;
	readonly #memory: SymbolMemory;
	readonly #queues: Fifo<HeldRepair>[] = [];
	/** Records that are free. */
	readonly #free: HeldRepair[] = [];
	#count = 0;

	constructor(memory: SymbolMemory, limit: number) {
		this.#memory = memory;
		this.limit = limit;
	}

	/**
	 * Keeps a copy of the symbol bytes[start, end). False: there is no room, or the path is none of
	 * 0 to 63.
	 */
	push(
		path: number,
		repair: {readonly packetNumber: number; readonly newest: number; readonly count: number},
		symbol: {readonly bytes: Uint8Array; readonly start: number; readonly end: number},
		until: Millis,
	): boolean {
		const isTaken = this.#count < this.limit && isPath(path);
		const slot = isTaken ? this.#memory.take() : -1;
		this.lacksMemory = isTaken && slot < 0;
		if (slot < 0) {
			this.dropped++;
			return false;
		}
		this.#memory.load(slot, 0, symbol.bytes, symbol.start, symbol.end);
		const record = this.#free.pop() ?? {
			...{packetNumber: 0, newest: 0, count: 0},
			...{slot: 0, length: 0, until: 0},
		};
		record.packetNumber = repair.packetNumber;
		record.newest = repair.newest;
		record.count = repair.count;
		record.slot = slot;
		record.length = symbol.end - symbol.start;
		record.until = until;
		while (this.#queues.length <= path) this.#queues.push(new Fifo());
		this.#queues[path]!.push(record);
		this.#count++;
		return true;
	}

	/** Paths that have a queue: those below. */
	get paths(): number {
		return this.#queues.length;
	}

	/** The repair of a path that waits for longest. `undefined`: none waits. */
	first(path: number): HeldRepair | undefined {
		return this.#queues[path]!.first;
	}

	/**
	 * Takes the first of a path out. Its slot is the caller's, the record only until the next
	 * `push`.
	 */
	shift(path: number): HeldRepair {
		const record = this.#queues[path]!.shift()!;
		this.#free.push(record);
		this.#count--;
		return record;
	}

	/** Latest time at which the next repair is taken up. */
	nextTimeout(): Millis {
		let next = NEVER;
		if (this.#count === 0) return next;
		for (const queue of this.#queues) next = Math.min(next, queue.first?.until ?? NEVER);
		return next;
	}

	/** Gives all memory back. */
	close(): void {
		for (let path = 0; path < this.#queues.length; path++) {
			while (this.first(path) !== undefined) this.#memory.give(this.shift(path).slot);
		}
	}
}
