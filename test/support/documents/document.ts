import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

/** A fenced block of a document: the language, and the name behind it on the same line. */
export interface Block {
	readonly language: string;
	readonly name: string;
	readonly text: string;
}

const NOT_OURS: ReadonlySet<string> = new Set(['.git', 'build', 'node_modules']);

/** The paths of all documents of the repository, from its root. */
export function documents(folder = '.'): readonly string[] {
	return readdirSync(folder, {withFileTypes: true}).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : documents(path);
		return entry.name.endsWith('.md') ? [path] : [];
	});
}

/** The text of a document. */
export function readDocument(path: string): string {
	return readFileSync(path, 'utf8');
}

/** All fenced blocks of a text in their order. */
export function blocksOf(text: string): readonly Block[] {
	const fences = text.matchAll(/^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm);
	return [...fences].map(([, language = '', name = '', body = '']) => ({
		language,
		name,
		text: body,
	}));
}

/** The text of the block with that name in a document. */
export function example(path: string, name: string): string {
	const found = blocksOf(readDocument(path)).find((block) => block.name === name);
	if (found === undefined) throw new Error(`${path} has no block "${name}"`);
	return found.text;
}

/** The rows of the table whose first header cell reads like that, in a part of a document. */
export function tableOf(part: string, firstHeader: string): readonly (readonly string[])[] {
	const lines = part.split('\n');
	const start = lines.findIndex((line) => cells(line)[0] === firstHeader);
	if (start === -1) throw new Error(`no table "${firstHeader}"`);
	const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
	return lines.slice(start + 2, end === -1 ? lines.length : end).map(cells);
}

/** The text below a heading, until the next one of that depth or less. */
export function sectionOf(text: string, heading: string): string {
	const depth = /^#+/.exec(heading)?.[0].length ?? 0;
	const lines = text.split('\n');
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
