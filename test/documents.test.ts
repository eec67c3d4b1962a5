import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {blocksOf, documents, readDocument} from './support/documents/document.ts';
import {NOT_RUN, RUN} from './support/documents/examples.ts';

const DOCUMENTS = documents();

/** All words between backticks outside of fenced blocks. */
function codeWords(text: string): readonly string[] {
	const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
	return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
}

/** The anchor of a heading, as GitHub makes it. */
function anchorOf(heading: string): string {
	const kept = heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '');
	return kept.replaceAll(' ', '-');
}

function anchorsOf(text: string): readonly string[] {
	return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

test('the lists of examples name documents that there are', (t) => {
	t.true(DOCUMENTS.includes('README.md') && DOCUMENTS.includes('src/wire/README.md'));
	const listed = [...Object.keys(RUN), ...Object.keys(NOT_RUN)];
	t.deepEqual(
		listed.filter((path) => !DOCUMENTS.includes(path)),
		[],
	);
});

for (const path of DOCUMENTS) {
	const text = readDocument(path);

	test(`every block of ${path} is run by a test or is on the list of those that cannot be`, (t) => {
		const names = blocksOf(text).map(({name}) => name);
		t.is([...text.matchAll(/^[ \t>]*(?:```|~~~)/gm)].length, 2 * names.length, 'other fences');
		t.is(new Set(names).size, names.length, 'two blocks of one name');
		const run = Object.values(RUN[path] ?? {}).flat();
		t.deepEqual(names.toSorted(), [...run, ...Object.keys(NOT_RUN[path] ?? {})].toSorted());
	});

	test(`the tests of the examples of ${path} name them`, (t) => {
		const unnamed = Object.entries(RUN[path] ?? {}).flatMap(([file, names]) => {
			const source = readFileSync(file, 'utf8');
			return names.filter((name) => !source.includes(`'${name}'`)).map((name) => [file, name]);
		});
		t.deepEqual(unnamed, []);
	});

	test(`npm has every script that ${path} names`, (t) => {
		const {scripts} = JSON.parse(readFileSync('package.json', 'utf8')) as {
			scripts: Record<string, string>;
		};
		const shells = blocksOf(text).filter(({language}) => language === 'sh');
		const commandLines = [...codeWords(text), ...shells.map((block) => block.text)].join('\n');
		const used = [...commandLines.matchAll(/\bnpm (?:run )?([a-z:]+)/g)].map(
			([, script = '']) => script,
		);
		const commands = ['ci', 'install', 'prefix'];
		t.deepEqual(
			used.filter((script) => !(script in scripts) && !commands.includes(script)),
			[],
		);
	});

	test(`the files and headings that ${path} points to exist`, (t) => {
		const top = /^(?:\.github|\.ci|src|test|fixtures)\/[\w./-]+$/;
		for (const word of codeWords(text)) {
			if (top.test(word)) t.true(existsSync(word), word);
		}
		for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
			if (/^[a-z]+:/.test(target)) continue;
			const [file = '', anchor] = target.split('#');
			const whole = file === '' ? path : join(dirname(path), file);
			t.true(existsSync(whole), target);
			if (anchor !== undefined) t.true(anchorsOf(readDocument(whole)).includes(anchor), target);
		}
		t.pass();
	});
}
