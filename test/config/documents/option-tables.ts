import {DEMO_FLAGS} from '../../../src/cli/demo-command.ts';
import {EXPLAIN_FLAGS} from '../../../src/cli/explain-command.ts';
import {describe, flagsOf, shownDefault, usage} from '../../../src/cli/flags.ts';
import {IMPAIRMENT_FLAGS, LINK_FLAGS} from '../../../src/cli/link-command.ts';
import {CLIENT_FLAGS, HELP_FLAGS, SERVER_FLAGS} from '../../../src/cli/options.ts';
import {SERVICE_FLAGS} from '../../../src/cli/service-command.ts';
import {SHARE_FLAGS} from '../../../src/cli/share-command.ts';
import {STATUS_FLAGS} from '../../../src/cli/status-command.ts';
import {CLIENT_TABLE} from '../../../src/config/client.ts';
import {
	type Flag,
	type Flags,
	flagName,
	type Option,
	type Options,
} from '../../../src/config/option.ts';
import {PATH_WORDS} from '../../../src/config/path-fields.ts';
import {SERVER_TABLE} from '../../../src/config/server.ts';

/** The cells of a row of a table, in Markdown. */
export type Row = readonly string[];

/** The tables of the document of all options, by the names in its marks. */
export const TABLES: Readonly<Record<string, string>> = {
	mpclient: flagTable('flag', {...CLIENT_FLAGS, ...HELP_FLAGS}),
	mpserver: flagTable('flag', {...SERVER_FLAGS, ...HELP_FLAGS}),
	environment: table(['variable', 'meaning'], variables()),
	words: table(['word', 'meaning'], words()),
	fields: table(['field', 'of', 'meaning'], fieldList()),
	status: flagTable('flag of `status`', STATUS_FLAGS),
	share: flagTable('flag of `share`', SHARE_FLAGS),
	service: flagTable('flag of `service`', SERVICE_FLAGS),
	explain: flagTable('flag of `explain`', EXPLAIN_FLAGS),
	demo: flagTable('flag of `demo`', DEMO_FLAGS),
	link: flagTable('flag of `link`', {...LINK_FLAGS, ...IMPAIRMENT_FLAGS}),
};

/** A document with its tables as the descriptors have them. */
export function withTables(
	text: string,
	tables: Readonly<Record<string, string>> = TABLES,
): string {
	const mark = /(<!-- table: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g;
	return text.replaceAll(mark, (_, start: string, name: string, end: string) => {
		const made = tables[name];
		if (made === undefined) throw new Error(`no table "${name}"`);
		return `${start}\n${made}\n${end}`;
	});
}

/** A table in Markdown. */
export function table(header: Row, rows: readonly Row[]): string {
	const line = (cells: Row) =>
		`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
	return `${line(header)}|${'---|'.repeat(header.length)}\n${rows.map(line).join('')}`;
}

function flagTable(header: string, flags: Flags): string {
	const rows = Object.entries(flags).flatMap(([name, flag]) => [
		[`\`${usage(name, flag)}\``, meaning(flag)],
		...(flag.off === undefined ? [] : [[`\`--no-${name}\``, flag.off]]),
	]);
	return table([header, 'meaning'], rows);
}

function meaning(flag: Flag): string {
	const usual = shownDefault(flag);
	const more = flag.more === undefined ? '' : `. ${flag.more}`;
	return `${describe(flag)}${usual === '' ? '' : `; ${usual}`}${more}`;
}

/** The variables of the environment, each with its meaning. */
export function variables(): readonly Row[] {
	return Object.values<Option<unknown>>(CLIENT_TABLE).flatMap(({variable}) => {
		if (variable === undefined) return [];
		const {name, value, help, otherwise} = variable;
		const usual = otherwise === undefined ? '' : `; ${otherwise}`;
		return [[`\`${name}\``, `${value === undefined ? '' : `\`${value}\`: `}${help}${usual}`]];
	});
}

/** The words of a path line. */
export function words(): readonly Row[] {
	return [...PATH_WORDS].map(wordRow);
}

function wordRow([word, [, {help, example}]]: [string, readonly [string, Option<unknown>]]): Row {
	return [`\`${word}\``, example === undefined ? help : `\`${word}=${example}\`: ${help}`];
}

/** The fields of YAML, each with the ends that have it. */
export function fieldList(): readonly Row[] {
	const client = fieldRows(CLIENT_TABLE);
	const server = fieldRows(SERVER_TABLE);
	const both = client.filter(([name]) => server.some(([other]) => other === name));
	const without = (rows: readonly Row[]) =>
		rows.filter((row) => !both.some(([name]) => name === row[0]));
	const of = (rows: readonly Row[], end: string) =>
		rows.map(([name = '', text = '']) => [`\`${name}\``, end, text]);
	return [...of(without(client), 'client'), ...of(without(server), 'server'), ...of(both, 'both')];
}

function fieldRows(options: Options, prefix = ''): readonly Row[] {
	return Object.entries(options).flatMap(([name, option]) => {
		if (option.only === 'flags') return [];
		const field = `${prefix}${name}`;
		const {fields: inner, listed, keyed} = option.type;
		const list = listed === true ? '[]' : keyed === true ? '.NAME' : '';
		const meant = option.field ?? fieldMeaning(name, option, prefix);
		// The target of a user is that of the server again.
		const below = inner === undefined || (prefix !== '' && name === 'target') ? {} : inner;
		return [[field, meant], ...fieldRows(below, `${field}${list}.`)];
	});
}

function fieldMeaning(name: string, option: Option<unknown>, prefix: string): string {
	const {flag: flagged = name} = option;
	const isFlag = prefix === '' && flagsOf({[name]: option})[flagged] !== undefined;
	if (prefix === 'paths[].' && name !== 'host' && name !== 'port') {
		const word = option.word ?? name;
		return option.example === undefined ? `\`true\` as \`${word}\`` : `as \`${word}=\``;
	}
	if (!isFlag) return meaning({...option, repeatable: false});
	const flag = `as \`${flagName(flagged)}\``;
	const list = option.type.many === true ? ', or a list of them' : '';
	const off = option.off === undefined ? '' : `; \`false\` as \`--no-${name}\``;
	return `${option.value === undefined ? '`true` ' : ''}${flag}${list}${off}`;
}
