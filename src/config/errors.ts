/** One thing wrong in flags, files, environment or keys; printed as one line. */
export interface Problem {
	/** `FILE` or `FILE:LINE`, already escaped; empty for flags and the environment. */
	readonly where: string;
	/** Dotted path, flag or variable (`paths[1].bind`, `--copies`); empty where `reason` names it. */
	readonly field: string;
	/** What is wrong, outside text in it quoted and escaped; never a key or a part of one. */
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
