/** Rows that are kept: 10 minutes of one a second, an hour of one each 5 seconds. */
const FINE_ROWS = 600;
const COARSE_ROWS = 720;

/** Rows of all paths over time, a column for each value of each path. */
class Rows {
	#limit;
	#columns;
	/** Seconds since 1970. */
	times = [];
	#series = new Map();

	constructor(limit, columns) {
		this.#limit = limit;
		this.#columns = columns;
	}

	/** Takes what the program has kept. */
	fill({times, series}) {
		this.times = Array.from(floats(times, Float64Array), (millis) => millis / 1000);
		for (const {series: number, values} of series) {
			const rows = floats(values, Float32Array);
			const all = this.#columns.map((_, column) =>
				this.times.map((_, row) => orNull(rows[row * this.#columns.length + column])),
			);
			this.#series.set(number, all);
		}
	}

	/** Takes the next row. */
	add({time, values}) {
		const given = new Map(values.map(([number, ...row]) => [number, row]));
		for (const number of given.keys()) if (!this.#series.has(number)) this.#begin(number);
		this.times.push(time / 1000);
		for (const [number, columns] of this.#series) {
			const row = given.get(number);
			for (const [column, all] of columns.entries()) all.push(row?.[column] ?? null);
		}
		if (this.times.length <= this.#limit) return;
		this.times.shift();
		for (const [number, columns] of this.#series) {
			for (const all of columns) all.shift();
			if (columns[0].every((value) => value === null)) this.#series.delete(number);
		}
	}

	/**
	 * The times between which there is something to show: the last `seconds`, or since the program
	 * began, but at least a minute.
	 */
	span(seconds) {
		const end = this.times.at(-1) ?? 0;
		const begun = Math.min(this.times[0] ?? end, end - 60);
		return {start: Math.max(end - seconds, begun), end};
	}

	/** The values of a column of a path, one for each time. */
	column(number, name) {
		const column = this.#columns.indexOf(name);
		return this.#series.get(number)?.[column] ?? this.times.map(() => null);
	}

	#begin(number) {
		const empty = () => this.times.map(() => null);
		this.#series.set(number, this.#columns.map(empty));
	}
}

/** The past of the paths, as far as the plots show it. */
export class Past {
	fine;
	coarse;
	happened;

	constructor({columns, fine, coarse, happened}) {
		this.fine = new Rows(FINE_ROWS, columns);
		this.fine.fill(fine);
		this.coarse = new Rows(COARSE_ROWS, columns);
		this.coarse.fill(coarse);
		this.happened = happened;
	}

	add({fine, coarse, happened}) {
		this.fine.add(fine);
		if (coarse !== undefined) this.coarse.add(coarse);
		this.happened = [...this.happened, ...happened].slice(-200);
	}

	/** The rows for a window of so many seconds. */
	rows(seconds) {
		return seconds > FINE_ROWS ? this.coarse : this.fine;
	}
}

function floats(text, Numbers) {
	const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
	return new Numbers(bytes.buffer);
}

function orNull(value) {
	return value === undefined || Number.isNaN(value) ? null : value;
}
