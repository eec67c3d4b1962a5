import type {Millis} from '../core/time.ts';

/** A share as per cent with as many digits as say something; `-` when it is not known. */
export function formatShare(share: number | undefined): string {
	if (share === undefined) return '-';
	const percent = share * 100;
	if (percent === 0) return '0%';
	return `${percent < 0.1 ? percent.toPrecision(2) : percent.toFixed(percent < 10 ? 2 : 1)}%`;
}

/** Milliseconds for people; `-` when not known. */
export function formatMillis(millis: Millis | undefined): string {
	return millis === undefined ? '-' : `${millis.toFixed(millis < 100 ? 1 : 0)}ms`;
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

/** Bytes for people. */
export function formatBytes(bytes: number): string {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let value = bytes;
	let unit = 0;
	for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
	const digits = unit === 0 || value >= 100 ? 0 : value < 10 ? 2 : 1;
	return `${value.toFixed(digits)} ${units[unit]}`;
}
