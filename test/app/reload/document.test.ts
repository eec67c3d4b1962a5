import test from 'ava';
import {CLIENT_EFFECTS, SERVER_EFFECTS} from '../../../src/config/changes.ts';
import {readDocument, sectionOf} from '../../support/documents/document.ts';

const SECTION = sectionOf(readDocument('src/app/README.md'), '## Reload');

/** The words between backticks of the cells of a program's row. */
function cellsOf(program: string): readonly (readonly string[])[] {
	const row = SECTION.split('\n').find((line) => line.startsWith(`| \`${program}\` |`)) ?? '';
	return row
		.split('|')
		.slice(2, 4)
		.map((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word));
}

function withEffect(effects: Readonly<Record<string, string>>, effect: string): readonly string[] {
	return Object.keys(effects).filter((name) => effects[name] === effect);
}

for (const [program, effects] of [
	['mpclient', CLIENT_EFFECTS],
	['mpserver', SERVER_EFFECTS],
] as const) {
	test(`the document says which options of ${program} take a restart`, (t) => {
		const sorted = (words: readonly string[]) => [...words].sort();
		t.deepEqual(
			cellsOf(program).map(sorted),
			[withEffect(effects, 'now'), withEffect(effects, 'restart')].map(sorted),
		);
	});
}
