import type {Millis} from '../../bytes/time.ts';
import type {PathState, PathStatus} from '../../core/events.ts';
import type {StatusSnapshot} from '../observe/status.ts';
import {Ring} from './ring.ts';

/** Values of a path at one time, in this order; NaN: not measured. */
export const COLUMNS = [
	'state',
	'rtt',
	'jitter',
	'lossOut',
	'lossIn',
	'rateOut',
	'rateIn',
	'queueOut',
	'queueIn',
	'mtu',
] as const;

/** Numbers of the states in the first column, the best one first. */
const STATES: readonly PathState[] = ['up', 'suspect', 'new', 'down'];

/** Paths of which the past is kept: 53 kB for each. */
const SERIES_LIMIT = 32;

/** 10 minutes of rows each second, and an hour of rows each 5 seconds. */
const FINE_ROWS = 600;
const COARSE_ROWS = 720;
const FINE_PER_COARSE = 5;

/** A path whose past is kept. */
export interface SeriesName {
	/** Number of the series; never used again for another one. */
	readonly series: number;
	/** Session that the path is in now. */
	readonly session: number;
	readonly id: number;
}

/** Values of all paths at one time. */
export interface Row {
	/** Wall clock: milliseconds since 1970. */
	readonly time: Millis;
	/** The number of the series, then a value for each column. `null`: not measured. */
	readonly values: readonly (readonly (number | null)[])[];
}

/** A row of both rings. */
export interface Sample {
	readonly fine: Row;
	/** Mean of the last rows, in every fifth sample only. */
	readonly coarse: Row | undefined;
	readonly series: readonly SeriesName[];
}

/** All that is kept, for a viewer that has just come. */
export interface Past {
	readonly columns: readonly string[];
	readonly fine: PastRing;
	readonly coarse: PastRing;
}

/** A ring from its oldest row to its newest; numbers are base64 of little-endian floats. */
export interface PastRing {
	/** 64-bit wall times in ms, one a row. */
	readonly times: string;
	/** 32-bit values, row by row with all columns. */
	readonly series: readonly {readonly series: number; readonly values: string}[];
}

interface Series {
	readonly number: number;
	readonly fine: Float32Array;
	readonly coarse: Float32Array;
	/** Sums and counts of the rows of the next coarse one; of the state the worst. */
	readonly sums: Float64Array;
	readonly counts: Uint32Array;
	/** Bytes at the last sample, for rates. */
	sent: number;
	received: number;
	sampledAt: Millis;
	/** Sample in which the path was seen last. */
	seenAt: number;
}

/** The past of a program's paths, in memory that does not grow beyond a limit. */
export class History {
	readonly #series = new Map<string, Series>();
	readonly #fine = new Ring(FINE_ROWS);
	readonly #coarse = new Ring(COARSE_ROWS);
	#samples = 0;
	#next = 0;

