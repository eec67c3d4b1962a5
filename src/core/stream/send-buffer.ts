import {RangeSet} from './range-set.ts';

/** Chunks at the front that are gone before their places are given back. */
const COMPACT_AFTER = 256;
/** Memory that a chunk takes beside its bytes, which may be a single one. */
const CHUNK_OVERHEAD = 256;

/**
 * The bytes of one direction of a stream from the writer until the peer has them. Offsets count
 * from 0.
 */
export class SendBuffer {
	/** Everything before it is acknowledged and gone. */
	base = 0;
	/** Bytes written in all. */
	end = 0;
	/** The first byte that never was in a packet. */
	next = 0;
	/** Bytes that have to be sent again. */
	readonly lost: RangeSet = new RangeSet();
	readonly #acknowledged: RangeSet = new RangeSet();
	readonly #chunks: Uint8Array[] = [];
	readonly #starts: number[] = [];
	#first = 0;

	/** Bytes that are kept. */
	get buffered(): number {
		return this.end - this.base;
	}

	/** Approximate memory that they take, in bytes. */
	get memory(): number {
		return this.end - this.base + (this.#chunks.length - this.#first) * CHUNK_OVERHEAD;
	}

	/** Appends bytes, which stay where they are and must not change. */
	append(bytes: Uint8Array): void {
		if (bytes.length === 0) return;
		this.#chunks.push(bytes);
		this.#starts.push(this.end);
		this.end += bytes.length;
	}

	/** Copies bytes [offset, offset + length), which must be kept, to target at `at`. */
	copy(offset: number, length: number, target: Uint8Array, at: number): void {
		let index = this.#find(offset);
		let from = offset;
		let to = at;
		let left = length;
		while (left > 0) {
			const chunk = this.#chunks[index]!;
			const start = from - this.#starts[index]!;
			const count = Math.min(left, chunk.length - start);
			target.set(chunk.subarray(start, start + count), to);
			from += count;
			to += count;
			left -= count;
			index++;
		}
	}

	#find(offset: number): number {
		let low = this.#first;
		let high = this.#starts.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if (this.#starts[middle]! <= offset) low = middle;
			else high = middle - 1;
		}
		return low;
	}

	/** Lets go of bytes that the peer has. */
	acknowledge(offset: number, length: number): void {
		const end = offset + length;
		this.lost.remove(offset, end);
		if (offset > this.base) {
			this.#acknowledged.add(offset, end);
			return;
		}
		this.base = Math.max(this.base, end);
		const acknowledged = this.#acknowledged;
		while (acknowledged.firstStart <= this.base) {
			this.base = Math.max(this.base, acknowledged.firstEnd);
			acknowledged.remove(acknowledged.firstStart, acknowledged.firstEnd);
		}
		this.#release();
	}

	#release(): void {
		while (this.#first < this.#chunks.length) {
			const chunk = this.#chunks[this.#first]!;
			if (this.#starts[this.#first]! + chunk.length > this.base) break;
			this.#chunks[this.#first++] = EMPTY;
		}
		// No more chunks move than went since the last time.
		const isDue = this.#first >= COMPACT_AFTER && 2 * this.#first >= this.#chunks.length;
		if (!isDue && this.#first < this.#chunks.length) return;
		this.#chunks.splice(0, this.#first);
		this.#starts.splice(0, this.#first);
		this.#first = 0;
	}

	/** Marks bytes of which every copy is lost: those not acknowledged are to be sent again. */
	lose(offset: number, length: number): void {
		const end = offset + length;
		const acknowledged = this.#acknowledged;
		for (let from = Math.max(offset, this.base); from < end; ) {
			from = acknowledged.endAround(from);
			const to = Math.min(end, acknowledged.startBehind(from));
			this.lost.add(from, to);
			from = to;
		}
	}

	/** Lets go of everything. */
	clear(): void {
		this.#chunks.length = 0;
		this.#starts.length = 0;
		this.#first = 0;
		this.lost.clear();
		this.#acknowledged.clear();
		this.base = this.end;
		this.next = this.end;
	}
}

const EMPTY = new Uint8Array(0);
