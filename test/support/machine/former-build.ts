import {createHash} from 'node:crypto';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir, userInfo} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {attempt, run} from './commands.ts';

/** The last commit whose ends know lane 0 alone. */
const FORMER = '7dfd06c';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** What is compiled of it: the programs, unchecked, as they were checked in their time. */
const SETTINGS = {
	extends: './tsconfig.json',
	include: ['src'],
	compilerOptions: {noCheck: true, incremental: false, sourceMap: false},
};

/** True when the history has the commit of the former build. */
export function hasFormer(): boolean {
	return attempt('git', ['cat-file', '-e', `${FORMER}^{commit}`], {cwd: ROOT}).status === 0;
}

/**
 * Returns the URL of the folder of a build from before lanes, which is made from the history where
 * it is not there yet: it stays, for this working copy, in the folder for temporary files.
 */
export function formerBuild(): URL {
	const copy = createHash('sha256').update(ROOT).digest('hex').slice(0, 12);
	const home = join(tmpdir(), `mptunnel-${userInfo().uid}-${copy}`);
	mkdirSync(home, {recursive: true, mode: 0o700});
	const folder = join(home, FORMER);
	if (!existsSync(folder)) make(home, folder);
	return pathToFileURL(join(folder, 'build/'));
}

/** Test files are threads and processes side by side: the first that has it done puts it in place. */
function make(home: string, folder: string): void {
	const own = mkdtempSync(join(home, 'new-'));
	try {
		const archive = join(own, 'archive.tar');
		run('git', ['archive', '--output', archive, FORMER], {cwd: ROOT});
		run('tar', ['-xf', archive, '-C', own]);
		symlinkSync(join(ROOT, 'node_modules'), join(own, 'node_modules'));
		writeFileSync(join(own, 'former.json'), JSON.stringify(SETTINGS));
		const node = (...words: string[]) => run(process.execPath, words, {cwd: own});
		node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', 'former.json');
		node('src/socks/take-parser.mjs');
		renameSync(own, folder);
	} catch (error) {
		rmSync(own, {recursive: true, force: true});
		if (!existsSync(folder)) throw error;
	}
}
