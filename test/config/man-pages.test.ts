import {readdirSync, readFileSync} from 'node:fs';
import process from 'node:process';
import test from 'ava';
import {needing} from '../support/e2e/needs.ts';
import {attempt} from '../support/machine/commands.ts';
import {manPages} from './documents/man-pages.ts';
import {TABLES} from './documents/option-tables.ts';

const PAGES = Object.entries(manPages());

/** The first cells of a table of options, without backticks. */
function named(table: string): readonly string[] {
	const rows = (TABLES[table] ?? '').trim().split('\n').slice(2);
	const cell = (row: string) => /^\| `((?:\\\||[^`])+)`/.exec(row)?.[1];
	return rows.map((row) => cell(row)?.replaceAll('\\|', '|') ?? row);
}

test('the pages are those that the descriptors yield', (t) => {
	t.deepEqual(readdirSync('man').toSorted(), PAGES.map(([name]) => name).toSorted());
	for (const [name, text] of PAGES) {
		t.is(readFileSync(`man/${name}`, 'utf8'), text, 'npm run options');
	}
	const {man, files} = JSON.parse(readFileSync('package.json', 'utf8')) as {
		readonly man: readonly string[];
		readonly files: readonly string[];
	};
	t.deepEqual(man.toSorted(), PAGES.map(([name]) => `./man/${name}`).toSorted());
	t.true(files.includes('man'));
});

test('every option, word, field and variable is in a page', (t) => {
	const pages = manPages();
	const plain = (name: string) =>
		(pages[name] ?? '').replaceAll('\\-', '-').replaceAll('\\(aq', "'").replaceAll('\\e', '\\');
	for (const [page, tables] of [
		['mpclient.1', ['mpclient', 'environment']],
		['mpserver.1', ['mpserver', 'environment']],
		['mptunnel.1', ['status', 'explain', 'share', 'service', 'demo', 'link']],
		['mptunnel.5', ['words', 'fields']],
	] as const) {
		for (const name of tables.flatMap(named)) t.true(plain(page).includes(`\\fB${name}\\fR`), name);
	}
});

needing({programs: ['man']})('man shows the pages without a warning', (t) => {
	for (const [name] of PAGES) {
		const {status, stderr, stdout} = attempt('man', ['--warnings', '-l', `man/${name}`], {
			env: {...process.env, MANPAGER: 'cat', MANROFFOPT: '', LC_ALL: 'C.UTF-8', MANWIDTH: '80'},
		});
		t.is(status, 0, name);
		t.is(stderr, '', name);
		t.true(stdout.length > 1000);
		t.false(/\\[&[(]/.test(stdout), name);
	}
});
