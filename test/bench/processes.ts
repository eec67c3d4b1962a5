import {type ChildProcess, spawn} from 'node:child_process';
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

	/** `command` is a file and its arguments; the environment is `env` and PATH alone. */
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

	/** One of the package's programs; `wrapper` stands before the command. */
	static node(
		name: string,
		words: readonly string[],
		env: Readonly<Record<string, string>>,
		wrapper: readonly string[] = [],
	): Program {
		const script = fileURLToPath(new URL(`../../src/cli/${name}.js`, import.meta.url));
		return new Program(name, [...wrapper, process.execPath, script, ...words], env);
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

	get runs(): boolean {
		const {exitCode, signalCode, pid} = this.#child;
		return pid !== undefined && exitCode === null && signalCode === null;
	}

	/** Kills it like a crash would, or ends it with another signal; resolves when it is gone. */
	async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		if (!this.runs) return;
		const gone = once(this.#child, 'close');
		this.#child.kill(signal);
		await gone;
	}
}

/** A process of the benchmark itself, which answers each command with one message. */
export class Helper<Command extends object, Result> {
	readonly #child: ChildProcess;

	/**
	 * @param name its file in this folder, without ending
	 * @param wrapper stands before the command
	 */
	constructor(name: string, words: readonly string[] = [], wrapper: readonly string[] = []) {
		const script = fileURLToPath(new URL(`${name}.js`, import.meta.url));
		const [file, ...argv] = [...wrapper, process.execPath, script, ...words];
		// Numbers such as Infinity stay what they are.
		this.#child = keep(
			spawn(file!, argv, {
				stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
				serialization: 'advanced',
			}),
		);
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** One command at a time. */
	async ask(command: Command): Promise<Result> {
		const stop = new AbortController();
		const {signal} = stop;
		const ended = once(this.#child, 'exit', {signal}).then(() => {
			throw new Error('a helper of the benchmark has ended');
		});
		ended.catch(() => {});
		const answer = once(this.#child, 'message', {signal});
		this.#child.send(command);
		try {
			const [result]: Result[] = await Promise.race([answer, ended]);
			return result as Result;
		} finally {
			stop.abort();
			answer.catch(() => {});
		}
	}

	/** Safe also when it has ended. */
	async stop(): Promise<void> {
		const {exitCode, signalCode} = this.#child;
		if (exitCode !== null || signalCode !== null) return;
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

/** Memory of a process that is in use, in bytes: now, and the most that it ever was. */
export function residentMemory(pid: number): {readonly now: number; readonly peak: number} {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	const read = (name: string) =>
		Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
	return {now: read('VmRSS') * 1024, peak: read('VmHWM') * 1024};
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
