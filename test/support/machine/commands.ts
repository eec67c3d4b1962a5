import {execFileSync, type SpawnSyncReturns, spawnSync} from 'node:child_process';

/** Milliseconds after which a command that blocks the process is killed. */
const LIMIT = 120_000;

interface CommandOptions {
	readonly cwd?: string;
	readonly env?: NodeJS.ProcessEnv;
	/** Its standard input; without it that is empty. */
	readonly input?: string;
}

/** Runs a command to its end and returns what it printed; throws when it fails or takes too long. */
export function run(
	command: string,
	words: readonly string[],
	options: CommandOptions = {},
): string {
	const stdio = [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] as const;
	return execFileSync(command, words, {
		encoding: 'utf8',
		timeout: LIMIT,
		killSignal: 'SIGKILL',
		stdio: [...stdio],
		...options,
	});
}

/** Runs a command to its end; returns how it ended, and what it printed. A missing one fails too. */
export function attempt(
	command: string,
	words: readonly string[],
	options: CommandOptions = {},
): SpawnSyncReturns<string> {
	return spawnSync(command, words, {
		encoding: 'utf8',
		timeout: LIMIT,
		killSignal: 'SIGKILL',
		...options,
	});
}

/** Runs `ip` with these words. */
export function ip(...words: readonly string[]): void {
	run('ip', words);
}
