/*
 * Plants one bug after the other in copies of the tree and sees that a test fails, two at a time. On
 * demand: it takes a while. Arguments choose the bugs whose words or places contain one of them.
 */
import {execFile} from 'node:child_process';
import {
	cpSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import process from 'node:process';
import ts from 'typescript';
import type {Bug} from './bug.ts';
import {BUGS} from './bugs.ts';
import {locate, type Places, readPlaces} from './place.ts';

/** Bugs that are tried at once. */
const AT_ONCE = 2;
/** Milliseconds that the tests of one stage may take. */
const LIMIT = 600_000;
/** Outcome of a stage that took longer. */
const TOO_LONG = 'the limit of time';
/** Random worlds of all themes together: a bug shows in the first of them, or hardly ever. */
const WORLDS = '1200';

/** Tests that look for a bug, the quickest first. Recorded packets would notice every change. */
const STAGES: readonly (readonly string[])[] = [
	[
		...['bytes', 'wire', 'crypto', 'core'].map((folder) => `test/${folder}/**/*.test.ts`),
		...['test/net/tunnel/driver.test.ts', 'test/net/tcp/**', 'test/net/exit/streams.test.ts'],
		'!test/core/load/numbers.test.ts',
	],
	[
		...['test/simulation/*operations*.test.ts', 'test/regressions/**/*.test.ts'],
		'!test/regressions/same-packets.test.ts',
	],
	['test/simulation/!(*operations*).test.ts', 'test/core/load/numbers.test.ts'],
];

/** Tests that run at once. */
interface Stage {
	readonly files: readonly string[];
	/** The one test of them that runs. `undefined`: all. */
	readonly title?: string;
}

const root = process.cwd();
/** Below `test`. */
const TEST_FILES = readdirSync(join(root, 'test'), {recursive: true, encoding: 'utf8'}).filter(
	(file) => file.endsWith('.test.ts'),
);
const {config} = ts.readConfigFile(join(root, 'tsconfig.json'), (file) =>
	readFileSync(file, 'utf8'),
);
const {options} = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
// A file alone does not tell that its package is one of modules.
const compilerOptions = {...options, module: ts.ModuleKind.ESNext};

/** A copy of the tree in which bugs are planted. */
class Tree {
	readonly folder: string = mkdtempSync(join(tmpdir(), 'mptunnel-mutation-'));

	constructor() {
		for (const name of ['src', 'test', 'fixtures', 'build', 'package.json', 'tsconfig.json']) {
			cpSync(join(root, name), join(this.folder, name), {
				recursive: true,
				preserveTimestamps: true,
			});
		}
		symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
	}

	/** Compiles a source file of the root with a piece of it replaced. */
	compile(file: string, start: number, end: number, to: string): void {
		const source = readFileSync(join(root, file), 'utf8');
		const text = source.slice(0, start) + to + source.slice(end);
		const {outputText} = ts.transpileModule(text, {compilerOptions, fileName: file});
		writeFileSync(join(this.folder, 'build', file.replace(/\.ts$/, '.js')), outputText);
	}

	/** The first test that fails, of those in the files or of that title; undefined when all pass. */
	async firstFailure({files, title}: Stage): Promise<string | undefined> {
		const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');
		const match = title === undefined ? [] : [`--match=${title}`];
		const words = [ava, '--tap', '--fail-fast', '--concurrency', '1', ...match, ...files];
		const {code, stdout, stderr} = await run(process.execPath, words, this.folder);
		if (code === 0) return undefined;
		const failures = [...stdout.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, title]) => title!);
		const failure = failures.find((title) => !title.includes('exited due to')) ?? failures[0];
		if (stdout.includes('ERR_MODULE_NOT_FOUND'))
			throw new Error(`the tests do not run:\n${stdout}`);
		// Of ava's own limit its TAP output only crashes.
		if (code === 'the limit' || stderr.includes('writeTimeout')) return TOO_LONG;
		if (failure === undefined) throw new Error(`the tests do not run:\n${stdout}${stderr}`);
		return failure;
	}

	remove(): void {
		rmSync(this.folder, {recursive: true});
	}
}

interface Ended {
	readonly code: number | 'the limit';
	readonly stdout: string;
	readonly stderr: string;
}

