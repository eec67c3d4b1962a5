import {type ChildProcess, spawn} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {waitFor} from '../machine/wait-for.ts';

/** The folder of this build. */
const BUILD = new URL('../../../', import.meta.url);

type ProgramName = 'mpclient' | 'mpserver' | 'mptunnel';

/** A spawned program of the package with what it has written so far. */
export class Program {
	stdout = '';
	stderr = '';
	/** Undefined while it runs; null when a signal killed it. */
	code: number | null | undefined;
	readonly #child: ChildProcess;

	/**
	 * The environment is `env` alone, so that nothing of the machine leaks in; `wrapper` is a command
	 * that runs it, such as `ip netns exec NAME`.
	 * @param build URL of the build that it is of; this one
	 */
	constructor(
		name: ProgramName,
		argv: readonly string[],
		env: Readonly<Record<string, string>> = {},
		wrapper: readonly string[] = [],
		build: URL = BUILD,
	) {
		const script = fileURLToPath(new URL(`src/cli/${name}.js`, build));
		const {PATH = ''} = process.env;
		const [command = '', ...words] = [...wrapper, process.execPath, script, ...argv];
		this.#child = spawn(command, words, {
			env: {PATH, ...env},
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		this.#child.stdout?.on('data', (text: Buffer) => {
			this.stdout += text.toString();
		});
		this.#child.stderr?.on('data', (text: Buffer) => {
			this.stderr += text.toString();
		});
		this.#child.on('close', (code) => {
			this.code = code;
		});
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** Resolves with the exit code. */
	async end(): Promise<number | null> {
		await waitFor(() => this.code !== undefined, 'the end of the program');
		return this.code ?? null;
	}

	/** Resolves when it has written that to standard error. */
	async says(text: string | RegExp): Promise<void> {
		const found = () =>
			typeof text === 'string' ? this.stderr.includes(text) : text.test(this.stderr);
		await waitFor(found, `${text} in ${this.stderr}`);
	}
}
