import {type ChildProcess, fork, spawn} from 'node:child_process';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import process from 'node:process';
import {fileURLToPath} from 'node:url';

/** How long a program may take until it runs, or until it is gone after SIGKILL. */
const PATIENCE_MILLIS = 10_000;

const running = new Set<ChildProcess>();

function keep(child: ChildProcess): ChildProcess {
	running.add(child);
	child.once('exit', () => running.delete(child));
	return child;
}

/** Ends everything that still runs; safe in any state, also while the process exits. */
export function killAll(): void {
	for (const child of running) child.kill('SIGKILL');
}

/** A program under test. */
export class Program {
	stderr = '';
	readonly #child: ChildProcess;
	readonly #name: string;

	/** `command` as in spawn; the environment is `env` and PATH alone. */
	constructor(name: string, command: readonly string[], env: Readonly<Record<string, string>>) {
		const [file = '', ...words] = command;
		const {PATH = ''} = process.env;
		const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
		const child = spawn(file, words, {env: {PATH, ...env}, stdio});
		child.on('error', (error) => {
			this.stderr += error.message;
		});
		child.stderr.on('data', (text: Buffer) => {
			this.stderr += text.toString();
		});
		this.#name = name;
		this.#child = keep(child);
	}

	/** One of the package's programs. */
	static node(
		name: string,
		words: readonly string[],
		env: Readonly<Record<string, string>>,
	): Program {
		const script = fileURLToPath(new URL(`../../src/cli/${name}.js`, import.meta.url));
		return new Program(name, [process.execPath, script, ...words], env);
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** Resolves when it has written that to standard error. */
	async says(text: string): Promise<void> {
		const deadline = performance.now() + PATIENCE_MILLIS;
		while (!this.stderr.includes(text)) {
			if (this.#child.exitCode !== null || performance.now() > deadline) {
				throw new Error(`${this.#name} did not say "${text}" but: ${this.stderr.trim()}`);
			}
			await pause(1);
		}
	}

	/** Kills it like a crash would; resolves when it is gone. */
	async kill(): Promise<void> {
		const {exitCode, signalCode, pid} = this.#child;
		if (pid === undefined || exitCode !== null || signalCode !== null) return;
		const gone = once(this.#child, 'exit');
		this.#child.kill('SIGKILL');
		await gone;
	}
}

/** A process of the benchmark itself, which answers each command with one message. */
export class Helper<Command extends object, Result> {
	readonly #child: ChildProcess;

	/** @param name its file in this folder, without ending */
	constructor(name: string) {
		this.#child = keep(fork(fileURLToPath(new URL(`${name}.js`, import.meta.url))));
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** One command at a time. */
	async ask(command: Command): Promise<Result> {
		const answer = once(this.#child, 'message');
		this.#child.send(command);
		const [result]: Result[] = await answer;
		return result as Result;
	}

	async stop(): Promise<void> {
		const gone = once(this.#child, 'exit');
		this.#child.kill('SIGKILL');
		await gone;
	}
}

/** CPU time that a process has used, user and system together, in milliseconds. */
export interface CpuTime {
	readonly main: number;
	readonly all: number;
}

/** Reads the scheduler's own accounts, exact to the nanosecond where ticks are to 10 ms. */
export function cpuTime(pid: number): CpuTime {
	let all = 0;
	for (const thread of readdirSync(`/proc/${pid}/task`)) {
		all += readSchedstat(`/proc/${pid}/task/${thread}/schedstat`);
	}
	return {main: readSchedstat(`/proc/${pid}/schedstat`), all};
}

function readSchedstat(path: string): number {
	try {
		return Number(readFileSync(path, 'utf8').split(' ')[0]) / 1e6;
	} catch {
		// A thread that has just ended.
		return 0;
	}
}

/** A UDP port of loopback that nobody uses just now. */
export async function freePort(): Promise<number> {
	const socket = createSocket('udp4');
	socket.bind(0, '127.0.0.1');
	await once(socket, 'listening');
	const {port} = socket.address();
	socket.close();
	return port;
}

export function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}
