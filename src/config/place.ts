import {resolve} from 'node:path';
import {didYouMean} from '../text/did-you-mean.ts';
import {escapeText, quoteText} from '../text/escape-text.ts';
import {attempt, type ProblemList} from './errors.ts';

/** The steps from the top of a file to a value: field names and list positions. */
export type FieldPath = readonly (string | number)[];

/** Origin of values: a file, the flags, the environment. */
export interface Source {
	/** Absolute; relative paths in the values start here. */
	readonly folder: string;
	/** The name of the file, where other users of the machine can read it. */
	readonly readableName?: string | undefined;
	/** Returns where the value at `path`, or the nearest one around it, is for a message. */
	locate(path: FieldPath): Location;
}

/** A place as a problem shows it, escaped. */
export interface Location {
	/** `FILE:LINE`; empty for flags and the environment. */
	readonly where: string;
	/** `paths[1].bind`, `--bind` or `MPTUNNEL_KEY`; empty at the top of a file. */
	readonly field: string;
}

/** A value's place in its source: reads the value, and reports what is wrong with it. */
export class Place {
	readonly #source: Source;
	readonly #problems: ProblemList;
	readonly #path: FieldPath;

	constructor(source: Source, problems: ProblemList, path: FieldPath = []) {
		this.#source = source;
		this.#problems = problems;
		this.#path = path;
	}

	/** The place of a field or list item inside the value at this place. */
	child(step: string | number): Place {
		return new Place(this.#source, this.#problems, [...this.#path, step]);
	}

	/** See {@link Location.where}. */
	get where(): string {
		return this.#source.locate(this.#path).where;
	}

	/** See {@link Location.field}. */
	get field(): string {
		return this.#source.locate(this.#path).field;
	}

	/** Both of them, to keep. */
	get location(): Location {
		return this.#source.locate(this.#path);
	}

	/** The list that problems of this source go to. */
	get problems(): ProblemList {
		return this.#problems;
	}

	/** A path in the file system, made absolute. */
	absolute(path: string): string {
		return resolve(this.#source.folder, path);
	}

	/** Warns, once for each file, that other users can read the secret here: `a key`. */
	secret(what: string): void {
		const {readableName} = this.#source;
		if (readableName === undefined) return;
		const reason = `holds ${what} and can be read by other users of this machine (chmod 600)`;
		this.#problems.warn(`${quoteText(readableName)} ${reason}`);
	}

	/** Adds a problem of this value. */
	report(reason: string): void {
		const {where, field} = this.location;
		this.#problems.add(where, field, reason);
	}

	/** Reads text (or a number, as it is written in decimal); undefined when it was reported. */
	text<T>(value: unknown, read: (text: string) => T): T | undefined {
		// A throwing reader words what belongs here, so it is asked about values of other types too.
		const plain = typeof value === 'string' || typeof value === 'number';
		return attempt(
			() => read(plain ? String(value) : ''),
			(error) => this.report(plain ? error.message : `not ${error.expected}: ${kindOf(value)}`),
		);
	}

	/** {@link Place.text} for what must be written as text: a name 007 would come out as 7. */
	string<T>(value: unknown, read: (text: string) => T): T | undefined {
		if (typeof value !== 'number') return this.text(value, read);
		this.report(`not text: ${kindOf(value)} (write it in quotes)`);
		return undefined;
	}

	/** Reads true or false; undefined when it was reported. */
	boolean(value: unknown): boolean | undefined {
		if (typeof value === 'boolean') return value;
		this.report(`not true or false: ${kindOf(value)}`);
		return undefined;
	}

	/** Reads a list item by item, each at a place of its own; undefined results are left out. */
	list<T>(value: unknown, read: (item: unknown, place: Place) => T | undefined): readonly T[] {
		if (!Array.isArray(value)) {
			this.report(`not a list: ${kindOf(value)}`);
			return [];
		}
		const items: T[] = [];
		for (const [index, item] of value.entries()) {
			const result = read(item, this.child(index));
			if (result !== undefined) items.push(result);
		}
		return items;
	}

	/** {@link Place.list} for a list that must not be empty. */
	filledList<T>(
		value: unknown,
		read: (item: unknown, place: Place) => T | undefined,
	): readonly T[] {
		if (Array.isArray(value) && value.length === 0) this.report('is an empty list');
		return this.list(value, read);
	}

	/** {@link Place.filledList}, or one item without a list around it. */
	oneOrMany<T>(value: unknown, read: (item: unknown, place: Place) => T | undefined): readonly T[] {
		if (Array.isArray(value)) return this.filledList(value, read);
		const one = read(value, this);
		return one === undefined ? [] : [one];
	}
}

/** Reads the fields of one mapping, each by its name, and reports those that nothing has read. */
export class FieldReader {
	readonly #fields: ReadonlyMap<unknown, unknown>;
	readonly #place: Place;
	readonly #known: string[] = [];

	/** False when that has been reported. */
	readonly isMapping: boolean;

	/** `value` that is not a mapping is reported; `undefined` stands for an empty one. */
	constructor(value: unknown, place: Place) {
		this.isMapping = value instanceof Map || value === undefined;
		if (!this.isMapping) place.report(`not a mapping (field: value): ${kindOf(value)}`);
		this.#fields = value instanceof Map ? value : new Map<unknown, unknown>();
		this.#place = place;
	}

	/** True when the file has this field, whatever is in it. */
	has(name: string): boolean {
		return this.#fields.has(name);
	}

	/** Reads a field with `read`; undefined when the file has it not or it was reported. */
	read<T>(name: string, read: (value: unknown, place: Place) => T | undefined): T | undefined {
		this.#known.push(name);
		if (!this.#fields.has(name)) return undefined;
		const place = this.#place.child(name);
		const value = this.#fields.get(name);
		if (value !== null) return read(value, place);
		place.report('has no value');
		return undefined;
	}

	/** Reports each of `names` that the mapping has not. */
	require(...names: readonly string[]): void {
		if (!this.isMapping) return;
		for (const name of names) {
			if (!this.#fields.has(name)) this.#place.report(`${name} is missing`);
		}
	}

	/** Reports the fields that no call has read. */
	finish(): void {
		for (const name of this.#fields.keys()) {
			const text = typeof name === 'object' ? kindOf(name) : String(name);
			if (this.#known.includes(text)) continue;
			this.#place.child(text).report(`unknown field${didYouMean(text, this.#known)}`);
		}
	}
}

/** A value for a message: quoted text, a number, or the kind of a structure. */
function kindOf(value: unknown): string {
	if (typeof value === 'string') return quoteText(value);
	if (value === null || value === undefined) return 'nothing';
	if (Array.isArray(value)) return 'a list';
	if (typeof value === 'object') return 'a mapping';
	return escapeText(String(value));
}

/** `paths[1].bind`; empty at the top. */
export function formatFieldPath(path: FieldPath): string {
	return path.map(formatStep).join('').replace(/^\./, '');
}

function formatStep(step: string | number): string {
	if (typeof step === 'number') return `[${step}]`;
	return /^[\p{L}\p{N}_-]{1,64}$/u.test(step) && !step.includes('=')
		? `.${step}`
		: `[${quoteText(step)}]`;
}
