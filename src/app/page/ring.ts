import type {Millis} from '../../bytes/time.ts';

/** The times of the last rows of a table; the rows themselves lie in arrays of others. */
export class Ring {
	readonly #times: Float64Array;
	#count = 0;

	/** @param rows rows that are kept */
	constructor(rows: number) {
		this.#times = new Float64Array(rows);
	}

	/** Begins a row; returns its place, which was that of the oldest when the ring is full. */
	push(time: Millis): number {
		const at = this.#count % this.#times.length;
		this.#times[at] = time;
		this.#count++;
		return at;
	}

	/** Returns the times of the rows, the oldest first. */
	times(): Float64Array {
		return rotate(this.#times, this.#times.length, this.#count, 1);
	}

	/** Returns a copy of the rows of a table with so many columns, the oldest first. */
	inOrder(table: Float32Array, columns: number): Float32Array {
		return rotate(table, this.#times.length, this.#count, columns);
	}
}

function rotate<Values extends Float32Array | Float64Array>(
	values: Values,
	rows: number,
	count: number,
	columns: number,
): Values {
	if (count <= rows) return values.slice(0, count * columns) as Values;
	const split = (count % rows) * columns;
	const turned = values.slice(split) as Values;
	const all = new (values.constructor as new (length: number) => Values)(rows * columns);
	all.set(turned);
	all.set(values.subarray(0, split), turned.length);
	return all;
}
