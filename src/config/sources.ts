import {ProblemList} from './errors.ts';
import {flagName, type Given, type Option, readTable, type Table} from './option.ts';
import {Place} from './place.ts';

/** A flag as the command line gives it: its text, its texts, or true or false without one. */
export type FlagValue = string | boolean | readonly string[] | undefined;

/** The flags and arguments of a program, without defaults; `false` stands for `--no-NAME`. */
export type FlagValues<S> = {readonly [K in keyof S]?: FlagValue};

/** The variables that are read; `process.env` is one. */
export interface EnvironmentVariables {
	readonly MPTUNNEL_KEY?: string | undefined;
	readonly MPTUNNEL_ENCRYPT?: string | undefined;
}

/** The place of a flag, an argument or a variable; relative paths in it start in `folder`. */
export function outsidePlace(name: string, folder: string, problems: ProblemList): Place {
	return new Place({folder, locate: () => ({where: '', field: name})}, problems);
}

/** Reads the flags and arguments; `cwd` is absolute. */
export function readFlags<S>(
	table: Table<S>,
	flags: FlagValues<S>,
	cwd: string,
	problems: ProblemList,
): Given<S> {
	const values = new Map<string, unknown>(Object.entries(flags));
	return readTable(table, (name, {read}, {flag = name, argument = flagName(flag)}) => {
		const value = values.get(flag);
		return value === undefined ? undefined : read(value, outsidePlace(argument, cwd, problems));
	});
}

/** Reads the variables of the environment. */
export function readVariables<S>(
	table: Table<S>,
	environment: EnvironmentVariables,
	cwd: string,
	problems: ProblemList,
): Given<S> {
	const values = new Map<string, unknown>(Object.entries(environment));
	return readTable(table, (_, __, {variable}) => {
		const value = values.get(variable?.name ?? '');
		if (value === undefined) return undefined;
		return variable?.type?.read(value, outsidePlace(variable.name, cwd, problems));
	});
}

/** The value of each option from the first source that gives it, else its default. */
export function merge<S>(table: Table<S>, sources: readonly Given<S>[]): S {
	const all = sources.map((source) => new Map<string, unknown>(Object.entries(source)));
	const values = readTable(table, (name, _, option) => {
		const given = all.find((source) => source.get(name) !== undefined);
		return given === undefined ? defaultOf(name, option) : given.get(name);
	});
	// An option whose value is never undefined has a default.
	return values as S;
}

function defaultOf(name: string, {type, default: usual}: Option<unknown>): unknown {
	if (usual === undefined) return undefined;
	const problems = new ProblemList();
	const value = type.read(usual, outsidePlace(name, '/', problems));
	problems.throwIfAny();
	return value;
}

/** The first value that `of` has of a source. */
export function firstOf<S, T>(
	sources: readonly S[],
	of: (source: S) => T | undefined,
): T | undefined {
	return sources.map(of).find((value) => value !== undefined);
}
