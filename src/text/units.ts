import type {Millis} from '../bytes/time.ts';

const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
	['us', 0.001],
	['ms', 1],
	['s', 1000],
	['m', 60_000],
	['min', 60_000],
	['h', 3_600_000],
]);

const RATE_UNITS: ReadonlyMap<string, number> = new Map([
	['bit', 1],
	['kbit', 1e3],
	['mbit', 1e6],
	['gbit', 1e9],
]);

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
	['b', 1],
	['kb', 1e3],
	['mb', 1e6],
	['gb', 1e9],
	['kib', 2 ** 10],
	['mib', 2 ** 20],
	['gib', 2 ** 30],
]);

const PERCENT: ReadonlyMap<string, number> = new Map([['%', 0.01]]);

/**
 * A number directly followed by one of `units`, in upper or lower case. A bare number is refused,
 * because it would leave its unit to guessing; only 0 needs none.
 */
function parse(text: string, units: ReadonlyMap<string, number>): number | undefined {
	const match = /^(\d+(?:\.\d+)?|\.\d+)([a-z%]*)$/i.exec(text.trim());
	if (match === null) return undefined;
	const value = Number(match[1]);
	const unit = (match[2] ?? '').toLowerCase();
	if (unit === '') return value === 0 ? 0 : undefined;
	const factor = units.get(unit);
	if (factor === undefined) return undefined;
	// 10 x 0.01 and the like are a bit off; dividing by the inverse is exact for round numbers.
	const result = factor < 1 ? value / Math.round(1 / factor) : value * factor;
	return Number.isFinite(result) ? result : undefined;
}

/** Milliseconds from '250ms', '10s', '1.5m' (or '1.5min'), '1h', '80us' or '0'; else undefined. */
export function parseDuration(text: string): Millis | undefined {
	return parse(text, DURATION_UNITS);
}

/**
 * Bits per second from '20mbit', '500kbit', '1gbit' or '9600bit' (powers of ten); else undefined.
 */
export function parseRate(text: string): number | undefined {
	return parse(text, RATE_UNITS);
}

/** A share, 0 to 1, from '10%', '0.1%' or '0'. `undefined`: anything else or above 100 %. */
export function parsePercentage(text: string): number | undefined {
	const share = parse(text, PERCENT);
	return share !== undefined && share <= 1 ? share : undefined;
}

/**
 * Bytes from '1500B', '64kB', '2MB' (powers of ten), '64KiB' (powers of two) or '0'; else
 * undefined.
 */
export function parseSize(text: string): number | undefined {
	return parse(text, SIZE_UNITS);
}
