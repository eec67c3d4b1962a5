import {escapeText} from '../text/escape-text.ts';
import type {ProblemList} from './errors.ts';
import {readPathLine} from './path-line.ts';
import type {PathDraft} from './paths.ts';

/**
 * Reads the configuration file of the original mptunnel, every line of which is a path: see
 * `readPathLine`. `#` anywhere and `;` before a word start a comment; blank lines, CRLF and a byte
 * order mark are accepted. Every bad line is added to `problems` as `FILE:LINE` and left out of the
 * result.
 */
export function readClassicFile(
	name: string,
	text: string,
	problems: ProblemList,
): readonly PathDraft[] {
	const drafts: PathDraft[] = [];
	const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
	for (const [index, line] of lines.entries()) {
		const content = line.replace(/#.*$|(?:^|\s);.*$/s, '').trim();
		if (content === '') continue;
		const where = `${escapeText(name)}:${index + 1}`;
		const path = readPathLine(content, (reason) => problems.add(where, '', reason));
		if (path !== undefined) drafts.push({where, field: '', ...path});
	}
	return drafts;
}
