import type {LogLevel} from '../../config/logging.ts';
import type {LogFields} from './log-fields.ts';

/** Keys that have a limit of their own at once; further ones share one. */
const LIMITER_KEYS = 1024;
const SHARED_KEY = Symbol('shared');

/** Limit of lines with one key. */
export interface LineLimit {
	/** Lines that pass in each interval; 1 when it is not given. */
	readonly burst?: number;
	/** Occurrences that this line stands for; 1 when it is not given. */
	readonly times?: number;
}

/** A line that was held back. */
export interface HeldLine {
	readonly level: LogLevel;
	readonly message: string;
	readonly fields: LogFields;
}

/** The time in which `burst` lines of a key pass. */
export interface LimitWindow {
	readonly key: string | symbol;
	readonly since: number;
	readonly everyMillis: number;
	passed: number;
	/** Occurrences since the last line that passed. */
	suppressed: number;
	/** The newest line that did not pass, shown as the example when the window ends. */
	example: HeldLine | undefined;
}

/** Inputs of the limiter. */
export interface LineLimiterInit {
	/** Wall clock: milliseconds since 1970. */
	readonly now: () => number;
	/** Runs an action after some milliseconds; it keeps no process alive. */
	readonly later: (millis: number, action: () => void) => void;
	/**
	 * Writes the example of a window that has ended, with the count of lines suppressed beside it.
	 */
	readonly write: (line: HeldLine, suppressed: number) => void;
}

/**
 * Lets the first lines of each key pass and counts the others; when the interval is over, one
 * example of them is written with their count, also when no further line comes. Strangers may cause
 * any number of lines with any keys the callers make of what they send, so beyond
 * {@link LIMITER_KEYS} all new keys count as one.
 */
export class LineLimiter {
	readonly #init: LineLimiterInit;
	/** In the order in which they began. */
	readonly #windows = new Map<string | symbol, LimitWindow>();

	constructor(init: LineLimiterInit) {
		this.#init = init;
	}

	/**
	 * Returns the count of lines suppressed before a line that passes now, or the window that holds
	 * this one back.
	 */
	pass(
		key: string | symbol,
		everyMillis: number,
		{burst = 1, times = 1}: LineLimit,
	): number | LimitWindow {
		const now = this.#init.now();
		const window = this.#windows.get(key);
		if (window !== undefined && isOpen(window, now)) return this.#count(window, burst, times);
		if (window === undefined && this.#isFull(now) && key !== SHARED_KEY) {
			return this.pass(SHARED_KEY, everyMillis, {burst, times});
		}
		const suppressed = (window?.suppressed ?? 0) + times - 1;
		if (window !== undefined) window.suppressed = 0;
		this.#begin(key, now, everyMillis);
		return suppressed;
	}

	#count(window: LimitWindow, burst: number, times: number): number | LimitWindow {
		if (window.passed < burst) {
			window.passed++;
			return times - 1;
		}
		if (window.suppressed === 0) {
			this.#init.later(window.everyMillis, () => this.#report(window));
		}
		window.suppressed += times;
		return window;
	}

	/** Writes the example of a window if its count has not been reported yet. */
	#report(window: LimitWindow): void {
		const {suppressed, example} = window;
		if (suppressed === 0 || example === undefined) return;
		window.suppressed = 0;
		window.example = undefined;
		const {key, everyMillis} = window;
		if (this.#windows.get(key) === window) this.#begin(key, this.#init.now(), everyMillis);
		this.#init.write(example, suppressed - 1);
	}

	#begin(key: string | symbol, since: number, everyMillis: number): void {
		this.#windows.delete(key);
		const window = {key, since, everyMillis, passed: 1, suppressed: 0, example: undefined};
		this.#windows.set(key, window);
	}

	/** True while there is no room for one more key; lets the oldest go when its time is over. */
	#isFull(now: number): boolean {
		if (this.#windows.size < LIMITER_KEYS) return false;
		for (const [key, window] of this.#windows) {
			if (key === SHARED_KEY) continue;
			if (isOpen(window, now)) return true;
			this.#windows.delete(key);
			return false;
		}
		return true;
	}
}

// A wall clock that was set back must not silence a key for as long as it went back.
function isOpen({since, everyMillis}: LimitWindow, now: number): boolean {
	return now >= since && now - since < everyMillis;
}
