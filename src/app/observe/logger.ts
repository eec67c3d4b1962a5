import {LOG_LEVELS, type LogFormat, type LogLevel} from '../../config/logging.ts';
import {escapeControls, escapeText, TEXT_LIMIT} from '../../text/escape-text.ts';
import {type LimitWindow, type LineLimit, LineLimiter} from './line-limiter.ts';
import type {LogFields} from './log-fields.ts';

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
	/** Returns a logger that adds `fields` to every line; level, sink and rate limits are shared. */
	child(fields: LogFields): Logger;
	/**
	 * Returns this logger at most once (or `burst` times) per `key` and `everyMillis`, else one that
	 * holds its lines back: when the time is over the newest of them is written. The next line that
	 * passes has `suppressed`, the number of those that did not. Beyond 1,024 keys at once all new
	 * ones are one.
	 */
	limited(key: string, everyMillis: number, limit?: LineLimit): Logger;
}

/** Parts of a logger. */
export interface LoggerInit {
	readonly level: LogLevel;
	readonly format: LogFormat;
	/** Wall clock: milliseconds since 1970. */
	readonly now: () => number;
	/** Takes one whole line, its line feed included; what it throws is ignored. */
	readonly sink: (line: string) => void;
	/** Runs an action after some milliseconds; a timer that keeps no process alive by default. */
	readonly later?: (millis: number, action: () => void) => void;
}

/** Makes a {@link Logger}. */
export function createLogger(init: LoggerInit): Logger {
	const {now, later = unreferencedTimer} = init;
	const limiter = new LineLimiter({
		now,
		later,
		write: ({level, message, fields}, suppressed) => {
			const counted = suppressed > 0 ? {suppressed, ...fields} : fields;
			logger[level](message, counted);
		},
	});
	const logger = new LineLogger(init, limiter, {});
	return logger;
}

function unreferencedTimer(millis: number, action: () => void): void {
	setTimeout(action, millis).unref();
}

class LineLogger implements Logger {
	readonly #init: LoggerInit;
	readonly #limiter: LineLimiter;
	readonly #fields: LogFields;

	constructor(init: LoggerInit, limiter: LineLimiter, fields: LogFields) {
		this.#init = init;
		this.#limiter = limiter;
		this.#fields = fields;
	}

	get level(): LogLevel {
		return this.#init.level;
	}

	isEnabled(level: LogLevel): boolean {
		return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.#init.level);
	}

	error(message: string, fields?: LogFields): void {
		this.#write('error', message, fields);
	}

	warn(message: string, fields?: LogFields): void {
		this.#write('warn', message, fields);
	}

	info(message: string, fields?: LogFields): void {
		this.#write('info', message, fields);
	}

	debug(message: string, fields?: LogFields): void {
		this.#write('debug', message, fields);
	}

	child(fields: LogFields): Logger {
		return new LineLogger(this.#init, this.#limiter, {...this.#fields, ...fields});
	}

	limited(key: string, everyMillis: number, limit: LineLimit = {}): Logger {
		const passed = this.#limiter.pass(key, everyMillis, limit);
		if (typeof passed !== 'number') return new HoldingLogger(this, passed, this.#fields);
		return passed === 0 ? this : this.child({suppressed: passed});
	}

	#write(level: LogLevel, message: string, fields: LogFields = {}): void {
		if (!this.isEnabled(level)) return;
		const {format, now, sink} = this.#init;
		try {
			const time = formatTime(now());
			const all = {...this.#fields, ...fields};
			const write = format === 'json' ? jsonLine : textLine;
			sink(`${write(time, level, message, all)}\n`);
		} catch {
			// Nothing may depend on the log being readable; there is no other place to report it.
		}
	}
}

/**
 * The result of {@link Logger.limited} while a key is over its limit: keeps the newest line only.
 */
class HoldingLogger implements Logger {
	readonly #parent: Logger;
	readonly #window: LimitWindow;
	readonly #fields: LogFields;

	constructor(parent: Logger, window: LimitWindow, fields: LogFields) {
		this.#parent = parent;
		this.#window = window;
		this.#fields = fields;
	}

	get level(): LogLevel {
		return this.#parent.level;
	}

	isEnabled(): boolean {
		return false;
	}

	error(message: string, fields?: LogFields): void {
		this.#hold('error', message, fields);
	}

	warn(message: string, fields?: LogFields): void {
		this.#hold('warn', message, fields);
	}

	info(message: string, fields?: LogFields): void {
		this.#hold('info', message, fields);
	}

	debug(message: string, fields?: LogFields): void {
		this.#hold('debug', message, fields);
	}

	child(fields: LogFields): Logger {
		return new HoldingLogger(this.#parent, this.#window, {...this.#fields, ...fields});
	}

	limited(): Logger {
		return this;
	}

	#hold(level: LogLevel, message: string, fields: LogFields = {}): void {
		this.#window.example = {level, message, fields: {...this.#fields, ...fields}};
	}
}

function formatTime(millis: number): string {
	const date = new Date(millis);
	return Number.isNaN(date.getTime()) ? 'no-time' : date.toISOString();
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
	const parts = [time, level, escapeControls(message)];
	for (const [name, value] of Object.entries(fields)) {
		if (value !== undefined) parts.push(`${name}=${textValue(value)}`);
	}
	return parts.join(' ');
}

function textValue(value: NonNullable<LogFields[string]> | null): string {
	if (typeof value === 'string') return quoteIfNeeded(value);
	if (value instanceof Error) return quoteIfNeeded(value.message);
	if (typeof value === 'object') return safeJson(value);
	return String(value);
}

function quoteIfNeeded(text: string): string {
	const escaped = escapeText(text);
	return /^[^\s="\\]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
	// The fixed names stand first and win: a field cannot forge a level.
	const fixed = {time, level, message};
	return safeJson({...fixed, ...withoutFixed(fields)}, message, JSON.stringify(fixed));
}

function withoutFixed(fields: LogFields): LogFields {
	const {time, level, message, ...others} = fields;
	const clashes = Object.entries({time, level, message}).filter(([, value]) => value !== undefined);
	return {...others, ...Object.fromEntries(clashes.map(([name, value]) => [`${name}_`, value]))};
}

/**
 * JSON with outside strings cut, and with what JSON leaves raw but a terminal obeys escaped. What
 * cannot be written (a cycle, a throwing getter) becomes `unprintable`.
 */
function safeJson(value: object | null, uncut?: string, unprintable = '"(unprintable)"'): string {
	try {
		const json = JSON.stringify(value, (_, item: unknown) => {
			if (typeof item === 'bigint') return item.toString();
			if (item instanceof Error) return item.message;
			if (typeof item !== 'string' || item === uncut) return item;
			return item.length > TEXT_LIMIT ? `${item.slice(0, TEXT_LIMIT - 1)}…` : item;
		});
		return escapeControls(json ?? unprintable);
	} catch {
		return escapeControls(unprintable);
	}
}
