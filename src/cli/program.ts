import {createLogger, type Logger} from '../app/logger.ts';
import {formatStatus, type StatusSnapshot} from '../app/status.ts';
import type {LogFormat, LogLevel} from '../config/logging.ts';
import type {Context} from './run.ts';

/** A program that runs until it is stopped. */
export interface Running {
	status(): StatusSnapshot;
	close(): Promise<void>;
}

/** The logger of a program, which writes to standard error, after the first warnings. */
export function programLogger(
	options: {readonly logLevel: LogLevel; readonly logFormat: LogFormat},
	warnings: readonly string[],
	{writeError, onErrorsDropped}: Context,
): Logger {
	const {logLevel: level, logFormat: format} = options;
	const logger = createLogger({level, format, now: Date.now, sink: writeError});
	onErrorsDropped?.((count) =>
		logger.warn(`${count} lines dropped: the reader of the log stood still`),
	);
	for (const warning of warnings) logger.warn(warning);
	return logger;
}

/** Runs until SIGINT or SIGTERM, then closes; SIGUSR1 prints the table to standard error. */
export async function serve(context: Context, start: () => Promise<Running>): Promise<number> {
	let running: Running | undefined;
	// From the beginning: a signal during the start must not kill, and Node's own answer to SIGUSR1
	// is to open its debugger.
	const stopped = context.stopped();
	context.onStatusRequest(() => {
		if (running !== undefined) context.writeError(formatStatus(running.status()));
	});
	running = await start();
	await stopped;
	await running.close();
	return 0;
}
