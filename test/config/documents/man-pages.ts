import {readFileSync} from 'node:fs';
import type {Command} from 'commander';
import {describe, shownDefault, usage} from '../../../src/cli/flags.ts';
import {CLIENT_FLAGS, HELP_FLAGS, SERVER_FLAGS} from '../../../src/cli/options.ts';
import {toolCommand} from '../../../src/cli/tool-program.ts';
import type {Flag, Flags} from '../../../src/config/option.ts';
import {fieldList, type Row, variables, words} from './option-tables.ts';

const {version} = JSON.parse(readFileSync('package.json', 'utf8')) as {readonly version: string};

/** Pages of the manual, by the names of their files. */
export function manPages(): Readonly<Record<string, string>> {
	return {
		'mpclient.1': clientPage(),
		'mpserver.1': serverPage(),
		'mptunnel.1': toolPage(),
		'mptunnel.5': filePage(),
	};
}

const EXIT = [
	['0', 'ok'],
	['1', 'the machine refused something, such as a port in use'],
	['2', 'wrong flags, files or keys'],
];

function clientPage(): string {
	return page('mpclient', 1, 'client of a multipath UDP tunnel', [
		section('SYNOPSIS', '\\fBmpclient\\fR [\\fIoptions\\fR] \\fIFILE\\fR | \\fILINK\\fR'),
		section(
			'DESCRIPTION',
			text(
				'Beside the application: sends its datagrams over all paths to `mpserver`(1). `FILE` is described in `mptunnel`(5), a link is made by `mptunnel share`.',
			),
		),
		section('OPTIONS', flagList({...CLIENT_FLAGS, ...HELP_FLAGS})),
		...ends('mpserver'),
	]);
}

function serverPage(): string {
	return page('mpserver', 1, 'server of a multipath UDP tunnel', [
		section(
			'SYNOPSIS',
			'\\fBmpserver\\fR [\\fIoptions\\fR] \\fIPORT\\fR [\\fIHOST\\fR \\fIPORT\\fR]',
		),
		section(
			'DESCRIPTION',
			text(
				'Beside the target: delivers the first copy of each datagram of its clients, `mpclient`(1). The arguments are the port to listen on and the fixed target; without one the clients choose targets (SOCKS5).',
			),
		),
		section('OPTIONS', flagList({...SERVER_FLAGS, ...HELP_FLAGS})),
		...ends('mpclient'),
	]);
}

function ends(other: string): readonly string[] {
	return [
		section('ENVIRONMENT', list(variables())),
		section('EXIT STATUS', list(EXIT)),
		section(
			'SIGNALS',
			list([
				['SIGTERM, SIGINT', 'a clean stop'],
				['SIGUSR1', 'prints the status to standard error'],
			]),
		),
		section('SEE ALSO', text(`\`${other}\`(1), \`mptunnel\`(1), \`mptunnel\`(5)`)),
	];
}

function toolPage(): string {
	const tool = toolCommand({
		...{env: {}, cwd: '/', argv: [], writeOut: () => {}, writeError: () => {}},
		...{stopped: () => new Promise<void>(() => {}), exitWith: () => {}},
	});
	const commands = tool.commands.map(
		(command) =>
			`.SS ${escaped(`mptunnel ${command.name()} ${command.usage()}`)}\n${text(`${command.description()}.`)}${options(command)}`,
	);
	return page('mptunnel', 1, 'tools for the tunnel of mpclient and mpserver', [
		section('SYNOPSIS', '\\fBmptunnel\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]'),
		section('OPTIONS', options(tool)),
		section('COMMANDS', commands.join('')),
		section('EXIT STATUS', list([...EXIT, ['3', 'no connection (`mptunnel status`)']])),
		section('SEE ALSO', text('`mpclient`(1), `mpserver`(1), `mptunnel`(5)')),
	]);
}

function options(command: Command): string {
	const all = command.createHelp().visibleOptions(command);
	return list(all.map(({flags, description}) => [flags, description]));
}

function filePage(): string {
	return page('mptunnel', 5, 'files of mpclient and mpserver', [
		section(
			'PATH LINES',
			`${text('Each line of a file of `mpclient` is a path, `HOST PORT` and any of these words; `#` or `;` starts a comment.')}${list(words())}`,
		),
		section(
			'YAML',
			`${text('A file whose name ends in `.yaml`, `.yml` or `.json` can hold these fields.')}${list(fieldList().map(([field = '', of = '', meaning = '']) => [field, of === 'both' ? meaning : `(${of}) ${meaning}`]))}`,
		),
		section('SEE ALSO', text('`mpclient`(1), `mpserver`(1), `mptunnel`(1)')),
	]);
}

function flagList(flags: Flags): string {
	return list(
		Object.entries(flags).flatMap(([name, flag]) => [
			[usage(name, flag), meaning(flag)],
			...(flag.off === undefined ? [] : [[`--no-${name}`, flag.off]]),
		]),
	);
}

function meaning(flag: Flag): string {
	const usual = shownDefault(flag);
	const parts = [describe(flag), ...(usual === '' ? [] : [`default: ${usual}`]), flag.more];
	return parts.filter((part) => part !== undefined).join('. ');
}

function page(name: string, part: number, about: string, sections: readonly string[]): string {
	const title = `.TH ${name.toUpperCase()} ${part} "" "mptunnel ${version}"\n`;
	const head = `.\\" Made by npm run options.\n${title}.nh\n.ad l\n`;
	return `${head}${section('NAME', `${name} \\- ${escaped(about)}`)}${sections.join('')}`;
}

function section(name: string, body: string): string {
	return `.SH ${name}\n${body.trimEnd()}\n`;
}

function text(markdown: string): string {
	return `.PP\n${formatted(markdown)}\n`;
}

function list(rows: readonly Row[]): string {
	return rows
		.map(([term = '', ...rest]) => {
			const name = escaped(term.replaceAll('`', ''));
			return `.TP\n\\fB${name}\\fR\n${formatted(rest.join(' '))}\n`;
		})
		.join('');
}

/** Markdown of one line: words in backticks are bold, links are their words. */
function formatted(markdown: string): string {
	const plain = markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
	const parts = plain.split('`').map(escaped);
	return `\\&${parts.map((part, index) => (index % 2 === 1 ? `\\fB${part}\\fR` : part)).join('')}`;
}

function escaped(plain: string): string {
	return plain
		.replaceAll('\\', '\\e')
		.replaceAll('-', '\\-')
		.replaceAll("'", '\\(aq')
		.replaceAll(/[^\n -~]/g, (character) => `\\[u${hex(character)}]`);
}

function hex(character: string): string {
	return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
