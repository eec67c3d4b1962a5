/*
 * Plants one bug after the other in a copy of the tree and sees that the tests catch it. On demand:
 * it takes a while. Arguments choose the mutations whose names or files contain one of them; --all goes on to
 * the later stages although an earlier one caught the bug.
 */
import {spawnSync} from 'node:child_process';
import {cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {MUTATIONS, type Mutation} from './mutations.ts';
import {STREAM_MUTATIONS} from './stream-mutations.ts';

const TIMEOUT = 300_000;

interface Stage {
	readonly name: string;
	readonly files: readonly string[];
}

/** The quickest first. */
const STAGES: readonly Stage[] = [
	{
		name: 'units',
		files: ['bytes', 'wire', 'crypto', 'core']
			.map((folder) => `test/${folder}/**/*.test.ts`)
			.concat('test/net/tunnel/driver.test.ts'),
	},
	{
		name: 'worlds',
		files: ['test/simulation/operations-*.test.ts', 'test/regressions/**/*.test.ts'],
	},
	{name: 'simulations', files: ['test/simulation/!(operations-)*.test.ts']},
];

/** The same for bugs in streams. */
const STREAM_STAGES: readonly Stage[] = [
	{
		name: 'units',
		files: ['test/core/stream/**/*.test.ts', 'test/core/load/!(numbers).test.ts'].concat([
			'test/wire/streams.test.ts',
			'test/net/tcp/**/*.test.ts',
			'test/net/exit/streams.test.ts',
		]),
	},
	{
		name: 'worlds',
		files: ['test/simulation/stream{s,-operations}.test.ts', 'test/regressions/**/*.test.ts'],
	},
	{name: 'rates', files: ['test/core/load/numbers.test.ts']},
	{name: 'simulations', files: ['test/simulation/stream-numbers.test.ts']},
];

/** Every bug with the stages that look for it. */
const ALL = [
	...MUTATIONS.map((mutation) => ({mutation, stages: STAGES})),
	...STREAM_MUTATIONS.map((mutation) => ({mutation, stages: STREAM_STAGES})),
];

const root = process.cwd();

function copyTree(): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-mutation-'));
	for (const name of ['src', 'test', 'fixtures', 'build', 'package.json', 'tsconfig.json']) {
		cpSync(join(root, name), join(folder, name), {recursive: true, preserveTimestamps: true});
	}
	symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
	return folder;
}

/** Plants the bug; undefined when the text is not there exactly once. */
function plant(folder: string, {file, from, to}: Mutation): string | undefined {
	const path = join(folder, file);
	const source = readFileSync(path, 'utf8');
	if (source.split(from).length !== 2) return undefined;
	writeFileSync(
		path,
		source.replace(from, () => to),
	);
	return source;
}

function program(folder: string, name: string, args: readonly string[]) {
	return spawnSync(process.execPath, [join(root, 'node_modules', name), ...args], {
		cwd: folder,
		encoding: 'utf8',
		timeout: TIMEOUT,
		maxBuffer: 1e9,
		env: {MPTUNNEL_WORLDS: '1600', ...process.env},
	});
}

/** The first test that fails, or undefined; throws when the tests could not even run. */
function firstFailure(folder: string, stage: Stage): string | undefined {
	const result = program(folder, 'ava/entrypoints/cli.mjs', [
		'--tap',
		'--fail-fast',
		...stage.files,
	]);
	if (result.status === 0) return undefined;
	if (result.error) return 'the time limit';
	const failures = [...result.stdout.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, title]) => title!);
	const failure = failures.find((title) => !title.includes('exited due to')) ?? failures[0];
	if (failure !== undefined && !result.stdout.includes('ERR_MODULE_NOT_FOUND')) return failure;
	// Of ava's own time limit its TAP output only crashes.
	if (result.stderr.includes('writeTimeout')) return 'the time limit';
	throw new Error(`the tests do not run:\n${result.stdout.slice(-1000)}${result.stderr}`);
}

function examine(
	folder: string,
	mutation: Mutation,
	stages: readonly Stage[],
	all: boolean,
): string | undefined {
	const source = plant(folder, mutation);
	if (source === undefined) return undefined;
	program(folder, 'typescript/bin/tsc', ['--noEmitOnError', 'false']);
	const caught: string[] = [];
	for (const stage of stages) {
		const failure = firstFailure(folder, stage);
		if (failure !== undefined) caught.push(`${stage.name}: ${failure}`);
		if (caught.length > 0 && !all) break;
	}
	writeFileSync(join(folder, mutation.file), source);
	return caught.join(' | ');
}

const args = process.argv.slice(2);
const filters = args.filter((argument) => argument !== '--all');
const chosen = ALL.filter(
	({mutation}) =>
		filters.length === 0 ||
		filters.some((filter) => `${mutation.name} ${mutation.file}`.includes(filter)),
);
const folder = copyTree();
// What fails without any bug would seem to catch them all.
for (const stage of new Set(chosen.flatMap(({stages}) => stages))) {
	const failure = firstFailure(folder, stage);
	if (failure !== undefined) throw new Error(`fails without a planted bug: ${failure}`);
}
let missed = 0;
for (const {mutation, stages} of chosen) {
	const caught = examine(folder, mutation, stages, args.includes('--all'));
	if (caught === undefined || caught === '') missed++;
	const verdict = caught === undefined ? 'TEXT NOT FOUND' : caught === '' ? 'NOT CAUGHT' : caught;
	process.stdout.write(`${mutation.name} -> ${verdict}\n`);
}
rmSync(folder, {recursive: true});
process.stdout.write(`${chosen.length - missed} of ${chosen.length} planted bugs caught\n`);
process.exitCode = missed === 0 ? 0 : 1;
