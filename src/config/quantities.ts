import type {Millis} from '../bytes/time.ts';
import {quoteText} from '../text/escape-text.ts';
import {parseDuration, parseRate, parseSize} from '../text/units.ts';
import {ValueError} from '../text/value-error.ts';
import type {RateOptions} from './paths.ts';

// Below it a rate is a slip of the unit: not one full-sized packet would pass in ten seconds.
const LEAST_RATE = 1000;
const MOST_RATE = 1e12;

// Less would not hold what one fast stream has on its way.
const LEAST_MEMORY = 2 ** 20;
const MOST_MEMORY = 2 ** 40;

const LEAST_KEEP_ALIVE: Millis = 1000;
const MOST_KEEP_ALIVE: Millis = 600_000;
const LEAST_HOLD: Millis = 10;
const MOST_HOLD: Millis = 10_000;
const LEAST_INTERVAL: Millis = 100;
// Timers of Node overflow beyond 24.8 days.
const MOST_INTERVAL: Millis = 86_400_000;

/** A path's rates from `20mbit` (each way) or `20mbit/5mbit` (up/down), in bits per second. */
export function readRates(text: string): RateOptions {
	const parts = text.split('/').map(parseRate);
	const [up, down = up] = parts;
	const valid = parts.every(
		(rate) => rate !== undefined && rate >= LEAST_RATE && rate <= MOST_RATE,
	);
	if (valid && parts.length <= 2 && up !== undefined && down !== undefined) return {up, down};
	throw new ValueError('a rate such as 20mbit, or UP/DOWN such as 5mbit/20mbit', quoteText(text));
}

/** One rate, `20mbit`, in bits per second. */
export function readRate(text: string): number {
	const rate = parseRate(text);
	if (rate !== undefined && rate >= LEAST_RATE && rate <= MOST_RATE) return rate;
	throw new ValueError('a rate such as 20mbit', quoteText(text));
}

/** The time between two repetitions, 100 ms to 24 h: `250ms`, `10s`, `1m`. */
export function readInterval(text: string): Millis {
	const interval = parseDuration(text);
	if (interval !== undefined && interval >= LEAST_INTERVAL && interval <= MOST_INTERVAL) {
		return interval;
	}
	throw new ValueError('a duration of 100ms to 24h such as 10s', quoteText(text));
}

/** The longest time that datagrams wait, 10 ms to 10 s: `500ms`. */
export function readHold(text: string): Millis {
	const time = parseDuration(text);
	if (time !== undefined && time >= LEAST_HOLD && time <= MOST_HOLD) return time;
	throw new ValueError('a duration of 10ms to 10s such as 500ms', quoteText(text));
}

/** The longest time between two packets on a path, 1 s to 10 min: `25s`. */
export function readKeepAlive(text: string): Millis {
	const time = parseDuration(text);
	if (time !== undefined && time >= LEAST_KEEP_ALIVE && time <= MOST_KEEP_ALIVE) return time;
	throw new ValueError('a duration of 1s to 10m such as 25s', quoteText(text));
}

/** Memory for something, 1 MiB to 1 TiB: `256MiB`, `1GiB`; in bytes. */
export function readMemory(text: string): number {
	const size = parseSize(text);
	if (size !== undefined && size >= LEAST_MEMORY && size <= MOST_MEMORY) return Math.floor(size);
	throw new ValueError('a size of 1MiB to 1024GiB such as 256MiB', quoteText(text));
}
