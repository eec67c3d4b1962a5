import {type ChildProcess, spawn} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {waitFor} from '../machine/wait-for.ts';

/** The words of a document, each with its replacement on this machine. */
export type Substitutions = Readonly<Record<string, string>>;

/** A shell that runs a block of a document, and all processes that the block started. */
export class ShellRun {
	stdout = '';
	stderr = '';
	/** The exit code. `undefined`: still running. `null`: ended by a signal. */
	code: number | null | undefined;
	readonly #child: ChildProcess;

	constructor(child: ChildProcess) {
		this.#child = child;
		child.stdout?.on('data', (text: Buffer) => {
			this.stdout += text.toString();
		});
		child.stderr?.on('data', (text: Buffer) => {
			this.stderr += text.toString();
		});
		child.on('close', (code) => {
			this.code = code;
		});
	}

	/** Resolves when it has ended. */
	async end(): Promise<number | null> {
		await waitFor(() => this.code !== undefined, `the end of the block: ${this.stderr}`, 60_000);
		return this.code ?? null;
	}

	/** Resolves when it has written that to standard error. */
	async says(text: string): Promise<void> {
		await waitFor(() => this.stderr.includes(text), `${text} in ${this.stderr}`);
	}

	/** Sends a signal to the whole group: a loop would start its program again. */
	kill(signal: NodeJS.Signals): void {
		try {
			process.kill(-(this.#child.pid ?? 0), signal);
		} catch {
			// It has ended.
		}
	}
}

/** A temporary folder in which the commands of documents are run, with the programs on the PATH. */
export class DocumentShell {
	readonly folder: string = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	readonly #runs: ShellRun[] = [];

	constructor() {
		const bin = join(this.folder, 'bin');
		mkdirSync(bin);
		for (const program of ['mpclient', 'mpserver', 'mptunnel']) {
			const script = fileURLToPath(new URL(`../../../src/cli/${program}.js`, import.meta.url));
			const file = join(bin, program);
			writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
			chmodSync(file, 0o755);
		}
	}

	/** Writes a file that only its owner can read. */
	write(name: string, text: string, substitutions: Substitutions = {}): void {
		writeFileSync(join(this.folder, name), substitute(text, substitutions), {mode: 0o600});
	}

	/** Starts a block. */
	start(text: string, substitutions: Substitutions = {}): ShellRun {
		const {PATH = ''} = process.env;
		const child = spawn('sh', ['-e', '-c', substitute(text, substitutions)], {
			cwd: this.folder,
			// The environment of the machine must not change what is shown.
			env: {PATH: `${this.folder}/bin:${PATH}`, HOME: this.folder},
			stdio: ['ignore', 'pipe', 'pipe'],
			detached: true,
		});
		const run = new ShellRun(child);
		this.#runs.push(run);
		return run;
	}

	/** Ends everything that still runs and removes the folder. */
	async close(): Promise<void> {
		for (const run of this.#runs) run.kill('SIGKILL');
		await waitFor(() => this.#runs.every(({code}) => code !== undefined), 'the shells');
		rmSync(this.folder, {recursive: true, force: true});
	}
}

/** Replaces; a word that does not occur is a mistake in the mapping. */
function substitute(text: string, substitutions: Substitutions): string {
	let result = text;
	for (const [from, to] of Object.entries(substitutions)) {
		if (!result.includes(from)) throw new Error(`nothing to replace: ${from}`);
		result = result.replaceAll(from, to);
	}
	return result;
}
