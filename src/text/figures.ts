import type {Millis} from '../bytes/time.ts';

/** Formats a share in per cent with as many digits as are meaningful. `undefined`: `-`. */
export function shareFigure(share: number | undefined): string {
	if (share === undefined) return '-';
	const percent = share * 100;
	if (percent === 0) return '0';
	return percent < 0.1 ? percent.toPrecision(2) : percent.toFixed(percent < 10 ? 2 : 1);
}

/** The same with its unit. */
export function formatShare(share: number | undefined): string {
	return share === undefined ? '-' : `${shareFigure(share)}%`;
}

/** Milliseconds for people; `-` when not known. */
export function millisFigure(millis: Millis | undefined): string {
	return millis === undefined ? '-' : millis.toFixed(millis < 100 ? 1 : 0);
}

/** The same with their unit. */
export function formatMillis(millis: Millis | undefined): string {
	return millis === undefined ? '-' : `${millisFigure(millis)}ms`;
}

/** A duration in its two largest units. */
export function formatAge(millis: Millis): string {
	const seconds = Math.floor(millis / 1000);
	const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
	if (days! > 0) return `${days}d ${hours! % 24}h`;
	if (hours! > 0) return `${hours}h ${minutes! % 60}m`;
	return minutes! > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

/** A number of things. */
export function formatCount(count: number): string {
	return count.toLocaleString('en-US');
}

/** The same for a column of a table: exact below 10^9, three digits and the letter of SI above. */
export function countFigure(count: number): string {
	return count < 1e9 ? formatCount(count) : scale(count, ['', 'k', 'M', 'G', 'T']);
}

/** Bytes for people. */
export function formatBytes(bytes: number): string {
	return scale(bytes, [' B', ' kB', ' MB', ' GB', ' TB']);
}

function scale(amount: number, units: readonly string[]): string {
	let value = amount;
	let unit = 0;
	for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
	const digits = unit === 0 || value >= 100 ? 0 : value < 10 ? 2 : 1;
	return `${value.toFixed(digits)}${units[unit]}`;
}