function run(command: string, words: readonly string[], cwd: string): Promise<Ended> {
	const env = {MPTUNNEL_WORLDS: WORLDS, ...process.env};
	const options = {cwd, env, encoding: 'utf8', timeout: LIMIT, maxBuffer: 1e9} as const;
	return new Promise((resolve) => {
		execFile(command, words, options, (error, stdout, stderr) => {
			const code = error === null ? 0 : error.killed ? 'the limit' : Number(error.code ?? 1);
			resolve({code, stdout, stderr});
		});
	});
}

/** The test files of a folder's tree that have a source file's name. */
function namesakes(file: string): readonly string[] {
	const name = basename(file).replace(/\.ts$/, '.test.ts');
	return TEST_FILES.filter((each) => basename(each) === name).map((each) => `test/${each}`);
}

/** The tests beside a source file: those of its folder, or of the next one above that has any. */
function nearest(file: string): readonly string[] {
	for (
		let folder = dirname(file).replace(/^src/, 'test');
		folder !== 'test';
		folder = dirname(folder)
	) {
		if (existsSync(join(root, folder))) return [`${folder}/**/*.test.ts`, STAGES[0]!.at(-1)!];
	}
	return [];
}

/** What looks for a bug, in turn: the test that is there for it, or all of them, the quickest first. */
function stagesFor({test}: Bug, file: string): readonly Stage[] {
	if (test !== undefined) return [{files: [`test/${test[0]}`], title: test[1]}];
	const all = [namesakes(file), nearest(file), ...STAGES].filter(({length}) => length > 0);
	return all.map((files) => ({files}));
}

/** The one test that ava names: of the stage's files, by a title such as `core › path › rtt › title`. */
function stageOf(failure: string, {files}: Stage): Stage {
	const parts = failure.split(' › ');
	const own = TEST_FILES.filter((file) => {
		const path = `/${file.replace(/\.test\.ts$/, '')}`;
		return parts.some((_, i) => i > 0 && path.endsWith(`/${parts.slice(0, i).join('/')}`));
	});
	const title = parts.at(-1)!;
	return {files: own.length > 0 ? own.map((file) => `test/${file}`) : files, title};
}

/** The test that caught a bug, and whether it does so for another reason. */
interface Catch {
	readonly test: string;
	/** True: it fails without the bug, too. */
	readonly isFalse: boolean;
}

/** The test that caught a bug; undefined when none did. */
async function examine(tree: Tree, places: Places, bug: Bug): Promise<Catch | undefined> {
	const {file, start, end} = locate(places, bug.place, bug.code);
	const original = readFileSync(join(root, file), 'utf8').slice(start, end);
	for (const stage of stagesFor(bug, file)) {
		tree.compile(file, start, end, bug.to);
		const test = await tree.firstFailure(stage);
		tree.compile(file, start, end, original);
		if (test === undefined) continue;
		const alone = test === TOO_LONG ? stage : stageOf(test, stage);
		return {test, isFalse: (await tree.firstFailure(alone)) !== undefined};
	}
	return undefined;
}

async function main(filters: readonly string[]): Promise<void> {
	const matches = ({bug, place}: Bug) =>
		filters.length === 0 || filters.some((filter) => `${bug} ${place}`.includes(filter));
	const chosen = BUGS.filter(matches);
	const places = readPlaces(root);
	const say = (line: string) => process.stdout.write(`${line}\n`);
	const missed: string[] = [];
	const queue = [...chosen];
	const work = async () => {
		const tree = new Tree();
		try {
			for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
				const caught = await examine(tree, places, next);
				if (caught?.isFalse !== false) missed.push(next.bug);
				const how = caught?.isFalse === true ? `${caught.test} FAILS ANYWAY` : caught?.test;
				say(`${next.place}: ${next.bug} -> ${how ?? 'NOT CAUGHT'}`);
			}
		} finally {
			tree.remove();
		}
	};
	await Promise.all(Array.from({length: AT_ONCE}, work));
	say(`${chosen.length - missed.length} of ${chosen.length} planted bugs caught`);
	for (const bug of missed) say(`not caught: ${bug}`);
	process.exitCode = missed.length === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
