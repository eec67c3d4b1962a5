import process from 'node:process';

/** The range of a number on a command line. */
export interface NumberRange {
	readonly least: number;
	readonly most: number;
	readonly isWhole: boolean;
}

/** Returns the number that was given to a flag; throws when it is none, or none of the range. */
export function readNumber(flag: string, text: string, range: NumberRange): number {
	const {least, most, isWhole} = range;
	const value = Number(text);
	const isNumber = text.trim() !== '' && value >= least && value <= most;
	if (isNumber && (!isWhole || Number.isInteger(value))) return value;
	const kind = isWhole ? 'a whole number' : 'a number';
	throw new Error(`${flag}: expected ${kind} from ${least} to ${most}, got "${text}"`);
}

/** The request for help in place of options. */
export const HELP_WANTED = 'help';

/**
 * Returns what `parse` makes of the arguments of this process. `undefined`: there is nothing to run,
 * because the help was asked for, or because the arguments are wrong, which one line says; the exit
 * code is set.
 */
export function readArguments<Options extends object>(
	parse: (argv: readonly string[]) => Options | typeof HELP_WANTED,
	help: string,
): Options | undefined {
	try {
		const options = parse(process.argv.slice(2));
		if (options !== HELP_WANTED) return options;
		process.stdout.write(help);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		process.stderr.write(`error: ${message.split('\n', 1)[0]}; --help lists the flags\n`);
		process.exitCode = 2;
	}
	return undefined;
}
