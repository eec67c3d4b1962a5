import {ValueError} from '../text/value-error.ts';

/** One thing wrong in flags, files, environment or keys; printed as one line. */
export interface Problem {
	/** `FILE` or `FILE:LINE`, already escaped; empty for flags and the environment. */
	readonly where: string;
	/** Dotted path, flag or variable (`paths[1].bind`, `--copies`); empty where `reason` names it. */
	readonly field: string;
	/**
	 * Description of the fault, outside text in it quoted and escaped; never a key or a part of one.
	 */
	readonly reason: string;
}

/** The line that a problem is printed as: `where: field: reason` without the empty parts. */
export function formatProblem(problem: Problem): string {
	return [problem.where, problem.field, problem.reason].filter((part) => part !== '').join(': ');
}

/**
 * The user's mistake in flags, files, environment or keys: every problem found, in the order of
 * the sources; the process ends with {@link ConfigError.exitCode} and prints one line for each.
 */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
	/** Usage errors end the process with 2. */
	readonly exitCode = 2;
	/** At least one. */
	readonly problems: readonly Problem[];

	constructor(problems: readonly Problem[]) {
		super(problems.map(formatProblem).join('\n'));
		this.problems = problems;
	}
}

/** Problems kept one by one; a file of another kind would otherwise print megabytes. */
const PROBLEM_LIMIT = 1000;

/** Collects problems and warnings of all sources, so that one run of a program names them all. */
export class ProblemList {
	readonly #problems: Problem[] = [];
	readonly #warnings = new Set<string>();
	readonly #mask: (text: string) => string;
	#unlisted = 0;

	/** @param mask takes secrets out of all reasons and warnings */
	constructor(mask: (text: string) => string = (text) => text) {
		this.#mask = mask;
	}

	/** The number of problems added. */
	get length(): number {
		return this.#problems.length + this.#unlisted;
	}

	/** Adds one problem. */
	add(where: string, field: string, reason: string): void {
		if (this.#problems.length < PROBLEM_LIMIT) {
			this.#problems.push({where, field, reason: this.#mask(reason)});
		} else this.#unlisted++;
	}

	/** Adds a warning, a sentence for the user, unless it has been added before. */
	warn(warning: string): void {
		this.#warnings.add(this.#mask(warning));
	}

	/** All warnings, in the order of their causes. */
	get warnings(): readonly string[] {
		return [...this.#warnings];
	}

	/** Throws a {@link ConfigError} with everything added so far, if there is anything. */
	throwIfAny(): void {
		if (this.#problems.length === 0) return;
		const rest = {where: '', field: '', reason: `and ${this.#unlisted} more problems`};
		throw new ConfigError(this.#unlisted === 0 ? this.#problems : [...this.#problems, rest]);
	}
}

/** Runs `read`; a {@link ValueError} goes to `report` and gives undefined, others pass through. */
export function attempt<T>(read: () => T, report: (error: ValueError) => void): T | undefined {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof ValueError)) throw error;
		report(error);
		return undefined;
	}
}
