import {Session} from 'node:inspector';

/** Elements that a built-in function moves in the time of about one step. */
const ELEMENTS = 8;

/** What the inspector counted of one script. */
interface ScriptCoverage {
	readonly url: string;
	readonly functions: readonly {readonly ranges: readonly {readonly count: number}[]}[];
}

let moved = 0;

/** Counts what a method of arrays that takes time in proportion to their length moves or looks at. */
function count(owner: object, name: string, elements: (self: {length: number}) => number): void {
	const original = Reflect.get(owner, name);
	Reflect.set(owner, name, function (this: {length: number}, ...rest: unknown[]) {
		moved += elements(this);
		return Reflect.apply(original, this, rest);
	});
}

/** Counts the characters that a search in a string looks at. */
function countSearch(): void {
	const original = String.prototype.indexOf;
	Reflect.set(String.prototype, 'indexOf', function (this: string, text: string, from = 0) {
		const at = Reflect.apply(original, this, [text, from]);
		moved += Math.max(0, (at < 0 ? this.length : at) - from);
		return at;
	});
}

/**
 * The work that the program does, as the executed basic blocks of its own sources (the engine's
 * precise coverage) and what built-in functions of arrays and strings look at. It is the same on
 * every machine, and the program knows nothing of it. Must be made before what it counts runs first.
 */
export class WorkCounter {
	readonly #session = new Session();
	readonly #sources: RegExp;

	/** @param sources the files that count */
	constructor(sources: RegExp) {
		this.#sources = sources;
		this.#session.connect();
		this.#session.post('Profiler.enable');
		this.#session.post('Profiler.startPreciseCoverage', {callCount: true, detailed: true});
		for (const name of ['splice', 'shift', 'unshift', 'indexOf', 'includes', 'slice', 'fill']) {
			count(Array.prototype, name, ({length}) => length);
		}
		countSearch();
		const typed = Object.getPrototypeOf(Uint8Array.prototype);
		for (const name of ['fill', 'copyWithin', 'slice', 'indexOf', 'includes']) {
			count(typed, name, ({length}) => length);
		}
	}

	/** Steps since it was called last. */
	take(): number {
		let steps = Math.floor(moved / ELEMENTS);
		this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
			if (error !== null) throw error;
			for (const {url, functions} of answer.result as readonly ScriptCoverage[]) {
				if (!this.#sources.test(url)) continue;
				for (const {ranges} of functions) for (const range of ranges) steps += range.count;
			}
		});
		moved = 0;
		return steps;
	}

	/** Ends the counting. */
	stop(): void {
		this.#session.post('Profiler.stopPreciseCoverage');
		this.#session.disconnect();
	}
}
