import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';

const folders = new Set<string>();
// Also when the benchmark is interrupted.
process.on('exit', () => {
	for (const folder of folders) rmSync(folder, {recursive: true, force: true});
});

/** A new folder, which is gone when the benchmark has ended. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-bench-'));
	folders.add(folder);
	return folder;
}
