import {readFileSync} from 'node:fs';
import test from 'ava';
import {parse} from 'yaml';
import {readPathLine} from '../../src/config/path-line.ts';
import {example, readDocument, sectionOf, tableOf} from '../support/documents/document.ts';
import {DocumentShell} from '../support/documents/shell.ts';
import {Program} from '../support/e2e/program.ts';

const PATH = 'src/config/README.md';
const OPTIONS = readDocument(PATH);

test('the files and the commands of the document are valid', async (t) => {
	const shell = new DocumentShell();
	t.teardown(() => shell.close());
	shell.write('tunnel.key', readFileSync('fixtures/config/tunnel.key', 'utf8'));
	for (const file of ['paths.conf', 'mpclient.yaml', 'mpserver.yaml', 'users.yaml', 'rules.yaml'])
		shell.write(file, example(PATH, file));
	for (const [name, programs] of [
		['paths', 1],
		['yaml', 2],
		['users-file', 1],
		['explain', 1],
	] as const) {
		const run = shell.start(example(PATH, name));
		t.is(await run.end(), 0, run.stderr);
		t.is(run.stdout.match(/^configuration ok$/gm)?.length, programs, name);
		if (name === 'explain') t.true(run.stdout.startsWith(example(PATH, 'explained')), run.stdout);
	}
});

test('the link of the document is what its command prints, and a client starts from it', async (t) => {
	const shell = new DocumentShell();
	t.teardown(() => shell.close());
	shell.write('tunnel.key', readFileSync('fixtures/config/tunnel.key', 'utf8'));
	shell.write('mpserver.yaml', example(PATH, 'mpserver.yaml'));
	const shared = shell.start(example(PATH, 'share'));
	t.is(await shared.end(), 0, shared.stderr);
	t.is(shared.stdout, example(PATH, 'link-text'));
	t.regex(shared.stderr, /^mptunnel: the link holds the key of "alice": /);
	shell.write('link.txt', `# a note\n\n${shared.stdout}`);
	const checked = shell.start(example(PATH, 'link'));
	t.is(await checked.end(), 0, checked.stderr);
	t.is(checked.stderr, '');
	t.regex(checked.stdout, /^ {2}- host: bridge1\.example\.net\n {4}port: 4000\n {4}name: lte$/m);
	t.regex(checked.stdout, /^default: fec 1\.5$/m);
});

/** The flags in a help text, as `-c, --config <FILE>`. */
async function flagsOf(program: 'mpclient' | 'mpserver' | 'mptunnel', ...words: string[]) {
	const help = new Program(program, [...words, '--help']);
	await help.end();
	const flags = [...help.stdout.matchAll(/^ {2}((?:-\w, )?--[\w-]+(?: [<[][^ ]+[>\]])?)/gm)];
	return {help: help.stdout, flags: flags.map(([, flag = '']) => flag)};
}

/** The first cells of a table without their backticks. */
function named(part: string, header: string): readonly string[] {
	return tableOf(part, header).map(([cell = '']) => cell.replaceAll('`', ''));
}

for (const program of ['mpclient', 'mpserver'] as const) {
	test(`the table of ${program} lists exactly its flags`, async (t) => {
		const {flags} = await flagsOf(program);
		const shown = named(sectionOf(OPTIONS, `## ${program}`), 'flag');
		t.deepEqual(shown.toSorted(), flags.toSorted());
	});
}

test('the most used flags of the README read as in the tables of all', (t) => {
	const rows = tableOf(sectionOf(readDocument('README.md'), '## Options'), 'flag');
	t.is(rows.length, 10);
	for (const [flag = '', of = '', meaning = ''] of rows) {
		for (const program of of === 'both' ? ['client', 'server'] : [of]) {
			const all = tableOf(sectionOf(OPTIONS, `## mp${program}`), 'flag');
			const found = all.find(([name]) => name === flag);
			t.truthy(found, flag);
			if (of !== 'both') t.true(found?.[1]?.startsWith(meaning), flag);
		}
	}
});

for (const command of ['status', 'explain', 'share', 'service', 'demo', 'link']) {
	test(`the table of mptunnel ${command} lists exactly its flags`, async (t) => {
		const {flags} = await flagsOf('mptunnel', command);
		const own = flags.filter((flag) => flag !== '-h, --help');
		const part = sectionOf(OPTIONS, '## mptunnel');
		t.deepEqual(named(part, `flag of \`${command}\``).toSorted(), own.toSorted());
	});
}

test('the subcommands of mptunnel are all there', async (t) => {
	const {help} = await flagsOf('mptunnel');
	const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
	t.true(commands.length >= 4);
	const part = sectionOf(OPTIONS, '## mptunnel');
	for (const command of commands.filter((name) => name !== 'help')) {
		t.true(part.includes(`\`mptunnel ${command}`), command);
	}
});

test('the table of the environment lists the variables of the help', async (t) => {
	const {help} = await flagsOf('mpclient');
	const variables = [...help.matchAll(/^ {2}((?:MPTUNNEL|XDG)_[A-Z_]+)/gm)];
	const shown = named(sectionOf(OPTIONS, '## Environment'), 'variable');
	t.deepEqual(shown.toSorted(), variables.map(([, name = '']) => name).toSorted());
});

function fixture(name: string): string {
	return readFileSync(`fixtures/config/${name}`, 'utf8');
}

test('the table of words lists those of the full example and no others', (t) => {
	const shown = named(sectionOf(OPTIONS, '## Path lines'), 'word');
	const lines = fixture('full-client.conf').replaceAll(/#.*$/gm, '');
	const words = [...lines.matchAll(/\s([a-z]+)(?==|\s|$)/g)].map(([, word = '']) => word);
	t.deepEqual(shown.toSorted(), [...new Set(words)].toSorted());
	const values: Readonly<Record<string, string>> = {
		name: '=lte',
		bind: '=192.168.8.2',
		port: '=40001',
		rate: '=20mbit',
		keepalive: '=25s',
		mark: '=51820',
	};
	for (const word of shown) {
		const problems: string[] = [];
		readPathLine(`host 4000 ${word}${values[word] ?? ''}`, (reason) => problems.push(reason));
		t.deepEqual(problems, []);
	}
});

/** The dotted paths of all fields, those in lists as `paths[].name`. */
function fieldsOf(value: unknown, prefix = ''): readonly string[] {
	if (Array.isArray(value)) return value.flatMap((item) => fieldsOf(item, `${prefix}[]`));
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, item]) => {
		// The names of policies are the user's own, and no fields.
		if (prefix === 'policies') return fieldsOf(item, 'policies.NAME');
		const field = prefix === '' ? key : `${prefix}.${key}`;
		return [field, ...fieldsOf(item, field)];
	});
}

test('the table of fields lists those of the two full examples', (t) => {
	const rows = tableOf(sectionOf(OPTIONS, '## YAML'), 'field');
	const shown = (end: string) =>
		rows
			.filter(([, of]) => of === end || of === 'both')
			.map(([field = '']) => field.replaceAll('`', ''))
			.toSorted();
	const all = (name: string) => new Set(fieldsOf(parse(fixture(name)) as unknown));
	const server = all('full-server.yaml');
	t.deepEqual(shown('server'), [...server].toSorted());
	// A client has one key, so that its full example can hold one of the two fields only.
	const client = all('full-client.yaml').add('key');
	t.deepEqual(shown('client'), [...client].toSorted());
});
