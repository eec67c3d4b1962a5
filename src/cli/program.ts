import process from 'node:process';
import {LogTail} from '../app/observe/log-tail.ts';
import {createLogger, type Logger} from '../app/observe/logger.ts';
import type {StatusSnapshot} from '../app/observe/status.ts';
import {formatStatus} from '../app/observe/status-text.ts';
import {openNotify} from '../app/service/notify.ts';
import {ServiceNotice} from '../app/service/service-notice.ts';
import type {LogFormat, LogLevel} from '../config/logging.ts';
import type {Context} from './run.ts';

/** A program that runs until it is stopped. */
export interface Running {
	status(): StatusSnapshot;
	/** Reads the configuration again and applies the difference; never rejects. */
	reload(): Promise<unknown>;
	close(): Promise<void>;
}

/** The log of a program. */
export interface ProgramLog {
	readonly logger: Logger;
	readonly setLevel: (level: LogLevel) => void;
}

/** The logger of a program, which writes to standard error, after the first warnings. */
export function programLogger(
	options: {readonly logLevel: LogLevel; readonly logFormat: LogFormat},
	warnings: readonly string[],
	{writeError, onErrorsDropped}: Context,
	tail?: LogTail,
): ProgramLog {
	const {logLevel: level, logFormat: format} = options;
	const sink = tail === undefined ? writeError : both(writeError, tail);
	const init = {level, format, now: Date.now, sink};
	const logger = createLogger(init);
	onErrorsDropped?.((count) =>
		logger.warn(`${count} lines dropped: the reader of the log stood still`),
	);
	for (const warning of warnings) logger.warn(warning);
	const setLevel = (changed: LogLevel) => {
		init.level = changed;
	};
	return {logger, setLevel};
}

function both(write: (line: string) => void, tail: LogTail): (line: string) => void {
	return (line) => {
		write(line);
		tail.add(line);
	};
}

/** The end of the log for a live page; `undefined`: there is no page. */
export function tailFor({page}: {readonly page: object | undefined}): LogTail | undefined {
	return page && new LogTail();
}

/**
 * Runs until SIGINT or SIGTERM, then closes; SIGHUP reads the configuration again; SIGUSR1 prints
 * the status to standard error, in the format of the log: the table, or one line of JSON.
 */
export async function serve(
	context: Context,
	format: LogFormat,
	start: () => Promise<Running>,
): Promise<number> {
	let running: Running | undefined;
	/** True when the configuration was to be read again before the program ran. */
	let isAsked = false;
	// From the beginning: a signal during the start must not kill, and Node's own answer to SIGUSR1
	// is to open its debugger.
	const stopped = context.stopped();
	context.onStatusRequest(() => {
		if (running !== undefined) showStatus(running.status(), format, context);
	});
	const service = openService(context);
	const reload = async (program: Running) => {
		service?.reloading();
		await program.reload();
		service?.reloaded();
	};
	context.onHangUp(() => {
		if (running === undefined) isAsked = true;
		else void reload(running);
	});
	const started = await start();
	running = started;
	service?.ready(() => started.status());
	if (isAsked) void reload(started);
	await stopped;
	service?.stopping();
	await started.close();
	return 0;
}

/** The messages to a service manager. `undefined`: none has started this program. */
function openService({env}: Context): ServiceNotice | undefined {
	const notify = openNotify(env);
	return notify && new ServiceNotice({notify, env, pid: process.pid});
}

// Whatever the level of the log is: the user asked.
function showStatus(
	snapshot: StatusSnapshot,
	format: LogFormat,
	{writeError: sink}: Context,
): void {
	if (format === 'text') sink(formatStatus(snapshot));
	else createLogger({level: 'info', format, now: Date.now, sink}).info('status', {...snapshot});
}
