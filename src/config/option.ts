import type {FieldReader, Place} from './place.ts';

/** A JSON Schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

/** A kind of value: how it is read from any source, and how an editor checks it. */
export interface Type<T> {
	/** Returns the value; `undefined`: it is no good, which has been reported. */
	readonly read: (value: unknown, place: Place) => T | undefined;
	/** Returns the value of a text, or throws a ValueError; absent: it is not written as one text. */
	readonly parse?: (text: string) => T;
	readonly schema: Schema;
	/** Present where several values may be given: the flag can be repeated. */
	readonly many?: true;
	/** All values, where there are only a few. */
	readonly choices?: readonly string[];
	/** The fields of a mapping. */
	readonly fields?: Options;
	/** Present: the fields are those of each item of a list. */
	readonly listed?: true;
	/** Present: the fields are those of each value of a mapping whose keys are names. */
	readonly keyed?: true;
}

/** A flag as help and documents show it. */
export interface Flag {
	/** The word for its value, `[ADDR:]PORT` in `--listen <[ADDR:]PORT>`; absent: it has none. */
	readonly value?: string;
	/** True: it may stand without its value, which then is the empty text. */
	readonly bare?: true;
	/** Its one letter. */
	readonly short?: string;
	/** A few words of Markdown, without a full stop. */
	readonly help: string;
	/** Further words for the documents, where `--help` has no room for them. */
	readonly more?: string;
	/** The value where no source has one, as a user would write it. */
	readonly default?: string | boolean;
	/** The words for it, where it cannot be written as a value. */
	readonly otherwise?: string;
	/** The help of `--no-NAME`, where that exists. */
	readonly off?: string;
	readonly type?: Type<unknown>;
	/** True: it can be given more than once; absent: its type decides. */
	readonly repeatable?: boolean;
}

/** Flags by the camel-case names of their options. */
export type Flags = Readonly<Record<string, Flag>>;

/** An environment variable. */
export interface Variable<T> {
	readonly name: string;
	/** The one value worth showing. */
	readonly value?: string;
	readonly help: string;
	readonly otherwise?: string;
	/** Absent: it is read elsewhere. */
	readonly type?: Type<T>;
}

/** All that is known of one option. Its name is that of the field; most flags follow from it. */
export interface Option<T> extends Flag {
	readonly type: Type<T>;
	/** The only place that can hold it; absent: flags and files. */
	readonly only?: 'flags' | 'files';
	/** The camel-case name of its flag, where it is not that of the field. */
	readonly flag?: string;
	/** The argument of the command line that holds it, in place of a flag. */
	readonly argument?: string;
	readonly variable?: Variable<T>;
	/** The word of a path line, where it is not the name. */
	readonly word?: string;
	/** A good value, for the documents. */
	readonly example?: string;
	/** The meaning of the field of a file, where it is not that of the flag. */
	readonly field?: string;
}

/** Options of any types by their names. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The options with the values `S`: those that are never undefined have a default. */
export type Table<S> = {
	readonly [K in keyof S]-?: Option<Exclude<S[K], undefined>> &
		(undefined extends S[K] ? object : {readonly default: string | boolean});
};

/** The values of one source; those that it does not give are absent. */
export type Given<S> = {readonly [K in keyof S]?: Exclude<S[K], undefined> | undefined};

/** Reads each option of a table with `read`, in their order. */
export function readTable<S>(
	table: Table<S>,
	read: (name: string, type: Type<unknown>, option: Option<unknown>) => unknown,
): Given<S> {
	const entries = Object.entries<Option<unknown>>(table).map(
		([name, option]) => [name, read(name, option.type, option)] as const,
	);
	// Each value is what the type of its own option has read.
	return Object.fromEntries(entries) as Given<S>;
}

/** Reads those fields of a mapping that the table describes; those not given are left out. */
export function readFields<S>(table: Table<S>, fields: FieldReader): Given<S> {
	return readTable(table, (name, {read}) => fields.read(name, read));
}

/** `--log-level` of `logLevel`. */
export function flagName(name: string): string {
	return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
