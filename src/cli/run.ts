import process from 'node:process';
import {CommanderError} from 'commander';
import {type DropListener, LogSink} from '../app/observe/log-sink.ts';
import {ConfigError, formatProblem} from '../config/errors.ts';
import {isLink} from '../config/share-link.ts';
import {escapeControls} from '../text/escape-text.ts';

/** The parts of the process that a program uses. */
export interface Context {
	/** Without node and script. */
	readonly argv: readonly string[];
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	readonly writeOut: (text: string) => void;
	readonly writeError: (text: string) => void;
	/**
	 * Registers a listener for the lines that `writeError` dropped while its reader stood still;
	 * replaces a plain line.
	 */
	readonly onErrorsDropped?: (listener: DropListener) => void;
	/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
	readonly stopped: () => Promise<void>;
	/** Called at every SIGUSR1. */
	readonly onStatusRequest: (show: () => void) => void;
	/** Called at every SIGHUP, which then ends nothing. */
	readonly onHangUp: (notice: () => void) => void;
}

/** Resolves with the exit code; what it throws is printed. */
export type Main = (context: Context) => Promise<number>;

/** Time for the event loop after the program has ended, before the process exits. */
const LAST_WORDS_MILLIS = 50;

/**
 * Runs a program and sets the exit code of the process: 0 ok, 1 the machine refused something, 2
 * wrong flags, files or keys. The only place that ends the process.
 */
export function run(name: string, main: Main): void {
	const argv = process.argv.slice(2);
	// On Linux a title takes the place of the arguments in the list of processes.
	if (argv.some(isLink)) process.title = name;
	const {write: writeOut} = new LogSink(process.stdout);
	const errors = new LogSink(process.stderr);
	const {write: writeError} = errors;
	const fail = (error: unknown) => report(name, error, wantsStacks(argv), writeError);
	process.on('uncaughtException', (error) => process.exit(fail(error) === 0 ? 0 : 1));
	const context: Context = {
		argv,
		env: process.env,
		cwd: process.cwd(),
		writeOut,
		writeError,
		onErrorsDropped: (listener) => {
			errors.onDropped = listener;
		},
		stopped: stopSignal,
		onStatusRequest: (show) => process.on('SIGUSR1', show),
		onHangUp: (notice) => process.on('SIGHUP', notice),
	};
	void main(context)
		.catch(fail)
		.then((code) => {
			process.exitCode = code;
			// A name that is still being resolved must not keep a stopped program alive.
			setTimeout(() => process.exit(), LAST_WORDS_MILLIS).unref();
		});
}

/** Prints one line for each thing that is wrong; returns the exit code. */
function report(
	name: string,
	error: unknown,
	stacks: boolean,
	write: (text: string) => void,
): number {
	if (error instanceof ConfigError) {
		for (const problem of error.problems) write(`${name}: ${formatProblem(problem)}\n`);
		return error.exitCode;
	}
	// Commander has printed it; it calls every mistake of the user 1.
	if (error instanceof CommanderError) {
		const usage = error.code.startsWith('commander.') && error.exitCode !== 0;
		return usage ? 2 : error.exitCode;
	}
	const reason = error instanceof Error ? error.message : String(error);
	write(`${name}: ${escapeControls(reason)}\n`);
	if (stacks && error instanceof Error) write(`${error.stack}\n`);
	return 1;
}

function wantsStacks(argv: readonly string[]): boolean {
	return /--log-level[ =]debug/.test(argv.join(' '));
}

function stopSignal(): Promise<void> {
	return new Promise((resolve) => {
		let stopping = false;
		const stop = () => {
			if (stopping) process.exit(1);
			stopping = true;
			resolve();
		};
		process.on('SIGINT', stop);
		process.on('SIGTERM', stop);
	});
}
