import {resolve} from 'node:path';
import {quoteText} from '../text/escape-text.ts';
import type {ProblemList} from './errors.ts';
import {readTextFile, STANDARD_INPUT} from './text-file.ts';

/** A file with nothing but a link, and comments. `-`: standard input. `undefined`: a problem. */
export function readLinkFile(name: string, cwd: string, problems: ProblemList): string | undefined {
	const isInput = name === '-';
	const shown = isInput ? 'standard input' : `link file ${quoteText(name)}`;
	const report = (reason: string) => problems.add('', '--link-file', `${shown} ${reason}`);
	const file = readTextFile(isInput ? STANDARD_INPUT : resolve(cwd, name));
	if (!file.ok) {
		report(file.reason);
		return undefined;
	}
	if (file.othersCanRead && !isInput) {
		problems.warn(`${shown} can be read by other users of this machine (chmod 600)`);
	}
	const lines = file.text
		.replace(/^\ufeff/, '')
		.split(/\r\n|\n|\r/)
		.map((line) => line.trim())
		.filter((line) => line !== '' && !line.startsWith('#'));
	const [link, ...others] = lines;
	if (link !== undefined && others.length === 0) return link;
	report(link === undefined ? 'holds no link' : `holds ${lines.length} lines, a link is one`);
	return undefined;
}
