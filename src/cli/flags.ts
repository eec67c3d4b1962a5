import {type Command, Option} from 'commander';
import {type Flag, type Flags, flagName} from '../config/option.ts';

/** A flag whose text commander is to turn into a value, or to refuse. */
export interface ParsedFlag extends Flag {
	/** Throws an InvalidArgumentError. */
	readonly parse?: (text: string) => unknown;
	/** True: the command does not run without it. */
	readonly required?: true;
	/** True: `--help` does not list it. */
	readonly hidden?: true;
}

/** Adds the flags of a table to a command, in their order. */
export function addFlags(command: Command, flags: Readonly<Record<string, ParsedFlag>>): void {
	for (const [name, flag] of Object.entries(flags)) {
		const option = new Option(usage(name, flag), helpText(flag));
		if (flag.parse !== undefined) option.argParser(flag.parse);
		// What cannot be repeated is collected all the same, to be refused with every place named.
		if (flag.repeatable === true || flag.type?.many === true) option.argParser(collect);
		command.addOption(
			option.makeOptionMandatory(flag.required === true).hideHelp(flag.hidden === true),
		);
		// Options of a type have other sources, too, and get their defaults behind all of them.
		if (typeof flag.default === 'string' && flag.type === undefined) {
			const value = flag.parse?.(flag.default) ?? flag.default;
			command.setOptionValueWithSource(name, value, 'default');
		}
		if (flag.off !== undefined) command.option(`--no-${flagName(name).slice(2)}`, flag.off);
	}
}

/** `-c, --config <FILE>`. */
export function usage(name: string, {short, value, bare}: Flag): string {
	const shown = bare === true ? `[${value}]` : `<${value}>`;
	const words = [flagName(name), ...(value === undefined ? [] : [shown])].join(' ');
	return short === undefined ? words : `-${short}, ${words}`;
}

/** The help of a flag with its choices, in Markdown and without its default. */
export function describe({help, type, repeatable = type?.many === true}: Flag): string {
	const choices = type?.choices?.map((one) => `\`${one}\``) ?? [];
	const last = choices.pop();
	const words = last === undefined ? '' : `: ${choices.join(', ')} or ${last}`;
	return `${help}${words}${repeatable ? ', repeatable' : ''}`;
}

/** The default of a flag in Markdown; empty: it has none worth showing. */
export function shownDefault({default: usual, otherwise = ''}: Flag): string {
	return typeof usual === 'string' ? `\`${usual}\`` : otherwise;
}

/**
 * Returns the words of a command line with a flag that may be bare joined to its value, which is
 * `ADDR:PORT`: any other word behind it is not its own.
 */
export function joinBare(argv: readonly string[], flags: Flags): readonly string[] {
	const bare = new Set(
		Object.entries(flags).flatMap(([name, flag]) => (flag.bare === true ? [flagName(name)] : [])),
	);
	const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
	return argv.flatMap((word, index) => {
		const [before = '', next = ''] = [argv[index - 1], argv[index + 1]];
		if (index > 0 && index < end && bare.has(before) && PLACE.test(word)) return [];
		if (index >= end || !bare.has(word)) return [word];
		return [`${word}=${PLACE.test(next) ? next : ''}`];
	});
}

const PLACE = /^(?!-)\S*:[0-9]+$/;

function helpText(flag: Flag): string {
	const usual = shownDefault(flag);
	const text = usual === '' ? describe(flag) : `${describe(flag)} (default: ${usual})`;
	return text.replaceAll('`', '');
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
	return [...earlier, value];
}

interface FlagOption extends Flag {
	readonly only?: string;
	readonly flag?: string;
}

/** Only those options that are flags, by the names of these. */
export function flagsOf(table: Readonly<Record<string, FlagOption>>): Flags {
	const flags = Object.entries(table).filter(([, {only}]) => only !== 'files');
	return Object.fromEntries(flags.map(([name, option]) => [option.flag ?? name, option]));
}
