import type {Command, Option} from 'commander';

/** The shells that scripts are made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A shell that a script is made for. */
export type Shell = (typeof SHELLS)[number];

/** Words that may stand behind some words of a program. */
interface Level {
	/** The program, or the program and one of its commands. */
	readonly words: readonly string[];
	readonly flags: readonly Flag[];
	/** Names of commands, or the values of arguments that have only a few. */
	readonly choices: readonly Choice[];
	/** True: an argument may be a file. */
	readonly files: boolean;
}

interface Choice {
	readonly name: string;
	readonly help: string;
}

interface Flag extends Choice {
	readonly short: string | undefined;
	/** Absent: it has no value. */
	readonly value: 'file' | 'text' | undefined;
	/** Its values, where there are only a few. */
	readonly values: readonly string[];
}

/** A script that completes the words of programs, from their own trees of commands. */
export function completionScript(shell: Shell, programs: readonly Command[]): string {
	const levels = programs.flatMap((program) => levelsOf(program, []));
	switch (shell) {
		case 'bash':
			return bashScript(programs, levels);
		case 'zsh':
			return zshScript(programs, levels);
		case 'fish':
			return fishScript(levels);
	}
}

function levelsOf(command: Command, before: readonly string[]): readonly Level[] {
	const words = [...before, command.name()];
	const choices = command.registeredArguments.flatMap(({argChoices}) => argChoices ?? []);
	const level = {
		words,
		flags: command.createHelp().visibleOptions(command).map(flagOf),
		choices: [
			...command.commands.map((one) => ({name: one.name(), help: one.description()})),
			...choices.map((name) => ({name, help: ''})),
		],
		files: command.registeredArguments.some((one) => /FILE|CONFIG/.test(one.name())),
	};
	return [level, ...command.commands.flatMap((one) => levelsOf(one, words))];
}

function flagOf({long, short, flags, description, argChoices}: Option): Flag {
	const value = /<(.*)>/.exec(flags)?.[1];
	const kind = value === undefined ? undefined : /FILE|FOLDER/.test(value) ? 'file' : 'text';
	// A list of choices ends the help of an option of a type.
	const listed = /: ([\w-]+(?:, [\w-]+)* or [\w-]+)/.exec(description)?.[1] ?? '';
	const values = argChoices ?? listed.split(/, | or /).filter((one) => one !== '');
	return {name: long ?? short ?? '', short, help: description, value: kind, values};
}

function quoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The name of a level in a case of a shell. */
function caseOf({words}: Level): string {
	return quoted(words.join(' '));
}

function flagWords(flags: readonly Flag[]): string {
	return flags.flatMap(({name, short}) => [name, ...(short ? [short] : [])]).join(' ');
}

/** Cases for the flag before the word: its values, files, or nothing. */
function valueCases(levels: readonly Level[], act: (flag: Flag) => string): readonly string[] {
	return levels.flatMap((level) =>
		level.flags
			.filter(({value}) => value !== undefined)
			.map((flag) => {
				const names = [flag.name, ...(flag.short ? [flag.short] : [])];
				const cases = names.map((name) => quoted(`${level.words.join(' ')} ${name}`)).join('|');
				return `${cases}) ${act(flag)};;`;
			}),
	);
}

function names(programs: readonly Command[]): string {
	return programs.map((program) => program.name()).join(' ');
}

/**
 * Lines that find the level: the program, and the command that is the first word without a dash.
 * `words` expands to the words between the program and the one that is completed.
 */
function levelLines(program: string, words: string, levels: readonly Level[]): string {
	const commands = levels.filter((level) => level.words.length > 1).map(caseOf);
	return `local level=\${${program}##*/} word
for word in ${words}; do
case "$level $word" in ${commands.join('|')}) level="$level $word"; break;; esac
done`;
}

