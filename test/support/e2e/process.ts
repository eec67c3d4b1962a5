import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';
import {waitFor, within} from '../machine/wait-for.ts';

/** Milliseconds in which what a program wrote last is read. */
const LAST_WORDS = 3000;

/** Any program that a test runs, with its descendants in a process group of its own. */
export class Child {
	/** What it wrote to both streams. */
	output = '';
	/** Undefined while it runs; null when a signal killed it. */
	code: number | null | undefined;
	readonly #child: ChildProcess;
	readonly #closed: Promise<unknown>;

	/** @param typed whether `type` will be used; else it has nothing to read */
	constructor(command: string, argv: readonly string[], typed = false) {
		const input = typed ? 'pipe' : 'ignore';
		this.#child = spawn(command, argv, {detached: true, stdio: [input, 'pipe', 'pipe']});
		this.#child.stdin?.on('error', () => {});
		this.#closed = once(this.#child, 'close').catch(() => {});
		for (const stream of [this.#child.stdout, this.#child.stderr]) {
			stream?.on('data', (text: Buffer) => {
				this.output += text.toString();
			});
		}
		this.#child.on('error', (error) => {
			this.output += String(error);
			this.code = null;
		});
		this.#child.on('exit', (code) => {
			this.code = code;
		});
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	get alive(): boolean {
		return this.code === undefined;
	}

	/** Writes a line to it. */
	type(line: string): void {
		this.#child.stdin?.write(`${line}\n`);
	}

	/** Resolves when it has written that. */
	async says(text: string | RegExp): Promise<void> {
		const found = () =>
			typeof text === 'string' ? this.output.includes(text) : text.test(this.output);
		await waitFor(found, `${text} in ${this.output}`);
	}

	/** Kills it and its descendants; resolves when it has ended. */
	async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		try {
			if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
		} catch {
			// The whole group has ended.
		}
		await waitFor(() => !this.alive, 'the end of a child');
		// A descendant in a group of its own may hold the other ends for ever.
		for (const stream of this.#child.stdio) stream?.destroy();
	}

	/** Resolves with its exit code, when all that it wrote has come. */
	async end(limit = 60_000): Promise<number | null> {
		await waitFor(() => !this.alive, `the end of a child that wrote ${this.output}`, limit);
		// Descendants that it left behind may write for ever.
		await within(this.#closed, 'its last words', LAST_WORDS).catch(() => {});
		return this.code ?? null;
	}
}
