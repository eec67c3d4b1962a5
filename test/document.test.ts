import {readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {parseSoakOptions} from './soak/options.ts';
import {example, readDocument, sectionOf, tableOf} from './support/documents/document.ts';
import {DocumentShell} from './support/documents/shell.ts';
import {runWorld} from './support/operations/operation-world.ts';
import {parseWorld} from './support/operations/operations.ts';

const PATH = 'test/README.md';
const HERE = dirname(fileURLToPath(import.meta.url));

/** Runs a block from the root of the repository; its standard output. */
async function run(name: string, substitutions: Readonly<Record<string, string>> = {}) {
	const shell = new DocumentShell();
	try {
		// npm would ask its registry for a newer version of itself.
		const set = `cd ${process.cwd()}; export npm_config_update_notifier=false`;
		const text = `${set}\n${example(PATH, name)}`;
		const done = shell.start(text, {...substitutions});
		const code = await done.end();
		return {code, output: done.stdout + done.stderr};
	} finally {
		await shell.close();
	}
}

for (const name of ['some', 'seed']) {
	test.serial(`the commands of the block ${name} run tests that pass`, async (t) => {
		const {code, output} = await run(name);
		t.is(code, 0, output);
		t.regex(output, /tests? passed/);
		if (name === 'seed') t.regex(output, /20 worlds in \d+ s, seed 7/);
	});
}

test('the seed of a failure is printed as the document has it', (t) => {
	t.regex(example(PATH, 'failure'), /^MPTUNNEL_SEED=\d+, \w+ world \d+ on:$/m);
	const source = readFileSync('test/support/operations/operation-property.ts', 'utf8');
	t.regex(source, /`MPTUNNEL_SEED=\$\{seed\}, \$\{theme\} world \$\{done\} on:/);
});

test('the world of the document is one', (t) => {
	const {plan, operations} = parseWorld(example(PATH, 'world'));
	t.deepEqual(runWorld(plan, operations), []);
});

test.serial('the fuzzing of the document runs', async (t) => {
	const {code, output} = await run('fuzz', {
		'npm run fuzz --': `${process.execPath} ${join(HERE, 'fuzz/main.js')}`,
		'10000000': '100',
	});
	t.is(code, 0, output);
	t.regex(output, /liars/);
});

test('the soak of the document has arguments that the program takes', (t) => {
	const [all, ...some] = example(PATH, 'soak').trim().split('\n');
	t.is(all, 'npm run soak');
	const command = 'npm run soak -- ';
	for (const line of some) {
		t.true(line.startsWith(command));
		const options = parseSoakOptions(line.slice(command.length).split(' '));
		t.true(typeof options === 'object' && options.runs.length > 0, line);
	}
	t.regex(some.join(), /--io .*--seconds .*--rate .*--gc/);
});

/** The folders of the sources without a test of the same name. */
function foldersWithout(folder: string): readonly string[] {
	const entries = readdirSync(folder).filter((name) => name !== 'index.ts');
	const rooms = entries.map((name) => join(folder, name)).filter((p) => statSync(p).isDirectory());
	const tests = folder.replace(/^src/, 'test');
	const isTested = (name: string) =>
		statSync(join(tests, name.replace('.ts', '.test.ts')), {throwIfNoEntry: false}) !== undefined;
	const alone = entries.some((name) => name.endsWith('.ts') && !isTested(name));
	return [...(alone ? [folder] : []), ...rooms.flatMap(foldersWithout)];
}

test('the document says by which tests the sources without a test of their name are tested', (t) => {
	const rows = tableOf(sectionOf(readDocument(PATH), '## Where is it tested'), 'sources');
	const listed = rows.flatMap(([cell = '']) =>
		[...cell.matchAll(/`([^`]+)`/g)].map(([, folder = '']) => folder),
	);
	t.deepEqual(
		foldersWithout('src').filter((folder) => folder !== 'src' && !listed.includes(folder)),
		[],
	);
	t.is(new Set(listed).size, listed.length);
});