function bashScript(programs: readonly Command[], levels: readonly Level[]): string {
	const values = valueCases(levels, ({value, values: some}) => {
		if (some.length > 0)
			return `COMPREPLY=($(compgen -W ${quoted(some.join(' '))} -- "$cur")); return`;
		return value === 'file' ? 'COMPREPLY=($(compgen -f -- "$cur")); return' : 'return';
	});
	const rest = levels.map((level) => {
		const choices = level.choices.map(({name}) => name).join(' ');
		const files = level.files ? '; COMPREPLY+=($(compgen -f -- "$cur"))' : '';
		return `${caseOf(level)}) flags=${quoted(flagWords(level.flags))}; COMPREPLY=($(compgen -W ${quoted(choices)} -- "$cur"))${files};;`;
	});
	return `# Completion of ${names(programs)} for bash.
_mptunnel() {
local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} flags=
${levelLines('COMP_WORDS[0]', `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`, levels)}
COMPREPLY=()
case "$level $prev" in
${values.join('\n')}
esac
case "$level" in
${rest.join('\n')}
esac
if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); fi
}
complete -o filenames -F _mptunnel ${names(programs)}
`;
}

function zshScript(programs: readonly Command[], levels: readonly Level[]): string {
	const values = valueCases(levels, ({value, values: some}) => {
		if (some.length > 0) return `compadd -- ${some.map(quoted).join(' ')}; return`;
		return value === 'file' ? '_files; return' : 'return';
	});
	const described = (all: readonly Choice[]) =>
		all.map(({name, help}) => quoted(`${name.replaceAll(':', '\\:')}:${help}`)).join(' ');
	const rest = levels.map((level) => {
		const files = level.files ? '; files=1' : '';
		return `${caseOf(level)}) flags=(${described(level.flags)}); choices=(${described(level.choices)})${files};;`;
	});
	return `#compdef ${names(programs)}
# Completion of ${names(programs)} for zsh.
_mptunnel() {
local -a flags choices
local files=0 prev=\${words[CURRENT-1]}
${levelLines('words[1]', `"\${(@)words[2,CURRENT-1]}"`, levels)}
case "$level $prev" in
${values.join('\n')}
esac
case "$level" in
${rest.join('\n')}
esac
if [[ \${words[CURRENT]} == -* ]]; then _describe flag flags; return; fi
(( $#choices )) && _describe word choices
(( files )) && _files
}
if [[ \${funcstack[1]} == _mptunnel ]]; then _mptunnel "$@"; else compdef _mptunnel ${names(programs)}; fi
`;
}

function fishScript(levels: readonly Level[]): string {
	return levels
		.flatMap((level) => {
			const [program = '', command] = level.words;
			const inside = levels.filter(({words}) => words[0] === program && words.length > 1);
			const all = inside.map(({words}) => words[1]).join(' ');
			const condition =
				command !== undefined
					? ` -n ${quoted(`__fish_seen_subcommand_from ${command}`)}`
					: all === ''
						? ''
						: ` -n ${quoted(`not __fish_seen_subcommand_from ${all}`)}`;
			const start = `complete -c ${program}${condition}`;
			return [
				...(level.files ? [] : [`${start} -f`]),
				...level.choices.map(({name, help}) => `${start} -f -a ${quoted(name)} -d ${quoted(help)}`),
				...level.flags.map((flag) => `${start}${fishFlag(flag)}`),
			];
		})
		.join('\n')
		.concat('\n');
}

function fishFlag({name, short, value, values, help}: Flag): string {
	const long = name.startsWith('--') ? ` -l ${name.slice(2)}` : '';
	const letter = short === undefined ? '' : ` -s ${short.slice(1)}`;
	const from = values.length > 0 ? ` -a ${quoted(values.join(' '))}` : '';
	const needs = value === undefined ? '' : value === 'file' ? ' -r -F' : ' -x';
	return `${long}${letter}${needs}${from} -d ${quoted(help)}`;
}