	/**
	 * Takes a snapshot as the next row.
	 * @param now wall clock
	 */
	sample(snapshot: StatusSnapshot, now: Millis): Sample {
		const at = this.#fine.push(now);
		this.#samples++;
		for (const series of this.#series.values()) clearRow(series.fine, at);
		const keys = keysOf(snapshot);
		// Those of now are not to be forgotten for each other.
		for (const key of keys.values()) {
			const known = this.#series.get(key);
			if (known !== undefined) known.seenAt = this.#samples;
		}
		const series: SeriesName[] = [];
		const values: (readonly (number | null)[])[] = [];
		for (const {session, paths} of snapshot.sessions) {
			for (const path of paths) {
				const one = this.#get(keys.get(path));
				if (one === undefined) continue;
				const row = fill(one, path, at, now);
				series.push({series: one.number, session, id: path.id});
				values.push([one.number, ...Array.from(row, orNull)]);
			}
		}
		const coarse = this.#samples % FINE_PER_COARSE === 0 ? this.#closeCoarse(now) : undefined;
		return {fine: {time: now, values}, coarse, series};
	}

	/** Returns all that is kept. */
	past(): Past {
		return {
			columns: COLUMNS,
			fine: this.#pastOf(this.#fine, ({fine}) => fine),
			coarse: this.#pastOf(this.#coarse, ({coarse}) => coarse),
		};
	}

	#pastOf(ring: Ring, of: (series: Series) => Float32Array): PastRing {
		const series = [...this.#series.values()].map((one) => ({
			series: one.number,
			values: base64(ring.inOrder(of(one), COLUMNS.length)),
		}));
		return {times: base64(ring.times()), series};
	}

	/** The series of a path. `undefined`: there are too many paths at once. */
	#get(key = ''): Series | undefined {
		const known = this.#series.get(key);
		if (known !== undefined) return known;
		if (this.#series.size >= SERIES_LIMIT && !this.#forget()) return undefined;
		const made: Series = {
			number: this.#next++,
			fine: new Float32Array(FINE_ROWS * COLUMNS.length).fill(Number.NaN),
			coarse: new Float32Array(COARSE_ROWS * COLUMNS.length).fill(Number.NaN),
			sums: new Float64Array(COLUMNS.length),
			counts: new Uint32Array(COLUMNS.length),
			sent: Number.NaN,
			received: Number.NaN,
			sampledAt: Number.NaN,
			seenAt: this.#samples,
		};
		this.#series.set(key, made);
		return made;
	}

	/** Forgets the path that has been gone for longest; false: none has. */
	#forget(): boolean {
		let oldest: string | undefined;
		let seenAt = this.#samples;
		for (const [key, one] of this.#series) {
			if (one.seenAt >= seenAt) continue;
			oldest = key;
			({seenAt} = one);
		}
		return oldest !== undefined && this.#series.delete(oldest);
	}

	#closeCoarse(now: Millis): Row {
		const at = this.#coarse.push(now);
		const values: (readonly (number | null)[])[] = [];
		for (const {number, coarse, sums, counts} of this.#series.values()) {
			const row = coarse.subarray(at * COLUMNS.length, (at + 1) * COLUMNS.length);
			for (let column = 0; column < COLUMNS.length; column++) {
				const count = column === 0 ? Math.min(1, counts[0]!) : counts[column]!;
				row[column] = count === 0 ? Number.NaN : sums[column]! / count;
			}
			values.push([number, ...Array.from(row, orNull)]);
			sums.fill(0);
			counts.fill(0);
		}
		return {time: now, values};
	}
}

/** The key of each path: one of a client goes on in its next session. */
function keysOf({program, sessions}: StatusSnapshot): ReadonlyMap<PathStatus, string> {
	return new Map(
		sessions.flatMap(({session, paths}) =>
			paths.map((path) => {
				const key = program === 'mpclient' ? `${path.id}` : `${session} ${path.id}`;
				return [path, key] as const;
			}),
		),
	);
}

/** Fills the row of a path, and adds it to the next coarse one. */
function fill(series: Series, path: PathStatus, at: number, now: Millis): Float32Array {
	const {sending, receiving} = path;
	const seconds = (now - series.sampledAt) / 1000;
	const row = series.fine.subarray(at * COLUMNS.length, (at + 1) * COLUMNS.length);
	row[0] = STATES.indexOf(path.state);
	row[1] = path.rtt ?? Number.NaN;
	row[2] = path.jitter ?? Number.NaN;
	row[3] = sending.dataLoss ?? sending.loss ?? Number.NaN;
	row[4] = receiving.loss ?? Number.NaN;
	row[5] = rate(sending.bytes - series.sent, seconds);
	row[6] = rate(receiving.bytes - series.received, seconds);
	row[7] = sending.queueing ?? Number.NaN;
	row[8] = receiving.queueing ?? Number.NaN;
	row[9] = path.mtu;
	series.sent = sending.bytes;
	series.received = receiving.bytes;
	series.sampledAt = now;
	for (let column = 0; column < COLUMNS.length; column++) {
		const value = row[column]!;
		if (Number.isNaN(value)) continue;
		series.counts[column]!++;
		if (column === 0) series.sums[0] = Math.max(series.sums[0]!, value);
		else series.sums[column]! += value;
	}
	return row;
}

// In a new session the counts begin anew. Rates of paths are given in bits per second.
function rate(amount: number, seconds: number): number {
	return amount >= 0 && seconds > 0 ? (8 * amount) / seconds : Number.NaN;
}

function clearRow(values: Float32Array, at: number): void {
	values.fill(Number.NaN, at * COLUMNS.length, (at + 1) * COLUMNS.length);
}

function orNull(value: number): number | null {
	// Four digits are more than a plot shows.
	return Number.isNaN(value) ? null : Number(value.toPrecision(5));
}

function base64({buffer, byteOffset, byteLength}: Float32Array | Float64Array): string {
	return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
