import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {example, readDocument, sectionOf, tableOf} from '../support/documents/document.ts';
import {DocumentShell} from '../support/documents/shell.ts';
import {LANE_ROWS, letterOf} from '../support/lanes/lane-cases.ts';
import {RATE_CASES} from '../support/rates/cases.ts';
import {STREAM_CASES} from '../support/rates/stream-cases.ts';
import {parseLanesOptions} from './lanes-options.ts';
import {MEASUREMENTS, titleOf, unknownText} from './measurements/all.ts';
import {parseOptions} from './options.ts';
import {parseStreamsOptions} from './streams-options.ts';

const PATH = 'test/bench/README.md';
const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

/** The arguments of each line of a block, behind the command. */
function argumentsOf(name: string, command: string): readonly (readonly string[])[] {
	return example(PATH, name)
		.trim()
		.split('\n')
		.map((line) => {
			if (!line.startsWith(command)) throw new Error(`another command: ${line}`);
			return line.slice(command.length).split(' ').filter(Boolean);
		});
}

test('the document lists the rows by a command that runs', async (t) => {
	const shell = new DocumentShell();
	t.teardown(() => shell.close());
	const run = shell.start(example(PATH, 'list'), {
		'npm run bench --': `${process.execPath} ${MAIN}`,
	});
	t.is(await run.end(), 0, run.stderr);
	const titles = MEASUREMENTS.flatMap((each) => each.cases.map((row) => titleOf(each, row)));
	t.deepEqual(run.stdout.trim().split('\n'), titles);
});

test('the document chooses rows that there are', (t) => {
	for (const argv of argumentsOf('bench', 'npm run bench --')) {
		const options = parseOptions(argv);
		if (typeof options === 'string') return t.fail(options);
		t.true(options.only.length > 0);
		t.is(unknownText(MEASUREMENTS, options.only), undefined);
	}
});

test('the document chooses simulated rows that there are', (t) => {
	const [all, some = []] = argumentsOf('streams', 'npm run bench:streams');
	t.deepEqual(all, []);
	const [separator, ...argv] = some;
	t.is(separator, '--');
	const names = [...STREAM_CASES, ...RATE_CASES].map(({name}) => name);
	t.deepEqual(parseStreamsOptions(argv, names), {seeds: 1, only: 'download'});
});

test('the document chooses rows of lanes that there are', (t) => {
	const letters = LANE_ROWS.map(letterOf);
	const lines = argumentsOf('lanes', 'npm run bench:lanes').map((argv) => {
		return parseLanesOptions(argv.slice(1), letters);
	});
	t.deepEqual(lines, [
		{only: [], short: false},
		{only: ['a', 'f', 'table'], short: true},
	]);
});

test('the figures of the README are those of the document', (t) => {
	const part = sectionOf(readDocument('README.md'), '## Numbers');
	const rows = tableOf(part, 'three paths, every packet on all of them, on two cores');
	t.true(rows.length > 0);
	const measured = readDocument(PATH);
	const figures = rows.flatMap(([, ...row]) => row.join(' ').match(/\d[\d,.]*\d|\d/g) ?? []);
	t.deepEqual(
		figures.filter((figure) => !measured.includes(figure)),
		[],
	);
});
