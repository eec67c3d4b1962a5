import type {LogLevel} from '../config/logging.ts';

/** Structured fields of a log line; undefined ones are left out, strings are escaped and cut. */
export type LogFields = Readonly<
	Record<string, string | number | boolean | bigint | object | null | undefined>
>;

/**
 * Writes one line per call when its level is enabled. Never throws, whatever the fields hold and
 * whatever the sink does. `message` is our own text; outside text belongs into `fields`.
 */
export interface Logger {
	readonly level: LogLevel;
	isEnabled(level: LogLevel): boolean;
	error(message: string, fields?: LogFields): void;
	warn(message: string, fields?: LogFields): void;
	info(message: string, fields?: LogFields): void;
	debug(message: string, fields?: LogFields): void;
	/** A logger that adds `fields` to every line; shares level, sink and rate limits with this one. */
	child(fields: LogFields): Logger;
	/**
	 * This logger at most once per `key` and `everyMillis`, else a silent one; the next line that
	 * passes carries `suppressed`, the number of calls that did not. At most 1,024 keys are kept.
	 */
	limited(key: string, everyMillis: number): Logger;
}
