import {readFileSync} from 'node:fs';

/** A fenced block of the README: the language, and the name behind it on the same line. */
export interface ReadmeBlock {
	readonly language: string;
	readonly name: string;
	readonly text: string;
}

/** The README. */
export function readReadme(): string {
	return readFileSync('README.md', 'utf8');
}

/** All fenced blocks in their order. */
export function readmeBlocks(readme: string): readonly ReadmeBlock[] {
	const fences = readme.matchAll(/^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm);
	return [...fences].map(([, language = '', name = '', text = '']) => ({language, name, text}));
}

/** The rows of the table whose first header cell reads like that, in a part of the README. */
export function readmeTable(part: string, firstHeader: string): readonly (readonly string[])[] {
	const lines = part.split('\n');
	const start = lines.findIndex((line) => cells(line)[0] === firstHeader);
	if (start === -1) throw new Error(`no table "${firstHeader}"`);
	const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
	return lines.slice(start + 2, end === -1 ? lines.length : end).map(cells);
}

/** The text below a heading, until the next one of that depth or less. */
export function readmeSection(readme: string, heading: string): string {
	const depth = /^#+/.exec(heading)?.[0].length ?? 0;
	const lines = readme.split('\n');
	const start = lines.indexOf(heading);
	if (start === -1) throw new Error(`no heading "${heading}"`);
	const isEnd = (line: string) => (/^(#+) /.exec(line)?.[1]?.length ?? depth + 1) <= depth;
	const end = lines.findIndex((line, index) => index > start && isEnd(line));
	return lines.slice(start + 1, end === -1 ? lines.length : end).join('\n');
}

function cells(line: string): readonly string[] {
	return line
		.split(/(?<!\\)\|/)
		.slice(1, -1)
		.map((cell) => cell.trim().replaceAll('\\|', '|'));
}
