import type {Millis} from '../bytes/time.ts';
import {quoteText} from '../text/escape-text.ts';
import {parseDuration, parsePercentage} from '../text/units.ts';
import {ValueError} from '../text/value-error.ts';

/** The most paths that a packet of `redundant N` takes. */
export const MOST_COPIES = 16;

/** Largest traffic factor: beyond it copies on all paths are the better choice. */
export const MOST_TRAFFIC = 4;

/** Standing traffic factor where none is given. */
export const USUAL_FLOOR = 1.125;

/** Largest traffic factor where neither one nor a rate is given. */
export const USUAL_TRAFFIC = 2;

// Fewer than one in ten million cannot be distinguished from none within days.
const LEAST_RESIDUAL = 1e-7;
const MOST_RESIDUAL = 0.5;

const LEAST_DEADLINE: Millis = 1;
const MOST_DEADLINE: Millis = 10_000;

/** The share of packets that may be lost or late, 0.00001 % to 50 %: `0.01%`. */
export function readResidual(text: string): number {
	const share = parsePercentage(text);
	if (share !== undefined && share >= LEAST_RESIDUAL && share <= MOST_RESIDUAL) return share;
	throw new ValueError('a share of 0.00001% to 50% such as 0.01%', quoteText(text));
}

/** The time until a packet is late, 1 ms to 10 s: `40ms`. */
export function readDeadline(text: string): Millis {
	const time = parseDuration(text);
	if (time !== undefined && time >= LEAST_DEADLINE && time <= MOST_DEADLINE) return time;
	throw new ValueError('a duration of 1ms to 10s such as 40ms', quoteText(text));
}

/** A traffic factor, above 1 and up to 4: `1.5`. */
export function readTraffic(text: string): number {
	const factor = readFactor(text);
	if (factor > 1) return factor;
	throw new ValueError(`more than 1 and up to ${MOST_TRAFFIC}, such as 1.5`, quoteText(text));
}

/** A standing traffic factor, or the limit of one, 1 to 4. */
export function readFloor(text: string): number {
	const factor = readFactor(text);
	if (factor >= 1) return factor;
	throw new ValueError(`1 to ${MOST_TRAFFIC}, such as 1.5`, quoteText(text));
}

/** Returns a factor up to the largest; 0: anything else. */
function readFactor(text: string): number {
	const factor = /^[0-9](?:\.[0-9]{1,6})?$/.test(text) ? Number(text) : 0;
	return factor <= MOST_TRAFFIC ? factor : 0;
}
