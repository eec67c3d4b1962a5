import {existsSync, readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import {parse} from 'yaml';
import {VERSION} from '../src/wire/constants.ts';
import {readDocument, sectionOf} from './support/documents/document.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
	readonly version: string;
	readonly engines: {readonly node: string};
	readonly dependencies: Readonly<Record<string, string>>;
	readonly optionalDependencies: Readonly<Record<string, string>>;
};

test('the workflow runs everything with the oldest and the newest Node.js', (t) => {
	const {jobs} = parse(readFileSync('.github/workflows/ci.yml', 'utf8'));
	const {strategy, container, steps} = jobs.everything;
	t.deepEqual(strategy.matrix.node, [manifest.engines.node.replace('>=', ''), 'current']);
	t.true(container.image.includes('matrix.node'));
	t.true(steps.some(({run}: {run?: string}) => run === 'bash .ci/run'));
	t.true(existsSync('.ci/run'));
});

test('the changelog begins with what the next version is', (t) => {
	const text = readDocument('.github/CHANGELOG.md');
	const [, newest] = /^## \[(.*?)\]/m.exec(text) ?? [];
	t.is(newest, 'Unreleased');
	t.true(sectionOf(text, '## [Unreleased]').includes(`Wire version ${VERSION}.`));
	t.true(text.includes(manifest.version));
});

test('editors and the formatter agree', (t) => {
	const editor = readFileSync('.editorconfig', 'utf8');
	const {formatter} = JSON.parse(readFileSync('.biome.json', 'utf8'));
	t.true(editor.includes(`\nindent_style = ${formatter.indentStyle}\n`));
	t.true(editor.includes(`\nmax_line_length = ${formatter.lineWidth}\n`));
});

test('SECURITY.md names every dependency that runs', (t) => {
	const text = readDocument('.github/SECURITY.md');
	for (const [name, version] of Object.entries({
		...manifest.dependencies,
		...manifest.optionalDependencies,
	})) {
		t.true(text.includes(`\`${name}\``), name);
		t.regex(version, /^\d+\.\d+\.\d+$/);
	}
});

test('the contributing guide leads to every document', (t) => {
	const text = readDocument('.github/CONTRIBUTING.md');
	const own = readdirSync('.github').filter((name) => name.endsWith('.md'));
	t.true(own.length >= 3);
	for (const name of own) {
		if (name !== 'CONTRIBUTING.md') t.true(text.includes(`(${name})`), name);
	}
});

test('the README is short enough to be read', (t) => {
	t.true(readDocument('README.md').split('\n').length - 1 <= 400);
});
